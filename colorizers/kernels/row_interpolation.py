"""Bilinear interpolation of small planes to the rows of a photo.

Positions are those of PyTorch's bilinear interpolation with align_corners off. Rows are interpolated along themselves
here; the color passes blend neighboring rows pixel by pixel.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.kernels.jit import F4s, I4s, array, kernel, named_tuple, vector_part

_F4, _I4 = types.float32, types.int32


class Rows(NamedTuple):
    """Planes interpolated along the rows of a band of a photo.

    `wide` (n, planes, w) holds rows of the small planes at the photo's width. Row y of the band lies between
    `wide[at[y]]` and `wide[at[y] + 1]`, `down[y]`, 0..1, of the way.
    """

    wide: F4s
    at: I4s
    down: F4s


ROWS = named_tuple(Rows, array(_F4, 3, False), array(_I4, 1, False), array(_F4, 1, False))
"""The type of `Rows` in kernels."""


class RowInterpolator:
    """Interpolates small planes (n, h', w') to bands of a photo of `width` x `height` pixels."""

    def __init__(self, planes: F4s, width: int, height: int) -> None:
        self._planes = planes
        self._height = height
        across, self._along = _source_positions(np.arange(width), width, planes.shape[2])
        self._starts = np.searchsorted(across, np.arange(planes.shape[2] + 1)).astype(np.int32)
        self._wide = np.empty((0, planes.shape[0], width), np.float32)

    def rows(self, top: int, count: int) -> Rows:
        """Return the planes along `count` rows of the photo from `top` on, valid until the next call."""
        at, down = _source_positions(np.arange(top, top + count), self._height, self._planes.shape[1])
        needed = np.minimum(np.arange(at[0], at[-1] + 2), self._planes.shape[1] - 1).astype(np.int32)
        if len(self._wide) < needed.size:
            self._wide = np.empty((needed.size, *self._wide.shape[1:]), np.float32)
        wide = self._wide[: needed.size]
        _widen(self._planes, needed, self._starts, self._along, wide)
        return Rows(wide, at - at[0], down)


def _source_positions(places: NDArray[np.int64], size: int, small_size: int) -> tuple[I4s, F4s]:
    """Return for each of `places`, 0..`size`, the small place before it and the fraction to the next one."""
    sources = np.maximum((places + 0.5) * (small_size / size) - 0.5, 0)
    first = sources.astype(np.int32)
    return first, (sources - first).astype(np.float32)


@kernel(types.void(array(_F4, 3), array(_I4, 1), array(_I4, 1), array(_F4, 1), array(_F4, 3, readonly=False)))
def _widen(planes: F4s, needed: I4s, starts: I4s, along: F4s, wide: F4s) -> None:
    """Fill `wide` (n, planes, w) with the rows `needed` of `planes` (planes, h', w'), interpolated along the row.

    Columns from `starts[j]` to `starts[j + 1]` lie between columns j and j + 1 of the planes.
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
    """Fill `shift` (2, w) between the rows `upper` and `lower`, at `down`, 0..1, of the way.

    The rows hold shifts (2, w), or shifts at black and their rise up to white (4, w) by `gray` (w), 0..1.
    """
    if upper.shape[0] == 2:
        for x in range(gray.size):
            shift[0, x] = upper[0, x] + down * (lower[0, x] - upper[0, x])
            shift[1, x] = upper[1, x] + down * (lower[1, x] - upper[1, x])
    else:
        for x in range(gray.size):
            shift_x = upper[0, x] + down * (lower[0, x] - upper[0, x])
            shift_z = upper[1, x] + down * (lower[1, x] - upper[1, x])
            shift[0, x] = shift_x + gray[x] * (upper[2, x] + down * (lower[2, x] - upper[2, x]))
            shift[1, x] = shift_z + gray[x] * (upper[3, x] + down * (lower[3, x] - upper[3, x]))
