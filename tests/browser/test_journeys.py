"""Whole journeys of a person with old photographs, in a real browser against a real server."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import PHOTO, PHOTO_SIZE, OpenPage

pytestmark = pytest.mark.browser

BROKEN = FilePayload(name="broken.jpg", mimeType="image/jpeg", buffer=PHOTO.read_bytes()[:40])
NO_PICTURE = FilePayload(name="letter.txt", mimeType="text/plain", buffer=b"Dear grandmother")

# What drop and paste carry can be made in the page only: the photo comes in as numbers, 0 to 255.
HAND_OVER = """([bytes, kind]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([new Uint8Array(bytes)], `${kind}.jpg`, { type: "image/jpeg" }));
  const event = kind === "paste" ? new ClipboardEvent(kind, { clipboardData: transfer, bubbles: true })
    : new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def chroma(data: bytes) -> float:
    """Return how colourful a picture is: the mean over its pixels of the largest channel minus the smallest."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    return float(np.ptp(pixels, axis=-1).mean())


def download(page: Page, name: str) -> bytes:
    """Return the file that the (only) download button gives, checking the name that it is offered by."""
    with page.expect_download() as event:
        page.get_by_role("link", name=f"Download {name}").click()
    assert event.value.suggested_filename == name
    return Path(event.value.path()).read_bytes()


def test_a_chosen_photo_comes_back_in_colour(open_page: OpenPage, studio: str) -> None:
    page = open_page()
    page.get_by_label("Upload photos").set_input_files(PHOTO)
    expect(page.get_by_role("img", name="detroit-1915.jpg, not coloured yet")).to_be_visible()

    page.get_by_role("button", name="Colorize").click()
    expect(page.get_by_role("slider", name="Compare before and after")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Finished: all coloured.")
    expect(page.get_by_text("640 × 320")).to_be_visible()
    expect(page.get_by_text("Colours guessed by")).to_be_visible()

    result = download(page, "colorized_detroit-1915.jpg")
    with Image.open(io.BytesIO(result)) as image:
        assert image.size == PHOTO_SIZE
    assert chroma(PHOTO.read_bytes()) == 0
    assert chroma(result) > 1

    expect(page).to_have_url(re.compile(f"^{re.escape(studio)}colorization/[0-9a-f]{{32}}$"))
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")
    expect(page.get_by_role("slider", name="Compare before and after")).to_be_visible()


def test_bad_files_say_why_and_do_not_stop_the_rest(open_page: OpenPage) -> None:
    page = open_page()
    too_large = FilePayload(name="huge.tif", mimeType="image/tiff", buffer=bytes(1_000_001))
    photo = FilePayload(name="street.jpg", mimeType="image/jpeg", buffer=PHOTO.read_bytes())
    page.get_by_label("Upload photos").set_input_files([BROKEN, too_large, photo, NO_PICTURE])
    cards = page.locator(".print")
    expect(cards.nth(1).locator(".reason")).to_have_text(
        "This file has 1 MB; the limit is 1 MB. Save it smaller and bring it again."
    )

    page.get_by_role("button", name="Colorize 3 photos").click()
    expect(page.get_by_role("status")).to_have_text("Finished: 1 coloured, 3 not.")
    expect(cards.nth(0).locator(".reason")).not_to_be_empty()
    expect(cards.nth(2).get_by_role("slider", name="Compare before and after")).to_be_visible()
    expect(cards.nth(3).locator(".reason")).to_contain_text("not a picture")
    expect(cards.nth(3).get_by_role("button", name="Try letter.txt again")).to_be_hidden()


def test_photos_can_be_removed_and_are_limited_in_number(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Upload photos").set_input_files([PHOTO] * 11)
    expect(page.locator(".print")).to_have_count(10)
    expect(page.get_by_role("alert")).to_have_text("10 photographs at a time: 1 of those you chose were left out.")
    for left in range(9, 0, -1):
        page.get_by_role("button", name="Remove detroit-1915.jpg").first.click()
        expect(page.locator(".print")).to_have_count(left)
    expect(page.get_by_role("button", name="Colorize", exact=True)).to_be_visible()
    page.get_by_role("button", name="Remove detroit-1915.jpg").click()
    expect(page.get_by_role("button", name="Colorize")).to_be_hidden()
    expect(page.get_by_label("Upload photos")).to_be_focused()


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_photos_can_be_dropped_and_pasted(open_page: OpenPage, kind: str) -> None:
    page = open_page()
    page.evaluate(HAND_OVER, [list(PHOTO.read_bytes()), kind])
    expect(page.get_by_role("img", name=f"{kind}.jpg, not coloured yet")).to_be_visible()
    expect(page.get_by_role("button", name="Colorize")).to_be_focused()


def test_the_page_of_a_waiting_photo_becomes_its_result(open_page: OpenPage, studio: str) -> None:
    page = open_page()
    photo = FilePayload(name="street.jpg", mimeType="image/jpeg", buffer=PHOTO.read_bytes())
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    answer = page.request.post(f"{studio}v1/index", multipart={"photo": photo}, headers={"X-CSRF-Token": token})
    assert answer.status == 202
    page.goto(f"{studio}colorization/{answer.json()['id']}")
    expect(page.get_by_role("slider", name="Compare before and after")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")
    expect(page).to_have_title("Your photograph, in colour · Photo Colorizer")
    expect(page.get_by_text("Colours guessed by")).to_be_visible()


def test_the_slider_works_by_keyboard(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Upload photos").set_input_files(PHOTO)
    page.get_by_role("button", name="Colorize").click()
    slider = page.get_by_role("slider", name="Compare before and after")
    slider.focus()
    for key, value in [("End", 100), ("ArrowLeft", 98), ("PageDown", 88), ("Home", 0), ("ArrowRight", 2)]:
        slider.press(key)
        expect(slider).to_have_attribute("aria-valuetext", f"Seam at {value} %: before to its left, after to its right")
        clip = page.locator(".after img").evaluate("(image) => getComputedStyle(image).clipPath")
        assert clip == f"inset(0px 0px 0px {value}%)"


def test_the_slider_works_by_mouse_and_touch(open_page: OpenPage) -> None:
    page = open_page(has_touch=True)
    page.get_by_label("Upload photos").set_input_files(PHOTO)
    page.get_by_role("button", name="Colorize").click()
    slider = page.get_by_role("slider", name="Compare before and after")
    expect(slider).to_be_visible()
    picture = page.get_by_role("img", name="in colour").bounding_box()
    assert picture

    def at(share: float) -> tuple[float, float]:
        return picture["x"] + share * picture["width"], picture["y"] + picture["height"] / 2

    page.mouse.move(*at(0.5))
    page.mouse.down()
    page.mouse.move(*at(0.75), steps=5)
    page.mouse.up()
    assert float(slider.input_value()) == pytest.approx(75, abs=1)
    page.touchscreen.tap(*at(0.2))
    assert float(slider.input_value()) == pytest.approx(20, abs=1)


def test_upload_and_result_without_javascript(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.get_by_label("Upload photos").set_input_files(PHOTO)
    page.get_by_role("button", name="Colorize").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Colour is on its way")

    # The page reloads itself until the photo is done.
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")
    page.wait_for_load_state()
    before = page.get_by_role("img", name="detroit-1915.jpg, before").bounding_box()
    after = page.get_by_role("img", name="detroit-1915.jpg, in colour").bounding_box()
    assert before and after
    assert before["width"] == pytest.approx(after["width"], abs=1)
    assert before["width"] > 100
    assert before["x"] + before["width"] <= after["x"]
    assert chroma(download(page, "colorized_detroit-1915.jpg")) > 1


def test_a_refused_photo_without_javascript_can_be_read_about_in_peace(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    photo = FilePayload(name="street.jpg", mimeType="image/jpeg", buffer=PHOTO.read_bytes())
    page.get_by_label("Upload photos").set_input_files([NO_PICTURE, photo])
    page.get_by_role("button", name="Colorize").click()
    expect(page.locator(".reason")).to_contain_text("not a picture")
    assert page.locator("meta[http-equiv=refresh]").count() == 0
    page.get_by_role("link", name="See how far the others are").click()
    expect(page.get_by_role("img", name="street.jpg, in colour")).to_be_visible()


def test_nothing_chosen_without_javascript_is_explained(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.get_by_role("button", name="Colorize").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("No photo was sent")
    page.get_by_role("link", name="Back to the start").click()
    expect(page.get_by_label("Upload photos")).to_be_visible()


def test_chinese_from_upload_to_result(open_page: OpenPage) -> None:
    page = open_page(locale="zh-CN")
    assert page.locator("html").get_attribute("lang") == "zh"
    page.get_by_label("上传图片").set_input_files(
        [FilePayload(name="祖母.jpg", mimeType="", buffer=PHOTO.read_bytes())]
    )
    page.get_by_role("button", name="提交图片").click()
    expect(page.get_by_role("slider", name="对比上色前后")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("全部上色完成。")
    with page.expect_download() as event:
        page.get_by_role("link", name="下载").click()
    assert event.value.suggested_filename == "colorized_祖母.jpg"

    page.get_by_label("上传图片").set_input_files(NO_PICTURE)
    page.get_by_role("button", name="提交图片").click()
    expect(page.locator(".print").nth(1).locator(".reason")).to_contain_text("该文件不是图片")


def test_a_phone_offers_its_camera(open_page: OpenPage) -> None:
    phone = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    assert phone.get_by_label("Take a photo").get_attribute("capture") == "environment"
    desk = open_page()
    expect(desk.get_by_text("Take a photo")).to_be_hidden()
