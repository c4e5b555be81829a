"""`python -m benchmarks large`: memory while a large tiled 16-bit gray TIFF file is colored.

Once as a program with the library does it, in one process (`library`), and once as a worker does it, whose decoding
process hands over the pixels, and which also makes views and counts gray levels (`service`). The figure is how far the
memory of all these processes together grows while they open, colour and write the scan, less the decoded picture
itself, in bytes a pixel; what processes share counts once. Exits with 1 where that is not under `MOST_BYTES`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray

from benchmarks.support.processes import descendants_of, memory_mib
from colorizers.colorizer import Colorizer
from colorizers.photo.photo import open_photo
from colorizers.pipeline import pages_of, write_result
from colorizers.weights.registry import EMBEDDED
from service.coloring.painter import Painter
from service.domain.job import Job
from service.settings import Settings
from service.storage.local import PhotoFiles

MOST_BYTES = 3.0
_WAYS = ("library", "service")
_TILE_PX = 256
_LOOKS_S = 0.02


@dataclass
class Peak:
    """The most memory, in bytes, that this process and its descendants held together."""

    bytes: float = 0.0


@contextmanager
def shared_peak() -> Iterator[Peak]:
    """Record the peak of `held_bytes` until the end of the block (Linux)."""
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(_LOOKS_S):
            peak.bytes = max(peak.bytes, held_bytes())

    with ThreadPoolExecutor() as pool:
        pool.submit(look)
        try:
            yield peak
        finally:
            over.set()


def held_bytes() -> float:
    """Return the memory of this process and all its descendants; what several share counts once."""
    return 2**20 * sum(memory_mib(pid, "Pss", "smaps_rollup") for pid in descendants_of(os.getpid()))


def main(argv: list[str]) -> int:
    """Measure a scan of as many megapixels as `argv` asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks large", description=__doc__)
    parser.add_argument("--megapixels", type=float, default=100.0)
    parser.add_argument("--way", choices=_WAYS, help="measure this one, in this process (default: both)")
    arguments = parser.parse_args(argv)
    if arguments.way is None:
        command = [sys.executable, "-m", "benchmarks", "large", *argv, "--way"]
        return max(subprocess.run([*command, way], check=False).returncode for way in _WAYS)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        prepare = {"library": _library, "service": _service}[arguments.way]
        colour = prepare(Path(folder), 1.2 * arguments.megapixels + 1)
        side = round((arguments.megapixels * 1e6) ** 0.5 / _TILE_PX) * _TILE_PX
        colour(_scan(Path(folder) / "small.tif", 2 * _TILE_PX))
        scan = _scan(Path(folder) / "large.tif", side)
        before, start = held_bytes(), time.perf_counter()
        with shared_peak() as peak:
            colour(scan)
        seconds = time.perf_counter() - start
    growth = (peak.bytes - before) / side**2 - 2
    print(
        f"{growth:.2f} bytes a pixel beyond the decoded picture of {side} x {side} pixels, {seconds:.1f} s, "
        f"{arguments.way}"
    )
    return 0 if growth < MOST_BYTES else 1


def _library(folder: Path, limit: float) -> Callable[[Path], None]:
    colorizer = Colorizer.from_name(EMBEDDED)

    def colour(scan: Path) -> None:
        photo = open_photo(scan, limit)
        pages = pages_of(colorizer, colorizer.recipe(photo), partial(open_photo, scan, limit), photo)
        write_result(folder / "out.tif", pages, colorizer.recipe(photo))

    return colour


def _service(folder: Path, limit: float) -> Callable[[Path], None]:
    settings = Settings(data_dir=folder / "data", model=EMBEDDED, max_megapixels=limit, device="cpu")
    files = PhotoFiles(settings.data_dir)
    painter = Painter.of(settings, files)
    painter.warm_up()

    def colour(scan: Path) -> None:
        job_id = scan.stem.ljust(32, "0")
        files.make_room(job_id)
        with files.replace(job_id, "original") as path:
            shutil.copyfile(scan, path)
        painter.paint(Job(job_id, "running", "scan.tif", "image/tiff", 1, 1, 0.0, 0.0), None, lambda _: None)

    return colour


def _scan(path: Path, side: int) -> Path:
    """Write a scan of `side` pixels a side to `path`, and return that."""
    tifffile.imwrite(
        path,
        _tiles(side),
        shape=(side, side),
        dtype=np.uint16,
        tile=(_TILE_PX, _TILE_PX),
        photometric="minisblack",
        compression="deflate",
    )
    return path


def _tiles(side: int) -> Iterator[NDArray[np.uint16]]:
    """Yield tiles of grain around slowly changing tones."""
    random = np.random.default_rng(0)
    for number in range((side // _TILE_PX) ** 2):
        tone = 8000 + (number * 997) % 48000
        yield (tone + random.integers(0, 2000, (_TILE_PX, _TILE_PX))).astype(np.uint16)
