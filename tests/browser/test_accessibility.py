"""Every page against axe-core's rules for WCAG 2.2 AA and its best practices, light and dark: nothing is found."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import PHOTO, OpenPage

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BROKEN = FilePayload(name="letter.txt", mimeType="text/plain", buffer=b"Dear grandmother")


def home(_: Page) -> None:
    """Stay on the home page."""


def chosen(page: Page) -> None:
    page.get_by_label("Upload photos").set_input_files([PHOTO, PHOTO])
    expect(page.get_by_role("button", name="Colorize 2 photos")).to_be_focused()


def coloured(page: Page) -> None:
    photo = FilePayload(name="street.jpg", mimeType="image/jpeg", buffer=PHOTO.read_bytes())
    page.get_by_label("Upload photos").set_input_files([photo, photo, BROKEN])
    page.get_by_role("button", name="Colorize 3 photos").click()
    expect(page.get_by_role("status")).to_have_text("Finished: 2 coloured, 1 not.")


def several_results(page: Page) -> None:
    coloured(page)
    page.reload()
    expect(page.get_by_role("slider")).to_have_count(2)


def earlier(page: Page) -> None:
    address = page.url
    coloured(page)
    page.goto(address)
    expect(page.locator("#earlier")).to_be_visible()


def album(page: Page) -> None:
    coloured(page)
    page.get_by_role("link", name="Your photographs").click()
    page.get_by_text("Delete all", exact=True).click()


def gone(page: Page) -> None:
    page.goto(f"{page.url}colorization/{'0' * 32}")


def nowhere(page: Page) -> None:
    page.goto(f"{page.url}nowhere")


def chinese(page: Page) -> None:
    page.goto(f"{page.url}?lang=zh")


def documentation(page: Page) -> None:
    page.goto(f"{page.url}docs")


PAGES: list[Callable[[Page], None]] = [
    home,
    chosen,
    coloured,
    several_results,
    earlier,
    album,
    gone,
    nowhere,
    chinese,
    documentation,
]


def violations(page: Page) -> list[str]:
    """Return what axe-core finds, as lines of rule, help and where."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate(f"axe.run({{ runOnly: {RULES} }})")
    return [
        f"{rule['id']}: {rule['help']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("bring", PAGES, ids=lambda bring: bring.__name__)
def test_axe_finds_nothing(open_page: OpenPage, bring: Callable[[Page], None]) -> None:
    # What fades in is judged when it is there.
    page = open_page(reduced_motion="reduce")
    bring(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(50)
        assert violations(page) == [], scheme
