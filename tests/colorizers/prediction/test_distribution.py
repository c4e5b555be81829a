"""Tests of distributions over ab bins: serialization, reading a spot, entropy, suggestions, swatches."""

from io import BytesIO

import numpy as np
import pytest

from colorizers.colorspace.gamut_lookup import swatches, within_gamut
from colorizers.prediction.distribution import Distribution, Spot, read_spot, suggestions
from colorizers.rendering.color_pass import count_changed_grays, join
from tests.support import color_oracle

AXIS = np.arange(-80, 81, 10, dtype=np.float32)
CENTERS = np.stack(np.meshgrid(AXIS, AXIS), axis=-1).reshape(-1, 2)
BINS = len(CENTERS)


def distribution(height: int = 5, width: int = 7) -> Distribution:
    logits = np.random.default_rng(0).normal(0, 3, (BINS, height, width)).astype(np.float16)
    return Distribution(logits, CENTERS)


def spot(*peaks: tuple[float, float, float]) -> Spot:
    """Return a spot with the shares of `peaks` (a, b, share), each spread over the bins around it."""
    shares = np.full(BINS, 1e-6, np.float32)
    for a, b, share in peaks:
        near = np.exp(-((CENTERS - [a, b]) ** 2).sum(axis=1) / 200)
        shares += (share * near / near.sum()).astype(np.float32)
    return Spot(shares / shares.sum(), CENTERS)


def test_serialization_is_lossless_and_small() -> None:
    original = distribution()
    data = original.to_bytes()
    kept = Distribution.from_bytes(data)
    assert np.array_equal(kept.logits, original.logits)
    assert np.array_equal(kept.centres, original.centres)
    assert kept.to_bytes() == data
    assert len(data) < 2 * original.logits.size + 8 * BINS + 64


def test_a_spot_is_read_without_the_rest() -> None:
    class Counting(BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            self.taken += len(data)
            return data

    original = distribution(50, 60)
    data = original.to_bytes()
    for x, y in ((0, 0), (1, 1), (0.3, 0.77)):
        file = Counting(data)
        read = read_spot(file, x, y)
        assert np.array_equal(read.shares, original.at(x, y).shares)
        assert np.array_equal(read.centres, CENTERS)
        assert file.taken < 11 * BINS
    assert original.at(0.5, 0.5).shares.sum() == pytest.approx(1, abs=1e-5)


def test_other_bytes_are_no_distribution() -> None:
    data = distribution().to_bytes()
    for broken in (b"", b"PK\3\4", data[:-1], data[:30], b"x" + data, data + b"x", data[:8] + b"\xff" * 12 + data[20:]):
        with pytest.raises(ValueError, match="no distribution"):
            Distribution.from_bytes(broken)
    for broken in (b"", data[:30], data[: 8 + 12 + 8 * BINS + 5]):
        with pytest.raises(ValueError, match="no distribution"):
            read_spot(BytesIO(broken), 0, 0)


def test_entropy_is_0_where_certain_and_1_where_all_bins_are_equal() -> None:
    logits = np.zeros((BINS, 2, 3), np.float16)
    logits[4, 0, 0] = 60
    logits[[4, 9], 1, 2] = 60
    found = Distribution(logits, CENTERS).entropy()
    assert found.shape == (2, 3)
    assert found[0, 0] == pytest.approx(0, abs=1e-4)
    assert found[0, 1] == pytest.approx(1, abs=1e-4)
    assert found[1, 2] == pytest.approx(np.log(2) / np.log(BINS), abs=1e-4)


def test_suggestions_are_the_likely_colors_the_likeliest_first() -> None:
    found = suggestions(spot((-40, 40, 0.5), (10, 20, 0.3), (50, 30, 0.1), (0, -30, 0.1)), 120)
    assert 5 <= len(found) <= 9
    first = [(entry.a, entry.b) for entry in found[:2]]
    assert np.abs(np.subtract(first, [(-40, 40), (10, 20)])).max() <= 10
    shares = [entry.share for entry in found]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 1.0001
    near = [min(np.hypot(entry.a - a, entry.b - b) for entry in found) for a, b in ((50, 30), (0, -30))]
    assert max(near) <= 15


@pytest.mark.parametrize("gray", [0, 1, 20, 128, 235, 254, 255])
def test_suggestions_look_different_and_have_the_gray_level(gray: int) -> None:
    for likely in (spot((0, 0, 1)), spot((60, 60, 0.5), (-60, -60, 0.5)), Spot(np.eye(BINS)[7].astype("f4"), CENTERS)):
        found = suggestions(likely, gray)
        assert 5 <= len(found) <= 9
        colors = np.array([entry.rgb for entry in found], np.uint8)
        assert (color_oracle.gray(colors[None]) == gray).all()
        if 20 <= gray <= 235:
            assert len({entry.rgb for entry in found}) == len(found)
    assert len(suggestions(spot((0, 0, 1)), gray, most=3)) <= 3


@pytest.mark.parametrize("gray", [0, 3, 40, 100, 128, 200, 250, 255])
def test_swatches_are_those_of_the_color_pass(gray: int) -> None:
    ab = CENTERS.astype(np.float64)
    shown = swatches(ab, gray)
    pixel = np.full((1, 1), gray, np.uint8)
    made = np.stack([join(pixel, color[:, None, None])[0, 0] for color in CENTERS])
    assert np.abs(shown.astype(int) - made).max() <= 3
    assert np.abs(shown.astype(int) - made).mean() < 0.2
    assert count_changed_grays(np.full((1, BINS), gray, np.uint8), shown[None]) == 0
    inner = within_gamut(ab, gray)
    assert (np.hypot(*inner.T) <= np.hypot(*ab.T) + 1e-9).all()
