"""Test photo in any size: always the same toned print, as pixels or a JPEG file."""

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SOURCE = Path(__file__).parents[2] / "tests" / "data" / "photos" / "detroit-1915.jpg"
_GRAIN = 3.0
_BAND_ROWS = 256


@cache
def toned_print(megapixels: float) -> bytes:
    """Return a JPEG file, 4:3, RGB: a public-domain photograph enlarged, with grain and in sepia.

    Toned, because that is more work than gray: three channels to decode and a luminance to compute.
    """
    file = BytesIO()
    Image.fromarray(pixels(megapixels)).save(file, "JPEG", quality=90)
    return file.getvalue()


def pixels(megapixels: float) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) that `toned_print` saves."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    with Image.open(_SOURCE) as image:
        left = (image.width - image.height * 4 // 3) // 2
        box = (left, 0, image.width - left, image.height)
        large = np.asarray(image.convert("L").resize((width, height), Image.Resampling.BICUBIC, box=box))
    random = np.random.default_rng(0)
    result = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _BAND_ROWS):
        gray = large[top : top + _BAND_ROWS].astype(np.float32)
        gray += _GRAIN * random.standard_normal(gray.shape, np.float32)
        tone = np.stack([gray + 8, gray, gray - 12], axis=2)
        result[top : top + _BAND_ROWS] = np.clip(np.rint(tone), 0, 255)
    return result
