"""A running application, and a browser to look at it with."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
_START_WITHIN_S = 30.0
# No GPU, no sandbox (containers run as root), and no request of the browser's own.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def running_application(**settings: str) -> Iterator[str]:
    """Give the address of the home page of a gunicorn that serves the application with `settings`."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "server:app", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings})
    address = f"http://127.0.0.1:{port}{settings.get('BASE_DIR', '')}/"
    try:
        _await_health(process, address)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def resting_workers(data_dir: str) -> Iterator[None]:
    """Keep the processes that colour the photos of a data folder from doing anything meanwhile."""
    pids = _workers_of(data_dir)
    assert pids, "no worker has been started"
    try:
        _signal(pids, signal.SIGSTOP)
        while not _can_be_written(data_dir):  # One of them was stopped in the middle of a transaction.
            _signal(pids, signal.SIGCONT)
            time.sleep(0.02)
            _signal(pids, signal.SIGSTOP)
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _can_be_written(data_dir: str) -> bool:
    with closing(sqlite3.connect(Path(data_dir) / "jobs.sqlite3", timeout=0.5)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def _workers_of(data_dir: str) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            environ = (process / "environ").read_bytes().split(b"\0")
            if b"service.workers.worker" in words and f"DATA_DIR={data_dir}".encode() in environ:
                found.append(int(process.name))
    return found


@contextmanager
def running_chromium(*flags: str) -> Iterator[Browser]:
    """Give a running Chromium, the system's, else the one that Playwright installed, started with `flags` too."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=[*_FLAGS, *flags])
        yield browser
        browser.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_health(process: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        assert process.poll() is None, "gunicorn ended at its start"
        try:
            with urlopen(f"{address}healthz", timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            assert time.monotonic() < deadline, "gunicorn does not answer"
            time.sleep(0.1)
