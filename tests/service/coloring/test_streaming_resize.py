"""Streaming resize against Pillow's resize of the whole picture."""

import numpy as np
import pytest
from PIL import Image

from service.coloring.streaming_resize import StreamingResize


@pytest.mark.parametrize(
    ("width", "height", "channels", "most_px", "band_rows"),
    [
        (700, 900, 3, 200, 256),
        (70, 1000, 1, 333, 256),
        (2000, 513, 4, 512, 256),
        (50, 100, 3, 200, 7),
        (300, 300, 3, 299, 64),
        (10, 257, 1, 256, 256),
        (9000, 3, 1, 100, 1),
        (400, 300, 4, 100, 300),
    ],
)
def test_by_bands_the_same_picture(width: int, height: int, channels: int, most_px: int, band_rows: int) -> None:
    shape = (height, width) if channels == 1 else (height, width, channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    small = StreamingResize(width, height, most_px)
    for top in range(0, height, band_rows):
        band = pixels[top : top + band_rows]
        small.see(band[..., :3], band[..., 3]) if channels == 4 else small.see(band)
    assert max(small.size) == min(most_px, max(width, height))
    whole = Image.fromarray(pixels).resize(small.size, Image.Resampling.LANCZOS)
    assert small.picture().mode == whole.mode
    off = np.abs(np.asarray(small.picture()).astype(int) - np.asarray(whole))
    assert off.max() <= 3, "rounding between rows and columns"
    assert off.mean() < 0.25


def test_sixteen_bits_are_rounded() -> None:
    small = StreamingResize(2, 1, 10)
    small.see(np.array([[257 * 7, 65535]], np.uint16))
    assert np.asarray(small.picture()).tolist() == [[7, 255]]
