"""Count of pixels whose gray level differs between a photo and its result, in threads beside the encoder.

Rendered pixels keep every gray level of an 8-bit photo; a lossy file does not, and pages report the number.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO

import numpy as np
from PIL import Image

from colorizers.colorspace.lab import Pixels, eight_bits
from colorizers.photo.jpeg import jpeg_pixels
from colorizers.rendering.color_pass import count_changed_grays


class GrayCounter:
    """Counter of the changed gray levels of one photo, in a thread that mostly releases the GIL."""

    def __init__(self, reference: Pixels, thread: ThreadPoolExecutor) -> None:
        """Compare with the photo's pixels, gray (h, w) or RGB (h, w, 3), in `thread`."""
        self._reference = reference
        self._row = 0
        self._counts: list[Future[int]] = []
        self._thread = thread

    def see(self, rgb: Pixels) -> None:
        """Start counting in the next rows of rendered pixels, RGB (n, w, 3), from top to bottom."""
        rows = slice(self._row, self._row + len(rgb))
        self._row = rows.stop
        self._counts.append(self._thread.submit(count_changed_grays, self._reference[rows], rgb))

    def see_file(self, lossy: bytes) -> "Future[int]":
        """Start counting in a lossy 8-bit file, which is decoded for that."""
        return self._thread.submit(lambda: count_changed_grays(eight_bits(self._reference), _decoded(lossy)))

    def exact(self) -> int:
        """Wait, and return in how many of the rendered pixels seen so far the gray level changed."""
        return sum(count.result() for count in self._counts)


def _decoded(data: bytes) -> Pixels:
    with Image.open(BytesIO(data)) as image:
        pixels = jpeg_pixels(image, data) if image.format == "JPEG" else None
        return np.asarray(image.convert("RGB")) if pixels is None else pixels
