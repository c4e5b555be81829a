"""Fork server of the decoding processes: `python -m colorizers.photo.sandbox_server SOCKET`.

It loads the imaging libraries once, no torch, and forks a process for each file that it is asked for; what it reads of
a file is nothing. It kills processes that take too long, tells those who wait when a process has died, and ends, with
all processes, when the last other end of its socket closes. Needs Linux.
"""

import faulthandler
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import imagecodecs
from PIL import Image

from colorizers.photo import sandbox_child
from colorizers.photo.sandbox_messages import MOST_BYTES

# imagecodecs loads a codec when it is first used, which every process would do anew.
_CODECS = ("jpeg8_decode", "png_decode", "avif_decode", "jpeg2k_decode", "cms_transform", "cms_profile")
# Most headers are read within this time. What takes longer must not delay them, nor anything else on the machine.
_SWIFT_S = 0.25
_LOWEST_PRIORITY = 19


@dataclass
class _Child:
    """A decoding process, the connection to whoever waits for it, and the times when it becomes slow and too slow."""

    pid: int
    connection: socket.socket
    slow_at: float
    deadline: float
    is_overdue: bool = False


class Server:
    """Forks, watches and reaps decoding processes."""

    def __init__(self, control: socket.socket) -> None:
        """Take requests from `control`: JSON, with a socket for the answer and the file as descriptors."""
        self._control = control
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until the other end closes."""
        while True:
            for key, _ in self._selector.select(self._seconds_until_next()):
                if key.fileobj is not self._control:
                    self._reap(key.fd)
                elif not self._accept():
                    return
            self._urge()

    def _accept(self) -> bool:
        """Fork a process for the next request; return whether there was one."""
        message, descriptors, _, _ = socket.recv_fds(self._control, MOST_BYTES, 2)
        if not message:
            return False
        connection, file = socket.socket(fileno=descriptors[0]), descriptors[1]
        request = json.loads(message)
        server_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError:
            _tell(connection, "no process")
            connection.close()
        else:
            if pid == 0:
                self._let_go()
                _run(connection, file, request, server_pid)
            self._watch(pid, connection, request)
        finally:
            os.close(file)
        return True

    def _let_go(self) -> None:
        """Close, in a forked process, what is none of its business: the connections of others above all."""
        self._selector.close()
        self._control.close()
        for handle, child in self._children.items():
            os.close(handle)
            child.connection.close()

    def _watch(self, pid: int, connection: socket.socket, request: dict[str, Any]) -> None:
        now = time.monotonic()
        slow_at = now + _SWIFT_S if request["reads"] == "header" else float("inf")
        handle = os.pidfd_open(pid)
        self._children[handle] = _Child(pid, connection, slow_at, now + request["wall_s"])
        self._selector.register(handle, selectors.EVENT_READ)

    def _seconds_until_next(self) -> float | None:
        """Return how long nothing needs to be done, None for as long as nothing happens."""
        times = [min(child.slow_at, child.deadline) for child in self._children.values() if not child.is_overdue]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _urge(self) -> None:
        """Let slow processes go behind everything else, and kill those that are too slow."""
        now = time.monotonic()
        for child in self._children.values():
            if child.slow_at <= now:
                child.slow_at = float("inf")
                with suppress(ProcessLookupError):
                    os.setpriority(os.PRIO_PROCESS, child.pid, _LOWEST_PRIORITY)
            if child.deadline <= now:
                child.is_overdue = True
                os.kill(child.pid, signal.SIGKILL)

    def _reap(self, handle: int) -> None:
        """Let a process that has ended go, and tell who waits for it, unless it has answered."""
        self._selector.unregister(handle)
        os.close(handle)
        child = self._children.pop(handle)
        _, status = os.waitpid(child.pid, 0)
        is_slow = child.is_overdue or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU)
        _tell(child.connection, "too slow" if is_slow else "crashed")
        child.connection.close()


def _run(connection: socket.socket, file: int, request: dict[str, Any], server_pid: int) -> None:
    """Answer a request in a forked process, and end that."""
    status = 1
    try:
        sandbox_child.answer(connection, file, request, server_pid)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _tell(connection: socket.socket, what: str) -> None:
    """Say how a process ended. Whoever has had its answer, which comes first, reads no further."""
    with suppress(OSError):
        connection.send(json.dumps({"died": what}).encode(), socket.MSG_DONTWAIT)


def _load_libraries() -> None:
    """Load what decoding processes need, so that it is there when they are forked."""
    Image.init()
    for name in _CODECS:
        getattr(imagecodecs, name)
    gc.freeze()


def _silence_libraries() -> None:
    """Let what libraries print about every broken row of a picture go nowhere, and keep what Python says."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    faulthandler.enable(sys.stderr)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


if __name__ == "__main__":
    _silence_libraries()
    # Ctrl-C in a terminal reaches the whole group; the process that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _load_libraries()
    Server(socket.socket(fileno=int(sys.argv[1]))).run()
