"""The result page in a real browser: comparing, changing colours, hints, versions, files, sharing."""

import base64
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect
from skimage.color import rgb2lab

from colorizers.weights.registry import EMBEDDED, MODEL_DIR, read_manifest, write_manifest
from service.domain.job import WORKER_LOST
from tests.browser.conftest import PHOTO, PHOTO_SIZE, OpenPage
from tests.browser.serving import running_application
from tests.browser.test_home import WATCH_SHIFTS
from tests.browser.visits import STREET, Visit
from tests.support.processes import until

pytestmark = pytest.mark.browser

SPOT = (0.12, 0.45)  # A wall in the shade.
FAR = (0.9, 0.8)
# What a canvas or picture shows, as the address of a PNG file: a list of all levels takes seconds to hand over.
PIXELS = """async (shown) => {
  const canvas = new OffscreenCanvas(shown.width, shown.height);
  canvas.getContext("2d").drawImage(shown, 0, 0, canvas.width, canvas.height);
  const reader = new FileReader();
  reader.readAsDataURL(await canvas.convertToBlob());
  await new Promise((resolve) => { reader.onload = resolve; });
  return reader.result;
}"""


@pytest.fixture
def visit(open_page: OpenPage, studio: str, data_dir: str) -> Visit:
    return Visit(open_page(), studio, data_dir)


def ab_around(pixels: NDArray[np.uint8], place: tuple[float, float]) -> NDArray[np.float64]:
    """Return the mean (a, b) of a picture's pixels (h, w, 3) about a place, shares of its width and height."""
    h, w = pixels.shape[:2]
    x, y = int(place[0] * w), int(place[1] * h)
    reach = max(2, w // 100)
    mean: NDArray[np.float64] = rgb2lab(pixels[y - reach : y + reach, x - reach : x + reach])[..., 1:].mean(axis=(0, 1))
    return mean


def shown(canvas: Locator) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) of a canvas on the page."""
    return read(base64.b64decode(canvas.evaluate(PIXELS).partition(",")[2]))


def read(data: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def downloaded(page: Page, button: Locator) -> bytes:
    with page.expect_download() as event:
        button.click()
    return Path(event.value.path()).read_bytes()


def main_download(page: Page) -> bytes:
    return downloaded(page, page.locator("#download"))


def colourfulness(pixels: NDArray[np.uint8]) -> float:
    return float(np.ptp(pixels.astype(int), axis=-1).mean())


def point_at(page: Page, place: tuple[float, float]) -> None:
    """Click a place of the picture to say its colour; wait for the suggestions."""
    page.get_by_role("button", name="Point at a place").click()
    box = page.locator(".sheet.after").bounding_box()
    assert box
    page.mouse.click(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
    expect(page.locator(".swatch").first).to_be_visible()


def far_from(swatches: Locator, ab: NDArray[np.float64]) -> Locator:
    """Return the suggestion that differs most from a colour."""
    values = swatches.evaluate_all("(all) => all.map((one) => [Number(one.dataset.a), Number(one.dataset.b)])")
    return swatches.nth(int(np.argmax(np.hypot(*(np.array(values) - ab).T))))


def test_the_picture_is_compared_by_keyboard(visit: Visit) -> None:
    visit.send_and_open()
    page = visit.page
    slider = page.get_by_role("slider", name="Compare before and after")
    slider.focus()
    for key, value in [("End", 100), ("PageDown", 90), ("Home", 0), ("ArrowRight", 2)]:
        slider.press(key)
        expect(slider).to_have_attribute("aria-valuetext", f"Seam at {value} %: before to its left, after to its right")
        assert (
            page.locator(".sheet.after").evaluate("(e) => getComputedStyle(e).clipPath")
            == f"inset(0px 0px 0px {value}%)"
        )
    peek = page.get_by_role("button", name="Hold for original")
    peek.focus()
    page.keyboard.down("Enter")
    expect(peek).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".sheet.after")).to_have_css("clip-path", "inset(0px 0px 0px 100%)")
    page.keyboard.up("Enter")
    expect(peek).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Side by side").press("Enter")
    before, after = (page.locator(f".sheet.{side}").bounding_box() for side in ("before", "after"))
    assert before and after
    assert before["x"] + before["width"] <= after["x"]
    assert before["width"] == pytest.approx(after["width"], abs=1)


def test_nothing_jumps_when_the_scripts_arrive(visit: Visit) -> None:
    job_id = visit.send_and_open()
    visit.page.add_init_script(WATCH_SHIFTS)
    for width in (390, 1280):
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.open(job_id)
        expect(visit.page.locator(".viewer.live")).to_be_visible()
        visit.page.wait_for_timeout(500)
        assert visit.page.evaluate("window.shifted") < 0.01, visit.page.evaluate("window.shiftedNames")


def test_zoom_shows_real_pixels(visit: Visit) -> None:
    with Image.open(PHOTO) as small:
        large = small.convert("L").resize((3200, 1600), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    large.save(buffer, "TIFF", compression="jpeg", quality=70)  # No browser reads TIFF by itself.
    visit.send_and_open(FilePayload(name="scan.tif", mimeType="image/tiff", buffer=buffer.getvalue()))
    page = visit.page
    page.get_by_role("button", name="Whole picture or real pixels").click()
    expect(page.locator(".viewer")).to_have_attribute("data-sharp", "100")
    sharp = page.locator(".after .sharp")
    box = sharp.bounding_box()
    assert box
    assert sharp.evaluate("(canvas) => canvas.width") == pytest.approx(box["width"], abs=1)
    assert colourfulness(shown(sharp)) > 1
    aim = page.get_by_role("application", name="Pointer in the picture")
    aim.focus()
    aim.press("0")
    expect(page.get_by_role("button", name="Zoom out")).to_be_disabled()


def test_a_hint_changes_its_region_and_leaves_the_rest(visit: Visit) -> None:
    visit.send_and_open()
    page = visit.page
    before = read(main_download(page))
    point_at(page, SPOT)
    swatches = page.locator(".swatch")
    assert 5 <= swatches.count() <= 9
    wanted = far_from(swatches, ab_around(before, SPOT))
    a, b = (float(wanted.get_attribute(f"data-{axis}") or 0) for axis in "ab")
    wanted.click()
    expect(page.locator("#tune-status")).to_have_text("Coloured again.")
    expect(page.locator(".painted")).to_be_visible()
    page.wait_for_timeout(500)  # Finer pixels follow.
    preview = shown(page.locator(".painted"))

    page.get_by_role("button", name="Keep this version").click()
    expect(page.locator("#tune-status")).to_have_text("Kept as a version of its own.")
    kept = read(main_download(page))
    assert kept.shape == before.shape
    for after in (preview, kept):
        was, now = (np.hypot(*(ab_around(one, SPOT) - (a, b))) for one in (before, after))
        assert now < 0.5 * was
        assert np.abs(ab_around(after, FAR) - ab_around(before, FAR)).max() < 2

    recipe = json.loads(downloaded(page, page.get_by_role("link", name="Recipe (JSON)")))
    (hint,) = recipe["hints"]
    assert (hint["x"], hint["y"]) == pytest.approx(SPOT, abs=0.01)
    assert (hint["a"], hint["b"]) == pytest.approx((a, b), abs=0.5)


def test_hints_by_keyboard_are_placed_moved_undone_and_removed(visit: Visit) -> None:
    visit.send_and_open()
    page = visit.page
    page.get_by_role("button", name="Point at a place").press("Enter")
    aim = page.get_by_role("application", name="Pointer in the picture")
    aim.focus()
    aim.press("Shift+ArrowLeft")
    expect(page.locator("#aim-says")).to_have_text("40 % from the left, 50 % from the top")
    aim.press("Enter")
    expect(page.get_by_role("heading", name="Place 1: Which colour was it here?")).to_be_focused()
    page.get_by_role("button", name="This is gray").press("Enter")
    pin = page.locator(".pin")
    expect(pin).to_have_accessible_name("Place 1: gray")
    expect(page.locator("#tune-status")).to_have_text("Coloured again.")

    def left() -> float:
        return float(pin.evaluate("(one) => one.style.getPropertyValue('--px')"))

    pin.focus()
    pin.press("ArrowRight")
    expect(page.locator("#undo")).to_be_enabled()
    until(lambda: left() == pytest.approx(0.41))
    page.keyboard.press("Control+z")
    until(lambda: left() < 0.405)
    page.keyboard.press("Control+Shift+z")
    until(lambda: left() > 0.405)
    page.get_by_role("button", name="Large spot").press("Enter")
    expect(page.get_by_role("button", name="Large spot")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Another colour").fill("#207040")
    expect(pin).to_have_accessible_name(re.compile("green|teal"))
    pin.focus()
    pin.press("Delete")
    expect(pin).to_have_count(0)
    expect(page.get_by_role("button", name="Point at a place")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(pin).to_have_count(1)
    page.get_by_role("button", name="As it was").click()
    expect(pin).to_have_count(0)


def test_vividness_and_warmth_are_seen_at_once_and_rendered(visit: Visit) -> None:
    visit.send_and_open()
    page = visit.page
    before = read(main_download(page))
    vividness = page.get_by_role("slider", name="Vividness")
    with page.expect_response(re.compile("/renders$")):  # The server makes the file as soon as the slider rests.
        vividness.fill("2")
        expect(page.locator(".painted")).to_be_visible()
    expect(vividness).to_have_attribute("aria-valuetext", "200 %")
    after = read(main_download(page))
    assert colourfulness(after) > 1.4 * colourfulness(before)
    page.get_by_role("slider", name="Warmth").fill("1")
    warm = read(main_download(page))
    assert rgb2lab(warm)[..., 2].mean() > rgb2lab(after)[..., 2].mean() + 3
    page.get_by_role("button", name="As it was").click()
    expect(page.locator(".painted")).to_be_hidden()
    assert np.array_equal(read(main_download(page)), before)


def test_four_versions_to_choose_from_and_to_keep(visit: Visit) -> None:
    visit.send_and_open()
    page = visit.page
    expect(page.locator(".aim")).to_be_visible()
    page.get_by_role("button", name="Show four versions").click()
    versions = page.locator("#choices .version")
    expect(versions).to_have_count(4)
    expect(page.locator("#versions-status")).to_have_text("")
    pictures = [rgb2lab(shown(canvas))[..., 1:] for canvas in versions.locator("canvas").all()]
    differences = [np.hypot(*(pictures[0] - other).T).mean() for other in pictures[1:]]
    assert min(differences) > 1, differences
    versions.filter(has_text="Warmer").click()
    expect(versions.filter(has_text="Warmer")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Keep this version").click()
    kept = page.get_by_role("navigation", name="Kept versions").get_by_role("listitem")
    expect(kept).to_have_count(2)
    expect(kept.nth(1)).to_contain_text("warmth +45")
    page.get_by_role("link", name="All of them side by side").click()
    expect(page.get_by_role("slider")).to_have_count(2)


KINDS: list[tuple[str, dict[str, str], str, str]] = [
    ("PNG, exact", {}, "PNG", "RGB"),
    ("JPEG", {"Quality": "60"}, "JPEG", "RGB"),
    ("TIFF, exact", {}, "TIFF", "RGB"),
    ("WebP", {"Quality": "80"}, "WEBP", "RGB"),
    ("Colour layer for editors (transparent PNG)", {}, "PNG", "RGBA"),
]


def test_files_of_every_kind(visit: Visit) -> None:
    visit.send_and_open()
    page = visit.page
    assert page.locator(".count").inner_text().split()[0] == "0"
    expect(page.locator(".truth")).to_contain_text("204,800 gray values")
    page.get_by_text("Other kinds of file").click()
    sizes = {}
    for label, fields, kind, mode in KINDS:
        page.get_by_label("Kind").select_option(label=label)
        for name, value in fields.items():
            page.get_by_label(name).fill(value)
        data = downloaded(page, page.get_by_role("button", name="Prepare this file"))
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.mode, image.size) == (kind, mode, PHOTO_SIZE), label
        sizes[label] = len(data)
    assert sizes["JPEG"] < sizes["PNG, exact"]
    page.get_by_label("Kind").select_option(label="PNG, exact")
    page.get_by_label("Depth").select_option(label="16 bit")
    deep = downloaded(page, page.get_by_role("button", name="Prepare this file"))
    assert deep[24] == 16, "the bit depth in the header of a PNG file"
    exact = downloaded(page, page.get_by_role("link", name="Take the exact file (PNG)"))
    assert read(exact).shape == (*PHOTO_SIZE[::-1], 3)


def test_a_shared_link_shows_the_result_until_it_is_deleted(visit: Visit, open_page: OpenPage) -> None:
    job_id = visit.send_and_open()
    page = visit.page
    page.get_by_text("Share", exact=True).click()
    link = page.get_by_label("Link to share").input_value()
    guest = open_page()
    guest.goto(link)
    expect(guest.get_by_role("heading", level=1)).to_have_text("A photograph, in colour")
    expect(guest.get_by_role("slider", name="Compare before and after")).to_be_visible()
    expect(guest.get_by_text("It can be seen for another 24 hours.")).to_be_visible()
    assert colourfulness(read(main_download(guest))) > 1
    assert guest.get_by_role("button", name="Delete now").count() == 0
    guest.goto(f"{visit.studio}colorization/{job_id}")
    expect(guest.get_by_role("heading", level=1)).to_have_text("This photograph is not here")

    page.get_by_role("button", name="Delete now").click()
    expect(page.get_by_text("1 photograph deleted")).to_be_visible()
    assert guest.goto(link).status == 404  # type: ignore[union-attr]


def test_a_version_is_deleted_alone_and_a_photograph_with_its_versions(visit: Visit) -> None:
    photo, page = visit.send_and_open(), visit.page
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    for warmth in (0.2, 0.4):
        body = {"source": photo, "warmth": warmth}
        page.request.post(f"{visit.studio}v1/colorizations", data=body, headers={"X-CSRF-Token": token})
    expect(page.get_by_text("With the photograph go its versions")).to_be_visible()
    page.goto(f"{visit.studio}photographs")
    entries = page.locator(".keepsake")
    expect(entries).to_have_count(3)
    alone = page.get_by_role("button", name="Delete this version street.jpg")
    alone.first.click()
    said = "This version of street.jpg was deleted; the photograph and its other versions stay."
    expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    expect(entries).to_have_count(2)
    entries.filter(has=alone).get_by_role("link").click()
    expect(page.get_by_text("A version is deleted alone")).to_be_visible()
    expect(alone).to_be_visible()
    expect(page.get_by_role("button", name="Delete the photograph and all its versions street.jpg")).to_be_visible()
    page.goto(f"{visit.studio}photographs")
    page.get_by_role("button", name="Delete now street.jpg").click()
    expect(page.get_by_text("There are none")).to_be_visible()


def test_a_colour_photograph_is_said_to_be_coloured_from_its_grayscale(visit: Visit) -> None:
    levels = np.zeros((48, 64, 3), np.uint8)
    levels[:, :, 0] = 200
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    visit.send_and_open(FilePayload(name="red.png", mimeType="image/png", buffer=buffer.getvalue()))
    expect(visit.page.locator(".truth")).to_contain_text("it was coloured anew from its grayscale")
    assert "gray values are not quite the same" not in visit.page.locator(".truth").inner_text()


def test_what_failed_says_why_and_can_be_tried_again(visit: Visit) -> None:
    job_id = visit.send_and_fail(WORKER_LOST)
    visit.open(job_id)
    page = visit.page
    expect(page.get_by_role("heading", level=1)).to_have_text("This did not work")
    expect(page.locator(".reason")).to_contain_text("it was given up")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")


def test_the_result_page_without_javascript(open_page: OpenPage, studio: str, data_dir: str) -> None:
    page = open_page(java_script_enabled=False)
    visit = Visit(page, studio, data_dir)
    job_id = visit.send(STREET)
    visit.open(job_id)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")
    expect(page.get_by_role("button", name="Point at a place")).to_be_hidden()
    before = read(main_download(page))

    page.get_by_text("Other kinds of file").click()
    page.get_by_label("Kind").select_option(label="PNG, exact")
    with page.expect_download() as event:  # The page that waits for the file leads to it by itself.
        page.get_by_role("button", name="Prepare this file").click()
    with Image.open(event.value.path()) as image:
        assert (image.format, image.size) == ("PNG", PHOTO_SIZE)

    visit.open(job_id)
    page.get_by_label("Vividness").fill("2")
    page.get_by_role("button", name="Colour it like this").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")
    assert colourfulness(read(main_download(page))) > 1.4 * colourfulness(before)
    page.get_by_role("button", name="Show four versions").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photographs, in colour")
    expect(page.get_by_role("img", name="street.jpg, in colour")).to_have_count(4)


def test_the_result_page_in_chinese(open_page: OpenPage, studio: str, data_dir: str) -> None:
    visit = Visit(open_page(locale="zh-CN"), studio, data_dir)
    job_id = visit.send(STREET)
    visit.open(job_id)
    page = visit.page
    expect(page.locator(".aim")).to_be_visible()  # Before the scripts are there, the button opens a page without them.
    page.get_by_role("button", name="查看四个版本").click()
    expect(page.locator("#choices .version")).to_have_count(4)
    expect(page.locator("#versions-status")).to_have_text("")
    page.locator("#point").click()
    page.locator(".aim").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".swatch").first).to_be_visible()
    # Names of files, kinds and units, and the address to share, are the same in every language.
    words = page.locator("main").inner_text()
    known = r"street\.jpg|Shift|JPEG|PNG|WebP|TIFF|JSON|SIGGRAPH17|px|python -m (\w|[ .])+|colorized"
    assert re.findall(r"[A-Za-z]{2,}", re.sub(known, "", words)) == []


def test_another_network_is_chosen_where_one_is_installed(browser: Browser, tmp_path: Path) -> None:
    (own,) = (spec for spec in read_manifest(MODEL_DIR) if spec.name == EMBEDDED)
    # Another one that takes no hints and knows no doubt.
    other = replace(
        own, name="other", title="Another one", accepts_hints=False, has_distribution=False, temperature=None
    )
    shutil.copy(MODEL_DIR / own.filename, tmp_path)
    write_manifest(tmp_path, (own, other))
    settings = {"MODEL": EMBEDDED, "MODEL_DIR": str(tmp_path), "DATA_DIR": str(tmp_path / "data"), "DEVICE": "cpu"}
    with (
        running_application(**settings, WAIT_S="0", WORKERS="1") as address,
        browser.new_context(locale="en-GB") as context,
    ):
        page = context.new_page()
        visit = Visit(page, address, settings["DATA_DIR"])
        visit.send_and_open()
        network = page.get_by_label("Network")
        expect(network.locator("option")).to_have_text(["Embedded default", "Another one"])
        expect(page.locator("#hints")).to_be_visible()
        network.select_option("Another one")
        expect(page.locator("#tune-status")).to_have_text("Coloured again.")
        expect(page.locator("#hints")).to_be_hidden()
        page.get_by_role("button", name="Show four versions").click()
        expect(page.locator("#choices .version", has_text="Another one")).to_have_count(1)
        expect(page.locator("#versions-status")).to_have_text("")
        page.get_by_role("button", name="Keep this version").click()
        expect(page.locator(".facts-list")).to_contain_text("Another one")
        page.reload()
        expect(page.get_by_label("Network")).to_have_value("other")
        expect(page.locator("#hints")).to_be_hidden()
        expect(page.get_by_role("button", name="Where it is guessing")).to_have_count(0)


def test_on_paper_both_pictures_stand_side_by_side_with_what_is_certain(visit: Visit) -> None:
    visit.send_and_open()
    page = visit.page
    page.get_by_role("button", name="Zoom in").click()
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 794, "height": 1123})
    before, after = (page.locator(f".sheet.{side}").bounding_box() for side in ("before", "after"))
    assert before and after
    assert before["x"] + before["width"] < after["x"]
    assert (before["y"], before["height"]) == pytest.approx((after["y"], after["height"]), abs=1)
    expect(page.locator(".sheet.after")).to_have_css("clip-path", "none")
    expect(page.locator("body")).to_have_css("background-color", "rgb(255, 255, 255)")
    expect(page.locator(".truth")).to_be_visible()
    for hidden in (".viewbar", "#download", "#tune", "#share", ".ways"):
        expect(page.locator(hidden)).to_be_hidden()


def metrics(page: Page) -> Any:
    return page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")


def test_no_result_page_is_wider_than_its_window(visit: Visit) -> None:
    name = f"{'grandmother' * 9}.jpg"
    visit.send_and_open(FilePayload(name=name, mimeType="image/jpeg", buffer=PHOTO.read_bytes()))
    page = visit.page
    expect(page.locator(".aim")).to_be_visible()
    page.get_by_role("button", name="Show four versions").click()
    point_at(page, SPOT)
    page.get_by_text("Other kinds of file").click()
    page.get_by_text("Share", exact=True).click()
    for width in (320, 390, 768, 1440, 3840):
        page.set_viewport_size({"width": width, "height": 800})
        found, room = metrics(page)
        assert found == room, f"at {width} px"
