"""Every page against axe-core's rules for WCAG 2.2 AA and its best practices, light and dark: nothing is found."""

import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from service.domain.job import WORKER_LOST
from tests.browser.conftest import PHOTO, OpenPage
from tests.browser.serving import resting_workers
from tests.browser.visits import STREET, Visit

pytestmark = pytest.mark.browser

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# The dark page is the light one in other colours.
COLOUR_RULES = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
BROKEN = FilePayload(name="letter.txt", mimeType="text/plain", buffer=b"Dear grandmother")


def home(_: Visit) -> None:
    """Stay on the home page."""


def chosen(visit: Visit) -> None:
    visit.page.get_by_label("Upload photos").set_input_files([PHOTO, PHOTO])
    expect(visit.page.get_by_role("button", name="Colorize 2 photos")).to_be_focused()


def coloured(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Upload photos").set_input_files([STREET, STREET, BROKEN])
    page.get_by_role("button", name="Colorize 3 photos").click()
    expect(page.get_by_role("status")).to_have_text("Finished: 2 coloured, 1 not.")


def several_results(visit: Visit) -> None:
    coloured(visit)
    visit.page.reload()
    expect(visit.page.get_by_role("slider")).to_have_count(2)


def earlier(visit: Visit) -> None:
    visit.send_and_open()
    visit.page.goto(visit.studio)
    expect(visit.page.locator("#earlier")).to_be_visible()


def album(visit: Visit) -> None:
    visit.send_and_open()
    visit.page.get_by_role("link", name="Your photographs").click()
    visit.page.get_by_text("Delete all", exact=True).click()


def result(visit: Visit) -> None:
    """With everything open that can be opened."""
    visit.send_and_open()
    page = visit.page
    page.get_by_role("button", name="Show four versions").click()
    expect(page.locator("#versions-status")).to_have_text("")
    page.get_by_role("button", name="Point at a place").press("Enter")
    page.get_by_role("application", name="Pointer in the picture").press("Enter")
    expect(page.locator(".swatch").first).to_be_visible()
    page.get_by_role("button", name="This is gray").click()
    expect(page.locator("#tune-status")).to_have_text("Coloured again.")
    page.get_by_role("button", name="Where it is guessing").click()
    page.get_by_text("Other kinds of file").click()
    page.get_by_text("Share", exact=True).click()


def side_by_side(visit: Visit) -> None:
    visit.send_and_open()
    visit.page.get_by_role("button", name="Side by side").click()
    visit.page.get_by_role("button", name="Zoom in").click()


def shared(visit: Visit) -> None:
    visit.send_and_open()
    visit.page.goto(visit.page.locator("#share-link").input_value())
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("A photograph, in colour")


def running(visit: Visit) -> None:
    visit.send_and_open()
    visit.stay(resting_workers(visit.data_dir))
    visit.open(visit.send(STREET))
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Colour is on its way")


def failed(visit: Visit) -> None:
    visit.open(visit.send_and_fail(WORKER_LOST))
    expect(visit.page.get_by_role("button", name="Try again")).to_be_visible()


def gone(visit: Visit) -> None:
    """What is deleted, has expired or belongs to another browser."""
    visit.open("0" * 32)


def nowhere(visit: Visit) -> None:
    visit.page.goto(f"{visit.studio}nowhere")


def chinese(visit: Visit) -> None:
    visit.page.goto(f"{visit.studio}?lang=zh")
    visit.open(visit.send(STREET))
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("照片已上色")


def documentation(visit: Visit) -> None:
    visit.page.goto(f"{visit.studio}docs")


PAGES: list[Callable[[Visit], None]] = [
    home,
    chosen,
    coloured,
    several_results,
    earlier,
    album,
    result,
    side_by_side,
    shared,
    running,
    failed,
    gone,
    nowhere,
    chinese,
    documentation,
]


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """Return what axe-core, loaded before, finds, as lines of rule, help and where."""
    # What passes is judged all the same, but not told in detail, which saves a fifth of the time on a long page.
    found: dict[str, Any] = page.evaluate("(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] })", rules)
    return [
        f"{rule['id']}: {rule['help']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def lasting_violations(page: Page, rules: dict[str, Any], within_s: float = 10.0) -> list[str]:
    """Return what is still found when colours have had time to fade into each other."""
    deadline = time.monotonic() + within_s
    while (found := violations(page, rules)) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    return found


@pytest.mark.parametrize("bring", PAGES, ids=lambda bring: bring.__name__)
def test_axe_finds_nothing(open_page: OpenPage, studio: str, data_dir: str, bring: Callable[[Visit], None]) -> None:
    # What fades in is judged when it is there.
    visit = Visit(open_page(reduced_motion="reduce"), studio, data_dir)
    with visit.stack:
        bring(visit)
        visit.page.evaluate(AXE)
        assert violations(visit.page, RULES) == []
        visit.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        assert lasting_violations(visit.page, COLOUR_RULES) == []
