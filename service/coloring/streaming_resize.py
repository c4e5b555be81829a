"""Lanczos downscaling of a picture that arrives in bands, without holding it at full size.

The result equals Pillow's `resize` of the whole picture but for rounding. Rows are shrunk horizontally as they arrive,
and vertically once all rows within reach of the filter are there.
"""

import math

import numpy as np
from PIL import Image

from colorizers.colorspace.lab import Pixels, eight_bits

_FILTER = Image.Resampling.LANCZOS
# How far the filter reaches, in pixels of the small picture.
_REACH = 3
# What is transparent must not colour what is not.
_WEIGHTED = {"LA": "La", "RGBA": "RGBa"}


class StreamingResize:
    """Downscaler of one picture to at most `most_px` a side; a smaller picture keeps its size."""

    def __init__(self, width: int, height: int, most_px: int) -> None:
        share = min(1.0, most_px / max(width, height))
        self._height = height
        self.size = max(1, round(width * share)), max(1, round(height * share))
        self._mode = ""
        # Rows of the small picture's width, the first of which is number `_top` of the source.
        self._rows = Image.new("L", (self.size[0], 0))
        self._top = 0
        self._picture = Image.new("L", (1, 1))
        self._made_rows = 0

    def see(self, rows: Pixels, alpha: Pixels | None = None) -> None:
        """Take the next rows from top to bottom, gray (n, w) or RGB (n, w, 3), with their alpha (n, w)."""
        band = eight_bits(rows)
        if alpha is not None:
            band = np.dstack([band, eight_bits(alpha)])
        image = Image.fromarray(np.ascontiguousarray(band))
        if not self._mode:
            self._mode = image.mode
            self._picture = Image.new(_WEIGHTED.get(image.mode, image.mode), self.size)
        image = image.convert(self._picture.mode)
        self._rows = _stacked(self._rows, image.resize((self.size[0], image.height), _FILTER))
        self._make()

    def picture(self) -> Image.Image:
        """Return the small picture, once all rows have been seen: L, LA, RGB or RGBA."""
        return self._picture.convert(self._mode)

    def _make(self) -> None:
        """Resize the rows that are complete, and drop those that are not needed any more."""
        width, height = self.size
        scale, seen = self._height / height, self._top + self._rows.height
        reach = _REACH * scale + 1 if scale > 1 else 0
        end = height if seen == self._height else max(self._made_rows, math.floor((seen - reach) / scale))
        if end > self._made_rows:
            box = (0, self._made_rows * scale - self._top, width, min(end * scale - self._top, self._rows.height))
            made = self._rows.resize((width, end - self._made_rows), _FILTER, box)
            self._picture.paste(made, (0, self._made_rows))
            self._made_rows = end
        first = min(max(self._top, math.floor(end * scale - reach)), seen)
        self._rows = self._rows.crop((0, first - self._top, width, self._rows.height))
        self._top = first


def _stacked(upper: Image.Image, lower: Image.Image) -> Image.Image:
    if not upper.height:
        return lower
    both = Image.new(lower.mode, (lower.width, upper.height + lower.height))
    both.paste(upper, (0, 0))
    both.paste(lower, (0, upper.height))
    return both
