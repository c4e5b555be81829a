"""The pages at every width, in light and dark: nothing sticks out, text can be read, the drop zone is the label."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import PHOTO, OpenPage

pytestmark = pytest.mark.browser

WIDTHS_PX = (320, 390, 768, 1440, 3840)

# The colours of an element's text and of what lies behind it, as [red, green, blue].
COLOURS = """(element) => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  let behind = element;
  while (numbers(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
  return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map((c) => numbers(c).slice(0, 3));
}"""


def luminance(rgb: Sequence[float]) -> float:
    """Return the relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(page: Page, selector: str) -> float:
    """Return the contrast ratio (WCAG 2.2) of the first element's text on its background."""
    text, ground = page.locator(selector).first.evaluate(COLOURS)
    lighter, darker = sorted((luminance(text), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def sticks_out_px(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(open_page: OpenPage, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    for selector in ("h1", ".lead", "#choose", ".slot-note", ".limits", ".facts p", ".colophon p", ".wordmark"):
        assert contrast(page, selector) >= 4.5, selector
    page.get_by_label("Upload photos").set_input_files(FilePayload(name="a.txt", mimeType="", buffer=b"no picture"))
    page.get_by_role("button", name="Colorize").click()
    expect(page.locator(".reason")).not_to_be_empty()
    for selector in (".name", ".meta", ".reason", ".remove"):
        assert contrast(page, selector) >= 4.5, selector


def test_no_page_is_wider_than_its_window(open_page: OpenPage) -> None:
    page = open_page()
    long_name = FilePayload(name=f"{'grandmother' * 9}.jpg", mimeType="image/jpeg", buffer=PHOTO.read_bytes())
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": 800})
        assert sticks_out_px(page) == 0, f"home at {width} px"
    page.get_by_label("Upload photos").set_input_files([long_name, long_name])
    page.get_by_role("button", name="Colorize 2 photos").click()
    expect(page.get_by_role("slider")).to_have_count(2)
    for width in WIDTHS_PX:
        page.set_viewport_size({"width": width, "height": 800})
        assert sticks_out_px(page) == 0, f"results at {width} px"


def place_of(page: Page, name: str) -> object:
    """Return where the picture of that name stands on the page, whatever the window shows of it."""
    return page.get_by_role("img", name=name).evaluate(
        "(e) => [e.getBoundingClientRect()].map((r) => [r.x + scrollX, r.y + scrollY, r.width, r.height])[0]"
    )


def test_the_result_takes_the_place_of_the_preview(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Upload photos").set_input_files([PHOTO])
    preview = place_of(page, "not coloured yet")
    page.get_by_role("button", name="Colorize").click()
    expect(page.get_by_role("slider")).to_be_visible()
    assert place_of(page, "in colour") == preview


def test_the_drop_zone_opens_the_file_chooser(open_page: OpenPage) -> None:
    page = open_page()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Drop photographs here").click()
    assert chooser.value.is_multiple()
    with page.expect_file_chooser():
        page.get_by_label("Upload photos").press("Enter")
