"""`python -m benchmarks page`: response times of the result page in a browser.

Starts the application with the embedded network and Chromium, both on this machine. Prints the seconds from the click
on a colour to the picture that has it, by a worker that has nothing else to do; and of a photo of 48 megapixels how
soon it is seen, how soon in its real pixels, and for how long at most the page answers nothing while it is zoomed and
panned. Exit status 1 where a hint takes `MOST_HINT_S` or more, or the page stands still for `MOST_BLOCK_MS`.
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from playwright.sync_api import FilePayload, Page, sync_playwright

from benchmarks.support.photos import toned_print
from benchmarks.support.setups import local

MOST_HINT_S = 1.0
MOST_BLOCK_MS = 200.0
_PATIENCE_MS = 120_000
_REST_MS = 700
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
_PLACES = ((0.3, 0.4), (0.6, 0.6), (0.8, 0.3))

# Milliseconds from a click on the colour `index` to the frame that shows it.
_HINT = """(index) => new Promise((resolve) => {
  const start = performance.now();
  const observer = new MutationObserver(() => {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  });
  observer.observe(document.querySelector(".painted"), { attributeFilter: ["width"] });
  document.querySelectorAll(".swatch")[index].click();
})"""
# Whether the colours for the latest of that many places are there.
_SUGGESTED = """(places) => document.querySelectorAll("#marks li").length === places
  && document.querySelector(".swatch") && !document.querySelector("#hint-status").textContent"""
# From now on keeps the longest task of the page's own thread and the longest pause between two frames.
_WATCH = """() => {
  Object.assign(window, { longestTask: 0, longestFrame: 0 });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longestTask = Math.max(window.longestTask, task.duration);
  }).observe({ type: "longtask" });
  let last = performance.now();
  const tick = (now) => {
    window.longestFrame = Math.max(window.longestFrame, now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""
# Milliseconds from the click on "real pixels" until they are there.
_REAL_PIXELS = """() => new Promise((resolve) => {
  const start = performance.now();
  const viewer = document.querySelector(".viewer");
  new MutationObserver((_, observer) => {
    if (!viewer.dataset.sharp) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  }).observe(viewer, { attributeFilter: ["data-sharp"] });
  document.querySelector("[data-act=actual]").click();
})"""
_SEEN = """async () => {
  const pictures = [...document.querySelectorAll(".viewer img")];
  await Promise.all(pictures.map((picture) => picture.decode()));
  return performance.now();
}"""


def main(argv: Sequence[str]) -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks page")
    parser.add_argument("--megapixels", type=float, default=48.0, help="of the photo to zoom, 6 or more (%(default)s)")
    megapixels = parser.parse_args(argv).megapixels
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        settings = {"model": "default", "workers": 1, "wait_s": 30}
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        with local(Path(folder), **settings) as service:
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(_PATIENCE_MS)
            address = f"http://127.0.0.1:{service.port}/"
            hint_s = _hints(page, address)
            block_ms = _zoom(page, address, megapixels)
        browser.close()
    return 0 if hint_s < MOST_HINT_S and block_ms < MOST_BLOCK_MS else 1


def _hints(page: Page, address: str) -> float:
    """Print how soon a hint is seen; return the longest time in seconds."""
    _colour(page, address, 12)
    times: list[float] = []
    for number, place in enumerate(_PLACES, 1):
        page.locator("#point").click()
        box = page.locator(".sheet.after").bounding_box()
        assert box
        page.mouse.click(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
        while not page.evaluate(_SUGGESTED, number):  # Playwright's own waiting is eval, which the page forbids.
            page.wait_for_timeout(20)
        for index in range(min(5, page.locator(".swatch").count())):
            times.append(page.evaluate(_HINT, index) / 1000)
            page.locator(".asking").wait_for(state="detached")
            page.wait_for_timeout(_REST_MS)  # Finer pixels of this colour follow; they are none of the next.
    print(f"a hint, from the click to the picture: {median(times):.2f} s (longest {max(times):.2f} s of {len(times)})")
    return max(times)


def _zoom(page: Page, address: str, megapixels: float) -> float:
    """Print how a large photo is shown and zoomed; return the longest task of the page's thread in milliseconds."""
    _colour(page, address, megapixels)
    page.reload(wait_until="commit")
    page.locator(".viewer.live").wait_for()
    seen_ms = page.evaluate(_SEEN)
    page.evaluate(_WATCH)
    sharp_ms = page.evaluate(_REAL_PIXELS)
    _wander(page)
    task_ms, frame_ms = page.evaluate("[window.longestTask, window.longestFrame]")
    print(f"{megapixels:g} MP: seen after {seen_ms / 1000:.2f} s, real pixels {sharp_ms / 1000:.2f} s after the click;")
    print(f"longest task of the page {task_ms:.0f} ms, longest pause between frames {frame_ms:.0f} ms")
    return float(task_ms)


def _wander(page: Page) -> None:
    """Drag the enlarged picture about, and zoom in and out."""
    box = page.locator(".sheet.after").bounding_box()
    assert box
    x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2
    for dx, dy in ((-300, -150), (250, 200), (-200, 100)):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + dx, y + dy, steps=20)
        page.mouse.up()
        page.wait_for_timeout(300)
    page.mouse.move(x, y)
    for delta in (-400, -400, 600, 400):
        page.mouse.wheel(0, delta)
        page.wait_for_timeout(300)
    page.wait_for_timeout(1000)


def _colour(page: Page, address: str, megapixels: float) -> None:
    """Have a photo of that size coloured, and go to its page."""
    page.goto(address)
    token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
    photo = FilePayload(name=f"{megapixels:g}.jpg", mimeType="image/jpeg", buffer=toned_print(megapixels))
    answer = page.request.post(
        f"{address}v1/index", multipart={"photo": photo}, headers={"X-CSRF-Token": token}, timeout=_PATIENCE_MS
    )
    page.goto(f"{address}colorization/{answer.json()['id']}")
    page.locator(".viewer.live").wait_for()
