"""A network's distribution over ab bins: serialization, entropy, and suggestions of likely colors for a spot.

The distribution is stored with the photo in half precision; one spot of it is read without the rest. Loads no torch and
no numba.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.gamut_lookup import swatches, within_gamut
from colorizers.prediction.hints import cell

MOST_VALUES = 1 << 20
"""The most values, of two bytes each, in a stored distribution."""
LEAST_SUGGESTIONS, MOST_SUGGESTIONS = 5, 9
_MAGIC = b"ab-bins1"
_SIZES = struct.Struct("<III")
_MOST_BINS, _MOST_SIDE = 4096, 65536
# Least distances in ab between suggestions, within the gamut; where it is too small, the next distance is tried.
_SEPARATIONS = (20.0, 14.0, 10.0, 7.0, 4.0, 0.0)
# Colors beyond the first five are suggested down to this share.
_LEAST_SHARE = 0.01

_Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Spot:
    """The distribution at one spot: `shares` (bins,), which sum to 1, of the bins with `centres` (bins, 2), raw ab."""

    shares: _Floats
    centres: _Floats


@dataclass(frozen=True)
class Suggestion:
    """A likely color: `a` and `b` for a hint, its `share` of the distribution, 0..1, and its appearance `rgb`."""

    a: float
    b: float
    share: float
    rgb: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Distribution:
    """`logits`, float16 (bins, h, w), over the whole photo, and the bins' `centres`, float32 (bins, 2), raw ab.

    Softmax over the bins gives the shares; the network's own temperature is not applied.
    """

    logits: NDArray[np.float16]
    centres: _Floats

    def at(self, x: float, y: float) -> Spot:
        """Return the spot at `x` and `y`, 0..1 of the upright photo."""
        _, height, width = self.logits.shape
        return Spot(_softmax(self.logits[:, cell(y, height), cell(x, width)]), self.centres)

    def entropy(self) -> _Floats:
        """Return the entropy (h, w): 0 where the network is certain, 1 where all bins are equally likely."""
        rows = [_entropy(_softmax(self.logits[:, row])) for row in range(self.logits.shape[1])]
        return np.stack(rows) / np.float32(np.log(len(self.centres)))

    def to_bytes(self) -> bytes:
        """Serialize the distribution; the bins of a spot are adjacent."""
        bins, height, width = self.logits.shape
        header = _MAGIC + _SIZES.pack(bins, height, width) + self.centres.astype("<f4").tobytes()
        return header + self.logits.transpose(1, 2, 0).astype("<f2").tobytes()

    @staticmethod
    def from_bytes(data: bytes) -> "Distribution":
        """Read what `to_bytes` wrote; raises `ValueError` for other bytes."""
        bins, height, width = _sizes(data[: _start(0)])
        start = _start(bins)
        if len(data) != start + 2 * bins * height * width:
            raise ValueError("these bytes are no distribution")
        logits = np.frombuffer(data, "<f2", offset=start).reshape(height, width, bins).transpose(2, 0, 1)
        return Distribution(logits.astype(np.float16), _centers(data[_start(0) : start]))


def read_spot(file: BinaryIO, x: float, y: float) -> Spot:
    """Return the spot at `x` and `y`, 0..1, from a file that begins with what `Distribution.to_bytes` wrote.

    Reads no more than the spot. Raises `ValueError` where the file is something else.
    """
    bins, height, width = _sizes(file.read(_start(0)))
    centers = file.read(8 * bins)
    file.seek(2 * bins * (cell(y, height) * width + cell(x, width)), 1)
    logits = file.read(2 * bins)
    if len(logits) != 2 * bins:
        raise ValueError("these bytes are no distribution")
    return Spot(_softmax(np.frombuffer(logits, "<f2")), _centers(centers))


def suggestions(spot: Spot, gray_level: int, most: int = MOST_SUGGESTIONS) -> list[Suggestion]:
    """Return 5 to `most` likely colors that differ visibly at `gray_level`, 0..255, in order of their share.

    The share of a suggestion includes all bins to which it is the closest one.
    """
    shown = within_gamut(spot.centres.astype(np.float64), gray_level)
    apart = np.linalg.norm(shown[:, None] - shown, axis=2)
    for separation in _SEPARATIONS:
        chosen = _choose(spot.shares, apart, separation, most)
        if len(chosen) >= min(LEAST_SUGGESTIONS, most):
            break
    nearest = apart[:, chosen].argmin(axis=1)
    shares = np.bincount(nearest, spot.shares, len(chosen))
    colors = swatches(shown[chosen], gray_level)
    found = [
        Suggestion(float(a), float(b), float(share), (int(red), int(green), int(blue)))
        for (a, b), share, (red, green, blue) in zip(spot.centres[chosen], shares, colors, strict=True)
    ]
    found.sort(key=lambda suggestion: -suggestion.share)
    return [entry for place, entry in enumerate(found) if place < LEAST_SUGGESTIONS or entry.share >= _LEAST_SHARE]


def _choose(shares: _Floats, apart: NDArray[np.float64], separation: float, most: int) -> list[int]:
    """Choose up to `most` bins at least `separation` apart, each the one with the largest share around it."""
    around = (apart <= separation / 2).astype(np.float32)
    left = np.array(shares)
    free = np.ones(len(shares), bool)
    chosen: list[int] = []
    while free.any() and len(chosen) < most:
        # A bin's own share decides between those with the same bins around them.
        best = int(np.where(free, around @ left + shares, -1).argmax())
        chosen.append(best)
        covered = apart[best] < separation
        covered[best] = True
        free &= ~covered
        left[covered] = 0
    return chosen


def _sizes(header: bytes) -> tuple[int, int, int]:
    if len(header) != _start(0) or not header.startswith(_MAGIC):
        raise ValueError("these bytes are no distribution")
    bins, height, width = _SIZES.unpack_from(header, len(_MAGIC))
    if not (0 < bins <= _MOST_BINS and 0 < height <= _MOST_SIDE and 0 < width <= _MOST_SIDE):
        raise ValueError("these bytes are no distribution")
    return bins, height, width


def _start(bins: int) -> int:
    """Return the offset of the logits."""
    return len(_MAGIC) + _SIZES.size + 8 * bins


def _centers(data: bytes) -> _Floats:
    return np.frombuffer(data, "<f4").reshape(-1, 2).astype(np.float32)


def _softmax(logits: NDArray[np.float16]) -> _Floats:
    """Return shares, which sum to 1 over the first axis."""
    wide = logits.astype(np.float32)
    share = np.exp(wide - wide.max(axis=0))
    result: _Floats = share / share.sum(axis=0)
    return result


def _entropy(shares: _Floats) -> _Floats:
    result: _Floats = -(shares * np.log(np.maximum(shares, np.float32(1e-12)))).sum(axis=0)
    return result
