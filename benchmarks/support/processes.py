"""Processes as the system lists them (Linux): children, descendants and memory."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_KIB_IN_MIB = 1024


def children_of(pid: int) -> list[int]:
    """Return the ids of the processes that any thread of process `pid` has started and that have not been waited for.

    A process that is gone has none.
    """
    lists = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # The thread may end meanwhile.
            lists.append(thread.read_text())
    return sorted(int(child) for children in lists for child in children.split())


def descendants_of(pid: int) -> Iterator[int]:
    """Yield the process `pid`, its children, their children, and so on."""
    yield pid
    for child in children_of(pid):
        yield from descendants_of(child)


def memory_mib(pid: int, figure: str = "VmRSS", file: str = "status") -> float:
    """Return a figure of /proc/PID/`file` in MiB, 0 for a process that is gone.

    `VmRSS` is the resident memory, `VmHWM` its peak; `Pss` in `smaps_rollup` divides what several processes share.
    """
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(f"{figure}:"):
                return int(line.split()[1]) / _KIB_IN_MIB
    return 0.0
