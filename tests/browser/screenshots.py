"""Screenshots of the application for `docs/screenshots/`: `python -m tests.browser.screenshots [SCENE ...]`.

Scenes are taken wide and on a phone, light and dark, of a server that it starts for itself.
"""

import argparse
import io
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from service.domain.job import WORKER_LOST
from service.jobs.store import open_jobs
from service.settings import Settings
from tests.browser.serving import ROOT, resting_workers, running_application, running_chromium
from tests.browser.visits import Visit

FOLDER = ROOT / "docs" / "screenshots"
EXAMPLES = ROOT / "static" / "examples"
LONG_NAME = "Grandmother and Aunt Wilhelmina in front of the bakery in Niagara Street, summer of 1908 (scan 2).webp"
QUALITY = 42
MOST_WIDTH_PX = 1080
PATIENCE_MS = 120_000

WINDOWS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1440, "height": 900}},
    "390": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 1.25,
        "has_touch": True,
        "is_mobile": True,
    },
}
# For a picture of a whole page Playwright forgets that the device has no mouse; a browser that knows of none does not.
FLAGS = {
    "wide": [],
    "390": [
        "--blink-settings=primaryHoverType=1,availableHoverTypes=1,primaryPointerType=2,availablePointerTypes=2",
    ],
}
SCHEMES = ("light", "dark")

EVERY_LOOK = tuple(itertools.product(WINDOWS, SCHEMES))
TWO_LOOKS = (("wide", "light"), ("390", "dark"))

Scene = Callable[[Visit], None]
SCENES: dict[str, Scene] = {}
LOOKS: dict[str, Sequence[tuple[str, str]]] = {}


def scene(looks: Sequence[tuple[str, str]] = EVERY_LOOK) -> Callable[[Scene], Scene]:
    """Register a function that brings the home page into the state to be shown, under its name; `looks`: and how."""

    def register(take: Scene) -> Scene:
        name = take.__name__.replace("_", "-")
        SCENES[name], LOOKS[name] = take, looks
        return take

    return register


def _photo(path: Path, name: str = "") -> FilePayload:
    return FilePayload(name=name or path.name, mimeType="image/webp", buffer=path.read_bytes())


PHOTOS = [
    _photo(EXAMPLES / f"{name}.webp") for name in ("buffalo-1908", "nipomo-1936", "snake-river-1942", "dallas-1936")
]
BUFFALO = PHOTOS[0]
SEVERAL = [*PHOTOS, _photo(EXAMPLES / "buffalo-1908.webp", LONG_NAME)]
LETTER = FilePayload(name="letter.txt", mimeType="text/plain", buffer=b"Dear grandmother")


def _upload(page: Page, files: list[FilePayload]) -> None:
    page.get_by_label("Upload photos").set_input_files(files)


def _colour(page: Page, files: list[FilePayload]) -> None:
    """Have `files` coloured and wait for the end."""
    _upload(page, files)
    page.locator("#colorize").click()
    expect(page.locator("#status")).to_contain_text("Finished", timeout=PATIENCE_MS)
    _rest(page)


def _rest(page: Page) -> None:
    """Wait until every picture is there and what moves has come to rest."""
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.evaluate(
        """Promise.all([...document.images].map((image) => {
          image.loading = "eager";
          return image.decode().catch(() => undefined);
        }))"""
    )
    page.wait_for_timeout(1900)


def _chinese(page: Page) -> None:
    page.get_by_role("link", name="中文").click()
    page.wait_for_load_state("networkidle")


def _point(page: Page, x: float, y: float) -> None:
    """Point at a place of the picture and choose the most likely colour that is far from gray."""
    page.locator("#point").click()
    page.evaluate("scrollTo(0, 0)")
    box = page.locator(".sheet.after").bounding_box()
    assert box
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    swatches = page.locator(".swatch")
    expect(swatches.first).to_be_visible()
    chroma = swatches.evaluate_all("(all) => all.map((one) => Math.hypot(one.dataset.a, one.dataset.b))")
    strong = [index for index, value in enumerate(chroma) if value > 25]
    swatches.nth(strong[0] if strong else 0).click()
    expect(page.locator("#studio.asking")).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.locator(".painted")).to_be_visible()


def _versions(page: Page) -> None:
    page.locator("#versions button").click()
    expect(page.locator("#versions-status")).to_have_text("", timeout=PATIENCE_MS)


@scene()
def home(visit: Visit) -> None:
    visit.page.wait_for_load_state("networkidle")


@scene(TWO_LOOKS)
def home_zh(visit: Visit) -> None:
    _chinese(visit.page)


@scene()
def running(visit: Visit) -> None:
    """One is being coloured, the others wait."""
    page = visit.page
    visit.send_and_open(BUFFALO)
    page.goto(visit.studio)
    visit.stay(resting_workers(visit.data_dir))
    _upload(page, SEVERAL)
    page.locator("#colorize").click()
    queued = page.locator(".state", has_text="In the queue")
    expect(queued).to_have_count(4, timeout=PATIENCE_MS)
    visit.stay(_working_on_one(visit.data_dir))
    expect(page.locator(".state", has_text="Being coloured now")).to_have_count(1, timeout=PATIENCE_MS)
    _rest(page)


@contextmanager
def _working_on_one(data_dir: str) -> Iterator[None]:
    """Take the first photograph of the queue meanwhile, as a worker does."""
    jobs = open_jobs(Settings.from_environ({"DATA_DIR": data_dir}))
    assert jobs.claim("screenshots")
    yield
    jobs.release("screenshots")


@scene()
def batch(visit: Visit) -> None:
    _colour(visit.page, [*SEVERAL, LETTER])


@scene(TWO_LOOKS)
def earlier(visit: Visit) -> None:
    _colour(visit.page, SEVERAL)
    visit.page.goto(visit.studio)
    _rest(visit.page)


@scene()
def result(visit: Visit) -> None:
    visit.send_and_open(BUFFALO)
    _rest(visit.page)


@scene()
def hints(visit: Visit) -> None:
    visit.send_and_open(BUFFALO)
    seam = visit.page.get_by_role("slider", name="Compare before and after")
    seam.press("Home")
    seam.press("PageUp")
    _point(visit.page, 0.26, 0.6)
    visit.page.get_by_role("button", name="Large spot").click()
    expect(visit.page.locator("#studio.asking")).to_have_count(0, timeout=PATIENCE_MS)
    _rest(visit.page)


@scene()
def versions(visit: Visit) -> None:
    visit.send_and_open(PHOTOS[1])
    _versions(visit.page)
    visit.page.locator("#choices .version").nth(1).click()
    visit.page.get_by_role("button", name="Side by side").click()
    _rest(visit.page)


@scene(TWO_LOOKS)
def guessing(visit: Visit) -> None:
    visit.send_and_open(PHOTOS[2])
    visit.page.get_by_role("button", name="Where it is guessing").click()
    visit.page.get_by_text("Other kinds of file").click()
    visit.page.get_by_text("Share", exact=True).click()
    _rest(visit.page)


@scene(TWO_LOOKS)
def result_zh(visit: Visit) -> None:
    _chinese(visit.page)
    visit.open(visit.send(SEVERAL[-1]))
    expect(visit.page.locator(".viewer.live")).to_be_visible(timeout=PATIENCE_MS)
    _versions(visit.page)
    _point(visit.page, 0.26, 0.6)
    _rest(visit.page)


@scene(TWO_LOOKS)
def shared(visit: Visit) -> None:
    visit.send_and_open(PHOTOS[1])
    visit.page.goto(visit.page.locator("#share-link").input_value())
    _rest(visit.page)


@scene()
def failed(visit: Visit) -> None:
    visit.open(visit.send_and_fail(WORKER_LOST))


@scene()
def gone(visit: Visit) -> None:
    visit.open("0" * 32)


@scene()
def error(visit: Visit) -> None:
    page = visit.page
    answer = page.request.post(f"{visit.studio}colorization", multipart={"photo": LETTER}, headers=_token(page))
    assert answer.status == 415
    page.route("**/colorization", lambda route: route.fulfill(response=answer))
    page.goto(f"{visit.studio}colorization")


def _token(page: Page) -> dict[str, str]:
    return {"X-CSRF-Token": page.locator("meta[name=csrf-token]").get_attribute("content") or ""}


@dataclass(frozen=True)
class Camera:
    """A browser, the address of the application to look at, and the folder of its photos."""

    browser: Browser
    address: str
    data_dir: str

    @contextmanager
    def visit(self, window: str, scheme: Any) -> Iterator[Visit]:
        """Give the home page in a window of that name, as a new visitor's; its photos go at the end."""
        context = self.browser.new_context(**WINDOWS[window], color_scheme=scheme, locale="en-GB")
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(self.address)
        with ExitStack() as stack:
            yield Visit(page, self.address, self.data_dir, stack)
        page.goto(self.address)
        page.request.post(f"{self.address}photographs/delete", headers=_token(page))
        context.close()

    def take(self, name: str, window: str, scheme: str) -> int:
        """Write the picture of a scene; returns its size in bytes."""
        with self.visit(window, scheme) as visit:
            SCENES[name](visit)
            page = visit.page
            if page.locator(".busy").count():  # The bar at the window's edge would stand in the middle of the picture.
                height = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": WINDOWS[window]["viewport"]["width"], "height": height})
            picture = page.screenshot(full_page=True)
        path = FOLDER / f"{name}-{window}-{scheme}.webp"
        with Image.open(io.BytesIO(picture)) as image:
            image.thumbnail((MOST_WIDTH_PX, image.height), Image.Resampling.LANCZOS)
            image.save(path, "WEBP", quality=QUALITY, method=6)
        return path.stat().st_size


def main() -> None:
    """Take the scenes named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}")
    names = parser.parse_args().scenes or list(SCENES)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data_dir:
        settings = {"DATA_DIR": data_dir, "DEVICE": "cpu", "MODEL": "default", "WAIT_S": "0", "WORKERS": "1"}
        with running_application(**settings) as address:
            for window in WINDOWS:
                with running_chromium(*FLAGS[window]) as browser:
                    camera = Camera(browser, address, data_dir)
                    for name, scheme in itertools.product(names, SCHEMES):
                        if (window, scheme) not in LOOKS[name]:
                            continue
                        print(f"{name:12} {window:5} {scheme:6} {camera.take(name, window, scheme) / 1000:6.0f} kB")


if __name__ == "__main__":
    main()
