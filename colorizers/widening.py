"""Small planes in, their rows at the width of the photo out; the rows are blended pixel by pixel in the passes.

Positions are those of PyTorch's bilinear interpolation with align_corners off.
"""

from dataclasses import dataclass

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.compiling import F4s, I4s, array, kernel, vector_part

_F4, _I4 = types.float32, types.int32


@dataclass(frozen=True, eq=False)
class Rows:
    """The planes along the rows of a band of the photo.

    `wide` (n, planes, w) has n rows of the small planes, each interpolated along itself; row y of the band lies between
    `wide[at[y]]` and `wide[at[y] + 1]`, `down[y]`, 0..1, of the way.
    """

    wide: F4s
    at: I4s
    down: F4s


class Widening:
    """The rows of small planes (n, h', w') as a photo of `width` x `height` pixels needs them, band after band."""

    def __init__(self, planes: F4s, width: int, height: int) -> None:
        self._planes = planes
        self._height = height
        across, self._along = _sources(np.arange(width), width, planes.shape[2])
        self._starts = np.searchsorted(across, np.arange(planes.shape[2] + 1)).astype(np.int32)
        self._wide = np.empty((0, planes.shape[0], width), np.float32)

    def rows(self, top: int, count: int) -> Rows:
        """Return the planes along `count` rows of the photo from `top` on; they hold until the next are asked for."""
        at, down = _sources(np.arange(top, top + count), self._height, self._planes.shape[1])
        needed = np.minimum(np.arange(at[0], at[-1] + 2), self._planes.shape[1] - 1).astype(np.int32)
        if len(self._wide) < needed.size:
            self._wide = np.empty((needed.size, *self._wide.shape[1:]), np.float32)
        wide = self._wide[: needed.size]
        _widen(self._planes, needed, self._starts, self._along, wide)
        return Rows(wide, at - at[0], down)


def _sources(places: NDArray[np.int64], size: int, small_size: int) -> tuple[I4s, F4s]:
    """Return for each place of `size` the small one before it, and how far it is from there to the next."""
    sources = np.maximum((places + 0.5) * (small_size / size) - 0.5, 0)
    first = sources.astype(np.int32)
    return first, (sources - first).astype(np.float32)


@kernel(types.void(array(_F4, 3), array(_I4, 1), array(_I4, 1), array(_F4, 1), array(_F4, 3, readonly=False)))
def _widen(planes: F4s, needed: I4s, starts: I4s, along: F4s, wide: F4s) -> None:
    """Fill `wide` (n, planes, w) with the rows `needed` of `planes` (planes, h', w'), interpolated along the row.

    Columns from `starts[j]` up to before `starts[j + 1]` lie between columns j and j + 1 of the planes.
    """
    last = planes.shape[2] - 1
    for k in range(needed.size):
        for plane in range(planes.shape[0]):
            small, row = planes[plane, needed[k]], wide[k, plane]
            for j in range(last + 1):
                left, rise = small[j], small[min(j + 1, last)] - small[j]
                part, shares = row[starts[j] : starts[j + 1]], along[starts[j] : starts[j + 1]]
                for x in range(part.size):
                    part[x] = left + shares[x] * rise


@vector_part
def blend(gray: F4s, upper: F4s, lower: F4s, down: np.float32, shift: F4s) -> None:
    """Fill `shift` (2, w) from the rows above and below, of shifts, or of those at black and their rise up to white.

    `gray` (w) are gray levels as shares of white.
    """
    if upper.shape[0] == 2:
        for x in range(gray.size):
            shift[0, x] = upper[0, x] + down * (lower[0, x] - upper[0, x])
            shift[1, x] = upper[1, x] + down * (lower[1, x] - upper[1, x])
    else:
        for x in range(gray.size):
            by_x = upper[0, x] + down * (lower[0, x] - upper[0, x])
            by_z = upper[1, x] + down * (lower[1, x] - upper[1, x])
            shift[0, x] = by_x + gray[x] * (upper[2, x] + down * (lower[2, x] - upper[2, x]))
            shift[1, x] = by_z + gray[x] * (upper[3, x] + down * (lower[3, x] - upper[3, x]))
