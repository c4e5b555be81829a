"""Tests of rendering: the published settings, saturation, and stored predictions."""

from pathlib import Path

import numpy as np
import pytest

from colorizers.colorspace.lab import lightness
from colorizers.photo.photo import open_photo
from colorizers.prediction.prediction import Prediction
from colorizers.rendering.color_pass import count_changed_grays
from colorizers.rendering.render import PUBLISHED, Rendering, render
from tests.support import color_oracle

PHOTO = Path(__file__).parents[2] / "data" / "photos" / "migrant-mother.jpg"


def prediction(chroma: float, size: int = 16) -> Prediction:
    """Return a smooth prediction with all hues, and random L."""
    y, x = np.mgrid[0:size, 0:size] / size * 2 * np.pi
    ab = (chroma * np.stack([np.sin(x + y), np.cos(2 * x - y)])).astype(np.float32)
    return Prediction(ab, np.random.default_rng(0).uniform(0, 100, (4 * size, 4 * size)).astype(np.float32))


@pytest.mark.parametrize("chroma", [10, 60, 110])
def test_published_settings_are_within_one_level_of_the_demo(chroma: float) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    gray = open_photo(PHOTO).pixels
    for pixels in (colours, np.repeat(gray[..., None], 3, axis=2)):
        small = prediction(chroma, 64)
        small = Prediction(small.ab, small.L[::4, ::4])
        result = render(pixels, small, PUBLISHED)
        assert np.abs(result.astype(int) - color_oracle.clipped(pixels, small.ab)).max() <= 1
    assert np.array_equal(render(gray, small, PUBLISHED), result)


def test_published_settings_hold_for_16_bits() -> None:
    gray = open_photo(PHOTO).pixels
    deep = gray.astype(np.uint16) * np.uint16(257)
    difference = render(deep, prediction(40), PUBLISHED) / 257 - render(gray, prediction(40), PUBLISHED)
    assert np.abs(difference).max() <= 0.56


def test_saturation_changes_chroma_and_no_gray() -> None:
    gray = open_photo(PHOTO).pixels
    chroma = []
    for saturation in (0.0, 0.5, 1.0, 1.6):
        result = render(gray, prediction(12), Rendering(saturation=saturation))
        assert count_changed_grays(gray, result) == 0
        chroma.append(np.ptp(result.astype(int), axis=2).mean())
    assert chroma[0] == 0
    assert chroma == sorted(chroma)
    assert chroma[3] > 1.4 * chroma[2]


def test_a_stored_prediction_renders_the_same() -> None:
    gray = open_photo(PHOTO).pixels
    original = Prediction(prediction(30).ab, lightness(gray)[:64, :64])
    data = original.to_bytes()
    kept = Prediction.from_bytes(data)
    assert np.array_equal(render(gray, kept), render(gray, original))
    assert kept.to_bytes() == data


def test_other_bytes_are_no_prediction() -> None:
    for data in (b"", b"PK\3\4", prediction(1).to_bytes()[:-40]):
        with pytest.raises(ValueError, match="no prediction"):
            Prediction.from_bytes(data)
