"""Wrapper that ends a command together with its parent process, for the parts of `run.sh`. Linux only.

`python -m service.workers.end_with_parent PID COMMAND...` replaces itself by COMMAND. When its parent PID ends, even by
SIGKILL, the kernel sends SIGTERM to COMMAND.
"""

import ctypes
import os
import signal
import sys

# Linux' prctl.h.
_PR_SET_PDEATHSIG = 1


def end_with_parent(pid: int) -> None:
    """Let the kernel send SIGTERM to this process, after an `exec` too, when its parent `pid` ends.

    Raises `ProcessLookupError` where that has ended already, and another `OSError` where the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        raise OSError(ctypes.get_errno(), "the end of the parent process cannot be watched")
    # It may have ended before the kernel was asked.
    if os.getppid() != pid:
        raise ProcessLookupError(f"process {pid} has ended")


def main(parent: str, *command: str) -> None:
    """Replace this process by `command`, which ends with the process number `parent`."""
    try:
        end_with_parent(int(parent))
    except ProcessLookupError:
        sys.exit(1)
    except OSError as error:
        print(f"{command[0]} would go on without {parent}: {error}", file=sys.stderr)
    os.execvp(command[0], command)  # nosec B606 # the command comes from run.sh


if __name__ == "__main__":
    main(*sys.argv[1:])
