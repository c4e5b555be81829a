"""A real server (gunicorn, worker, embedded network) and a real browser (Chromium) for whole journeys."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "tests" / "data" / "photos" / "detroit-1915.jpg"
PHOTO_SIZE = (640, 320)

START_WITHIN_S = 30.0
# The first photo waits for the worker to start, which loads torch.
expect.set_options(timeout=90_000)
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

OpenPage = Callable[..., Page]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_health(process: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while True:
        assert process.poll() is None, "gunicorn ended at its start"
        try:
            with urlopen(f"{address}/healthz", timeout=5) as answer:
                assert answer.status == 200
                return
        except URLError:
            assert time.monotonic() < deadline, "gunicorn does not answer"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the home page of a running application, below the prefix `/studio`.

    It answers uploads without waiting, so that every journey sees the queue and the progress, not only the result.
    """
    port = _free_port()
    settings = {
        "BASE_DIR": "/studio",
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "MODEL": "default",
        "DEVICE": "cpu",
        "WAIT_S": "0",
        "MAX_UPLOAD_MB": "1",
        "MAX_FILES": "5",
    }
    command = [sys.executable, "-m", "gunicorn", "server:app", "--bind", f"127.0.0.1:{port}", "--log-level", "warning"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings})
    address = f"http://127.0.0.1:{port}/studio"
    try:
        _await_health(process, address)
        yield f"{address}/"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running Chromium: the system's, else the one that Playwright installed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, studio: str) -> Iterator[OpenPage]:
    """Return a function that opens the home page in a fresh context, with Playwright's context options.

    At the end of the test: no request has left for another host, no script failed, nothing was blocked by the page's
    content security policy.
    """
    contexts = []
    foreign: list[str] = []
    complaints: list[str] = []

    def watch_request(request: Request) -> None:
        if not request.url.startswith((studio, "blob:")):
            foreign.append(request.url)

    def watch_console(message: ConsoleMessage) -> None:
        # A problem answered with its proper status is no fault of the page, though the browser logs it as one.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            complaints.append(message.text)

    def open_(**options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("request", watch_request)
        page.on("console", watch_console)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(studio)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not foreign
    assert not complaints
