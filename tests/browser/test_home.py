"""The home page in a real browser: many photographs at once, examples, earlier photographs, languages, weight."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import PHOTO, OpenPage
from tests.browser.serving import resting_workers

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
MOST_BYTES_OF_HOME = 60_000
# Sums up how far what stands on the page is pushed about (Cumulative Layout Shift), from `window.shifted = 0` on.
WATCH_SHIFTS = """
window.shifted = 0;
window.shiftedNames = [];
new PerformanceObserver((list) => {
  for (const shift of list.getEntries()) {
    window.shifted += shift.value;
    window.shiftedNames.push(...shift.sources.map((source) => source.node?.className ?? source.node?.nodeName));
  }
}).observe({ type: "layout-shift" });
"""


def small_photos(count: int) -> list[FilePayload]:
    """Return photographs of several shapes, gray and unlike each other, as a browser sends them."""
    photos = []
    with Image.open(PHOTO) as whole:
        for number in range(count):
            width, height = (160, 120) if number % 2 else (120, 160)
            buffer = io.BytesIO()
            whole.crop((number * 30, 20, number * 30 + width, 20 + height)).save(buffer, "JPEG")
            photos.append(FilePayload(name=f"{number}.jpg", mimeType="image/jpeg", buffer=buffer.getvalue()))
    return photos


def earlier(page: Page) -> Locator:
    return page.locator("#earlier .row > li")


def send(page: Page, studio: str, *photos: FilePayload) -> None:
    """Send photographs for this page's browser, and wait until the last one has its colours."""
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    for photo in photos:
        answer = page.request.post(f"{studio}v1/index", multipart={"photo": photo}, headers={"X-CSRF-Token": token})
        assert answer.status == 202
    page.goto(f"{studio}colorization/{answer.json()['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")


def test_ten_photos_at_once_one_of_them_broken(open_page: OpenPage, studio: str, data_dir: str) -> None:
    page = open_page()
    send(page, studio, *small_photos(1))
    page.add_init_script(WATCH_SHIFTS)
    page.goto(studio)
    photos = small_photos(10)
    photos[4]["buffer"] = photos[4]["buffer"][:100]
    page.get_by_label("Upload photos").set_input_files(photos)
    cards = page.locator(".print")
    with resting_workers(data_dir):
        page.get_by_role("button", name="Colorize 10 photos").click()
        expect(cards.nth(9).locator(".state")).to_contain_text("In the queue, number")
        page.evaluate("window.shifted = 0")
    expect(page.get_by_role("status")).to_have_text("Finished: 9 coloured, 1 not.")
    expect(cards).to_have_count(10)
    expect(page.get_by_role("slider")).to_have_count(9)
    expect(cards.nth(4).locator(".reason")).to_contain_text("cannot be decoded")
    expect(cards.locator(".name")).to_have_text([photo["name"] for photo in photos])
    page.wait_for_timeout(300)
    assert page.evaluate("window.shifted") < 0.01, page.evaluate("window.shiftedNames")

    with page.expect_download() as event:
        page.get_by_role("link", name="Download all").click()
    with zipfile.ZipFile(Path(event.value.path())) as archive:
        names = {f"colorized_{number}.jpg" for number in range(10) if number != 4}
        assert set(archive.namelist()) == names | {"manifest.json"}


def test_a_portrait_of_a_phone_stands_upright(open_page: OpenPage) -> None:
    page = open_page(**PHONE)
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn by 90 degrees to the right to see it upright.
    buffer = io.BytesIO()
    with Image.open(PHOTO) as photo:
        photo.resize((320, 240)).save(buffer, "JPEG", exif=exif)
    portrait = FilePayload(name="portrait.jpg", mimeType="image/jpeg", buffer=buffer.getvalue())
    page.get_by_label("Upload photos").set_input_files(portrait)
    preview = page.get_by_role("img", name="portrait.jpg, not coloured yet")
    expect(preview).to_be_visible()
    assert preview.evaluate("(canvas) => canvas.height > canvas.width")
    page.get_by_role("button", name="Colorize").click()
    expect(page.get_by_role("slider")).to_be_visible()
    expect(page.get_by_text("240 × 320")).to_be_visible()
    assert page.get_by_role("img", name="in colour").evaluate("(image) => image.naturalHeight > image.naturalWidth")
    with page.expect_download() as event:
        page.get_by_role("link", name="Download colorized_portrait.jpg").click()
    with Image.open(event.value.path()) as result:
        assert result.size == (240, 320)
        assert result.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_an_example_with_one_click(open_page: OpenPage, javascript: bool) -> None:
    page = open_page(java_script_enabled=javascript)
    page.get_by_role("button", name="Nipomo, California, 1936").click()
    expect(page.get_by_role("img", name="nipomo-1936.webp, in colour")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no script"])
def test_earlier_photographs_can_be_seen_and_deleted_in_their_own_browser(
    open_page: OpenPage, studio: str, javascript: bool
) -> None:
    page = open_page(java_script_enabled=javascript)
    send(page, studio, *small_photos(3))
    page.goto(studio)
    expect(earlier(page)).to_have_count(3)
    expect(earlier(page).first).to_contain_text("24 hours left")
    expect(open_page().locator("#earlier")).to_have_count(0)

    address = earlier(page).first.get_by_role("link").get_attribute("href") or ""
    earlier(page).first.get_by_role("button", name="Delete now 2.jpg").click()
    expect(earlier(page)).to_have_count(2)
    expect(page.get_by_role("status").filter(has_text="deleted")).to_be_visible()
    if javascript:
        expect(page.get_by_role("button", name="Delete now 1.jpg")).to_be_focused()
    page.get_by_text("Delete all", exact=True).click()
    page.get_by_role("button", name="Delete all now").click()
    expect(page.get_by_text("2 photographs deleted")).to_be_visible()
    expect(earlier(page)).to_have_count(0)
    page.goto(f"{re.match('https?://[^/]+', studio)[0]}{address}")  # type: ignore[index]
    expect(page.get_by_role("heading", level=1)).to_have_text("This photograph is not here")


def test_the_language_is_chosen_on_the_page_and_kept(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    page.get_by_role("link", name="您的照片").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("您的照片")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photographs")


def test_the_home_page_is_light(open_page: OpenPage, studio: str) -> None:
    page = open_page()
    page.context.clear_cookies()
    browser = page.context.new_cdp_session(page)
    browser.send("Network.enable")
    browser.send("Network.setCacheDisabled", {"cacheDisabled": True})
    received: list[float] = []
    browser.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(studio)
    page.wait_for_load_state("networkidle")
    assert len(received) > 8, "styles, scripts and examples are there"
    assert sum(received) < MOST_BYTES_OF_HOME, f"{sum(received):.0f} bytes in {len(received)} answers"


def test_the_keyboard_goes_through_the_page_in_order(open_page: OpenPage) -> None:
    page = open_page()
    names = []
    for _ in range(8):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.innerText || document.activeElement.id").strip())
    assert names[:7] == [
        "Skip to the content",
        "Photo Colorizer",
        "Your photographs",
        "English",
        "中文",
        "photos",
        "Buffalo, New York, about 1908",
    ]


def test_nothing_moves_for_who_does_not_want_it(open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    times = page.locator("body *").evaluate_all(
        "(all) => all.map((e) => getComputedStyle(e)).map((s) => parseFloat(s.transitionDuration))"
    )
    assert np.max(times) <= 0.001
