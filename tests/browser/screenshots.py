"""The application at work in, `docs/screenshots/*.webp` out: `python -m tests.browser.screenshots [SCENE ...]`.

Every scene is taken wide and on a phone, light and dark, of a server that it starts for itself.
"""

import argparse
import io
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser.serving import ROOT, running_application, running_chromium

FOLDER = ROOT / "docs" / "screenshots"
EXAMPLES = ROOT / "static" / "examples"
LONG_NAME = "Grandmother and Aunt Wilhelmina in front of the bakery in Niagara Street, summer of 1908 (scan 2).webp"
QUALITY = 72
PATIENCE_MS = 120_000

WINDOWS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1440, "height": 900}},
    "390": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 1.5,
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

Scene = Callable[[Page], None]
SCENES: dict[str, Scene] = {}


def scene(take: Scene) -> Scene:
    """Register a function that brings the home page into the state to be shown, under its name."""
    SCENES[take.__name__.replace("_", "-")] = take
    return take


def _photo(path: Path, name: str = "") -> FilePayload:
    return FilePayload(name=name or path.name, mimeType="image/webp", buffer=path.read_bytes())


PHOTOS = [
    _photo(EXAMPLES / f"{name}.webp") for name in ("buffalo-1908", "nipomo-1936", "snake-river-1942", "dallas-1936")
]
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
    page.evaluate(
        """Promise.all([...document.images].map((image) => {
          image.loading = "eager";
          return image.decode().catch(() => undefined);
        }))"""
    )
    page.wait_for_timeout(1900)


@scene
def home(page: Page) -> None:
    page.wait_for_load_state("networkidle")


@scene
def home_zh(page: Page) -> None:
    page.get_by_role("link", name="中文").click()
    page.wait_for_load_state("networkidle")


@scene
def chosen(page: Page) -> None:
    _upload(page, SEVERAL)
    page.wait_for_timeout(700)


@scene
def running(page: Page) -> None:
    _keep_busy(page)
    _upload(page, SEVERAL)
    page.locator("#colorize").click()
    expect(page.locator(".state", has_text="In the queue").first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(800)


@scene
def batch(page: Page) -> None:
    _colour(page, [*SEVERAL, LETTER])


@scene
def earlier(page: Page) -> None:
    address = page.url
    _colour(page, SEVERAL)
    page.goto(address)
    _rest(page)


@scene
def result(page: Page) -> None:
    _colour(page, PHOTOS[2:3])
    page.get_by_role("link", name="Change colours").click()
    _rest(page)


@scene
def gone(page: Page) -> None:
    page.goto(f"{page.url}colorization/{'0' * 32}")


@scene
def error(page: Page) -> None:
    answer = page.request.post(f"{page.url}colorization", multipart={"photo": LETTER}, headers=_token(page))
    assert answer.status == 415
    page.route("**/colorization", lambda route: route.fulfill(response=answer))
    page.goto(f"{page.url}colorization")


def _keep_busy(page: Page) -> None:
    """Give the worker some seconds of other work, so that the photos of a scene have to queue."""
    with Image.open(EXAMPLES / "snake-river-1942.webp") as photo:
        large = io.BytesIO()
        photo.resize((4000, 3200)).save(large, "JPEG")
    for number in range(3):
        file = FilePayload(name=f"{number}.jpg", mimeType="image/jpeg", buffer=large.getvalue())
        page.request.post(f"{page.url}v1/index", multipart={"photo": file}, headers=_token(page))


def _token(page: Page) -> dict[str, str]:
    return {"X-CSRF-Token": page.locator("meta[name=csrf-token]").get_attribute("content") or ""}


@dataclass(frozen=True)
class Camera:
    """A browser and the address of the application to look at."""

    browser: Browser
    address: str

    @contextmanager
    def page(self, window: str, scheme: Any) -> Iterator[Page]:
        """Give the home page in a window of that name, as a new visitor."""
        context = self.browser.new_context(**WINDOWS[window], color_scheme=scheme, locale="en-GB")
        page = context.new_page()
        page.goto(self.address)
        yield page
        page.goto(self.address)
        page.request.post(f"{self.address}photographs/delete", headers=_token(page))
        context.close()

    def take(self, name: str, window: str, scheme: str) -> int:
        """Write the picture of a scene; returns its size in bytes."""
        with self.page(window, scheme) as page:
            SCENES[name](page)
            if page.locator(".busy").count():  # The bar at the window's edge would stand in the middle of the picture.
                height = page.evaluate("document.documentElement.scrollHeight")
                page.set_viewport_size({"width": WINDOWS[window]["viewport"]["width"], "height": height})
            picture = page.screenshot(full_page=True)
        path = FOLDER / f"{name}-{window}-{scheme}.webp"
        with Image.open(io.BytesIO(picture)) as image:
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
                    camera = Camera(browser, address)
                    for name, scheme in itertools.product(names, SCHEMES):
                        print(f"{name:12} {window:5} {scheme:6} {camera.take(name, window, scheme) / 1000:6.0f} kB")


if __name__ == "__main__":
    main()
