"""`python -m benchmarks.large`: a large tiled 16-bit gray TIFF file in, coloured into another; prints its memory.

The figure is how far the process grows while it opens, colours and writes the scan, less the decoded picture itself,
in bytes a pixel. Exits with 1 where that is not under `MOST_BYTES`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray

from benchmarks.measure import MIB, PeakMemory
from colorizers.colorizer import Colorizer
from colorizers.photo import open_photo
from colorizers.registry import EMBEDDED
from colorizers.results import pages_of, write_result

MOST_BYTES = 3.0
_TILE_PX = 256


def main(argv: list[str]) -> int:
    """Measure a scan of as many megapixels as `argv` asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--megapixels", type=float, default=100.0)
    megapixels = parser.parse_args(argv).megapixels
    side = round((megapixels * 1e6) ** 0.5 / _TILE_PX) * _TILE_PX
    torch.set_num_threads(1)
    colorizer = Colorizer.from_name(EMBEDDED)
    with tempfile.TemporaryDirectory() as folder:
        for name, length in (("small", 2 * _TILE_PX), ("large", side)):
            tifffile.imwrite(
                Path(folder) / f"{name}.tif",
                _tiles(length),
                shape=(length, length),
                dtype=np.uint16,
                tile=(_TILE_PX, _TILE_PX),
                photometric="minisblack",
                compression="deflate",
            )
        _colour(colorizer, Path(folder) / "small.tif", megapixels)
        memory, start = PeakMemory(), time.perf_counter()
        _colour(colorizer, Path(folder) / "large.tif", megapixels)
        seconds = time.perf_counter() - start
    growth = memory.growth_mib() * MIB / side**2 - 2
    print(f"{growth:.2f} bytes a pixel beyond the decoded picture of {side} x {side} pixels, {seconds:.1f} s")
    return 0 if growth < MOST_BYTES else 1


def _colour(colorizer: Colorizer, source: Path, megapixels: float) -> None:
    limit = 1.2 * megapixels + 1
    photo = open_photo(source, limit)
    recipe = colorizer.recipe(photo)
    pages = pages_of(colorizer, recipe, partial(open_photo, source, limit), photo)
    write_result(source.with_name("out.tif"), pages, recipe)


def _tiles(side: int) -> Iterator[NDArray[np.uint16]]:
    """Yield tiles of grain around slowly changing tones."""
    random = np.random.default_rng(0)
    for number in range((side // _TILE_PX) ** 2):
        tone = 8000 + (number * 997) % 48000
        yield (tone + random.integers(0, 2000, (_TILE_PX, _TILE_PX))).astype(np.uint16)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
