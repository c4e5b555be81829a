"""Tests of edge-aware upsampling: sharp edges, flat areas, and agreement with the reference."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from colorizers.colorspace.lab import Pixels, lightness
from colorizers.photo.photo import open_photo
from colorizers.rendering.color_pass import join
from colorizers.rendering.guided_upsampling import bilinear_planes, edge_aware_planes
from tests.support import color_oracle

PHOTO = Path(__file__).parents[2] / "data" / "photos" / "detroit-1915.jpg"


def full_size(planes: NDArray[np.float32], pixels: Pixels) -> NDArray[np.float32]:
    """Interpolate planes to ab (2, h, w) for a photo with these gray levels."""
    large = F.interpolate(torch.from_numpy(planes)[None], pixels.shape, mode="bilinear")[0].numpy()
    share = (pixels / np.iinfo(pixels.dtype).max).astype(np.float32)
    result: NDArray[np.float32] = large[:2] + large[2:] * share if len(large) == 4 else large
    return result


def test_a_color_that_follows_the_gray_level_becomes_sharp() -> None:
    """Where ab is linear in the gray level, edge-aware planes restore what reduction blurred."""
    gray = open_photo(PHOTO).pixels[:352, :640]
    L, share = lightness(gray), gray / 255
    truth = np.stack([40 * share - 10, 30 - 50 * share]).astype(np.float32)
    small_L = F.interpolate(torch.from_numpy(L)[None, None], (44, 80), mode="area")[0, 0].numpy()
    ab = F.interpolate(torch.from_numpy(truth)[None], (44, 80), mode="area")[0].numpy()
    bilinear = np.hypot(*(full_size(ab, gray) - truth)).mean()
    edge_aware = np.hypot(*(full_size(edge_aware_planes(ab, small_L), gray) - truth)).mean()
    assert bilinear > 3
    assert edge_aware < 0.35 * bilinear


def test_planes_agree_with_the_oracle() -> None:
    random = np.random.default_rng(0)
    L = random.uniform(0, 100, (12, 20)).astype(np.float32)
    ab = random.normal(0, 20, (2, 6, 10)).astype(np.float32)
    assert edge_aware_planes(ab, L) == pytest.approx(color_oracle.edge_aware_planes(ab, L), abs=2e-3)


def test_uniform_color_stays_uniform_and_flat_lightness_gives_no_slope() -> None:
    gray = open_photo(PHOTO).pixels[:64, :64]
    one = np.full((2, 16, 16), 25, np.float32)
    assert full_size(edge_aware_planes(one, lightness(gray)), gray) == pytest.approx(np.full((2, 64, 64), 25), abs=1e-3)
    ab = np.random.default_rng(1).normal(0, 20, (2, 16, 16)).astype(np.float32)
    flat = edge_aware_planes(ab, np.full((64, 64), 40, np.float32))
    assert flat[:2] == pytest.approx(ab, abs=1e-2)
    assert np.abs(flat[2:]).max() < 0.1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_pass_follows_sloping_planes_and_keeps_grays(dtype: type[np.unsignedinteger]) -> None:
    ramp = np.linspace(0.3, 0.8, 150) * np.iinfo(dtype).max
    pixels = np.repeat(ramp.astype(dtype)[None], 300, axis=0)
    ab = np.random.default_rng(2).normal(0, 4, (2, 12, 9)).astype(np.float32)
    planes = np.concatenate([ab, np.full_like(ab, 10)])
    result = join(pixels, planes)
    wanted = color_oracle.color(pixels, full_size(planes, pixels))
    assert (np.abs(result - wanted) / (np.iinfo(dtype).max / 255)).max() <= 1
    assert np.abs(color_oracle.gray(result) - pixels.astype(int)).max() <= (0 if dtype == np.uint8 else 1)


def test_bilinear_planes_are_what_pytorch_interpolates() -> None:
    ab = np.random.default_rng(3).normal(0, 20, (2, 6, 10)).astype(np.float32)
    expected = F.interpolate(torch.from_numpy(ab)[None], (24, 40), mode="bilinear")[0].numpy()
    assert bilinear_planes(ab, np.zeros((24, 40), np.float32)) == pytest.approx(expected, abs=1e-4)
