"""What networks see of a photo: Pillow's bicubic filter, bit for bit."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from colorizers.lab import Pixels, eight_bits
from colorizers.resampling import bicubic

SIZES = [(64, 80), (500, 80), (64, 700), (256, 256), (900, 1000), (1, 1)]


def by_pillow(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", [(700, 500), (700, 500, 3), (900, 77, 3), (77, 900), (1, 1, 3), (2, 300), (37, 1)])
def test_it_is_what_pillow_makes(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    # Of black and white alone, sums go far below 0 and above 255.
    for pixels in (noise, np.where(noise > 127, 255, 0).astype(np.uint8)):
        assert np.array_equal(bicubic(pixels, size), by_pillow(pixels, size))


@pytest.mark.parametrize(("height", "size"), [(344, (256, 256)), (345, (256, 256)), (572, (64, 100)), (573, (64, 100))])
def test_it_turns_to_columns_first_where_pillow_does(height: int, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (height, 300), np.uint8)
    assert np.array_equal(bicubic(pixels, size), by_pillow(pixels, size))


def test_sixteen_bits_are_made_eight_first() -> None:
    for shape in ((300, 200), (300, 200, 3)):
        deep = np.random.default_rng(2).integers(0, 65536, shape, np.uint16)
        assert np.array_equal(bicubic(deep, (64, 48)), by_pillow(eight_bits(deep), (64, 48)))


def test_parts_of_arrays_and_read_only_ones_are_fine() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (600, 900, 3), np.uint8)[::2, ::-3]
    pixels.flags.writeable = False
    assert np.array_equal(bicubic(pixels, (50, 40)), by_pillow(np.ascontiguousarray(pixels), (50, 40)))


def test_no_other_large_picture_is_made() -> None:
    pixels = np.zeros((3000, 2000, 3), np.uint8)
    tracemalloc.start()
    bicubic(pixels, (256, 256))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6_000_000
