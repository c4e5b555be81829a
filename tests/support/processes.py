"""Processes of the service in tests: start, search in the process list, stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.request import ProxyHandler, build_opener

from benchmarks.support.processes import children_of
from benchmarks.support.servers import free_port
from service.settings import ROOT, Settings

__all__ = ["children_of", "free_port"]

PYTHON = sys.executable
# One for all questions: what httpx makes ready for each costs more than a server's start leaves between two of them.
_DIRECTLY = build_opener(ProxyHandler({}))

T = TypeVar("T")


def until(condition: Callable[[], T | None], within_s: float = 90.0) -> T:
    """Return the first true value of `condition`."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"this did not become true within {within_s} s")


@contextmanager
def running(command: list[str], settings: Settings) -> "Iterator[subprocess.Popen[bytes]]":
    """Run `command` in the project folder with `settings`; at the end it gets SIGTERM, then SIGKILL."""
    environ = {**os.environ, **settings.to_environ()}
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Return whether a server answers at `url`."""
    try:
        with _DIRECTLY.open(url, timeout=5) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


def workers_of(data_dir: Path) -> list[int]:
    """Return the process ids of the live workers of a data folder, as the system lists them."""
    wanted = f"DATA_DIR={data_dir}".encode()
    return [pid for pid, command, environ in _processes() if b"service.workers.worker" in command and wanted in environ]


def processes_of(data_dir: Path) -> set[int]:
    """Return the process ids of all parts of the application with that data folder."""
    wanted = f"DATA_DIR={data_dir}".encode()
    return {pid for pid, _, environ in _processes() if wanted in environ}


def _processes() -> Iterator[tuple[int, list[bytes], list[bytes]]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command, environ = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
            except OSError:  # Another user's, or gone meanwhile.
                continue
            yield int(folder.name), command.split(b"\0"), environ.split(b"\0")


def is_decoding_server(pid: int) -> bool:
    """Return whether that process is alive, and the one that starts decoding processes."""
    try:
        return b"colorizers.photo.sandbox_server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def kill(pid: int) -> None:
    """End a process as the system does when memory runs out."""
    os.kill(pid, signal.SIGKILL)
