"""Smaller pictures: the same as Pillow's; and results at another size or depth that keep the grays."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizers.colorspace.lab import Pixels, eight_bits
from colorizers.metadata import exif
from colorizers.photo.photo import open_photo
from colorizers.photo.resizing import fitted, resized
from colorizers.prediction.prediction import Prediction
from colorizers.rendering.color_pass import count_changed_grays
from colorizers.rendering.render import render
from tests.support import color_oracle

PHOTO = Path(__file__).parents[2] / "data" / "photos" / "migrant-mother.jpg"
FILTERS = [Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]


def noise(*shape: int, depth: type[np.uint8 | np.uint16] = np.uint8) -> Pixels:
    return np.random.default_rng(0).integers(0, np.iinfo(depth).max, shape, depth, endpoint=True)


@pytest.mark.parametrize("shape", [(700, 500), (700, 500, 3), (100, 90, 3)])
@pytest.mark.parametrize("filter_", FILTERS)
@pytest.mark.parametrize("size", [(64, 80), (500, 80), (64, 700), (900, 1000)])
def test_by_channels_it_is_what_pillow_makes(
    shape: tuple[int, ...], filter_: Image.Resampling, size: tuple[int, int]
) -> None:
    pixels = noise(*shape)
    assert np.array_equal(resized(pixels, size, filter_), np.asarray(Image.fromarray(pixels).resize(size, filter_)))


@pytest.mark.parametrize("shape", [(600, 400), (600, 400, 3)])
def test_sixteen_bits_stay_sixteen(shape: tuple[int, ...]) -> None:
    pixels = noise(*shape, depth=np.uint16)
    small = resized(pixels, (40, 60), Image.Resampling.LANCZOS)
    assert small.dtype == np.uint16
    planes = np.moveaxis(pixels.reshape(600, 400, -1), -1, 0).astype(np.float32)
    for found, plane in zip(np.moveaxis(small.reshape(60, 40, -1), -1, 0), planes, strict=True):
        exact = np.asarray(Image.fromarray(plane).resize((40, 60), Image.Resampling.LANCZOS))
        assert np.abs(found - exact).max() <= 1.5


def test_a_smaller_result_has_the_grays_of_the_original_resized_alike() -> None:
    photo = open_photo(PHOTO)
    small = fitted(photo, 200)
    assert (small.width, small.height) == (200, round(photo.height * 200 / photo.width))
    expected = np.asarray(Image.fromarray(photo.pixels).resize((200, small.height), Image.Resampling.LANCZOS))
    ab = np.random.default_rng(1).uniform(-60, 60, (2, 8, 10)).astype(np.float32)
    prediction = Prediction(ab, noise(16, 20).astype(np.float32))
    result = render(small.pixels, prediction)
    assert np.array_equal(color_oracle.gray(result), expected)
    assert np.ptp(result.astype(int), axis=2).mean() > 10


def test_it_never_grows_and_never_vanishes() -> None:
    photo = open_photo(PHOTO)
    for size_px in (None, 480, 10_000):
        assert fitted(photo, size_px) is photo
    line = dataclasses.replace(photo, pixels=noise(1, 500), alpha=noise(1, 500))
    tiny = fitted(line, 10)
    assert tiny.pixels.shape == (1, 10)
    assert tiny.alpha is not None
    assert tiny.alpha.shape == (1, 10)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_depths(bits: int, depth: type[np.uint8 | np.uint16]) -> None:
    photo = dataclasses.replace(open_photo(PHOTO), pixels=noise(50, 60, depth=depth), alpha=noise(50, 60, depth=depth))
    made = fitted(photo, bits=bits)
    assert made.pixels.itemsize * 8 == bits
    assert made.alpha is not None
    assert made.alpha.dtype == made.pixels.dtype
    if depth == np.uint8:
        assert count_changed_grays(photo.pixels, eight_bits(made.pixels)) == 0


def test_exif_says_the_new_size() -> None:
    tags = Image.Exif()
    inner = tags.get_ifd(0x8769)
    inner[0xA002], inner[0xA003] = 480, 371
    photo = dataclasses.replace(open_photo(PHOTO), exif=exif.strip_prefix(tags.tobytes()))
    small = fitted(photo, 100)
    assert small.exif is not None
    read = Image.Exif()
    read.load(exif.PREFIX + small.exif)
    assert read.get_ifd(0x8769)[0xA002] == 100
    assert read.get_ifd(0x8769)[0xA003] == small.height
