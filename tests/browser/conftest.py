"""A real server (gunicorn, worker, embedded network) and a real browser (Chromium) for whole journeys."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.browser.serving import ROOT, running_application, running_chromium

PHOTO = ROOT / "tests" / "data" / "photos" / "detroit-1915.jpg"
PHOTO_SIZE = (640, 320)

# The first photo waits for the worker to start, which loads torch.
expect.set_options(timeout=90_000)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the data folder of the application under test."""
    return str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def studio(data_dir: str) -> Iterator[str]:
    """Return the address of the home page of a running application, below the prefix `/studio`.

    It answers uploads without waiting, so that every journey sees the queue and the progress, not only the result.
    """
    settings = {"BASE_DIR": "/studio", "MODEL": "default", "DEVICE": "cpu", "WAIT_S": "0"}
    with running_application(**settings, DATA_DIR=data_dir, MAX_UPLOAD_MB="1", MAX_FILES="10") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running Chromium."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, studio: str) -> Iterator[OpenPage]:
    """Return a function that opens the home page in a fresh context, with Playwright's context options.

    At the end of the test: no request has left for another host, no script failed, nothing was blocked by the page's
    content security policy.
    """
    contexts: list[BrowserContext] = []
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
        context.on("request", watch_request)
        context.on("console", watch_console)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(studio)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not foreign
    assert not complaints
