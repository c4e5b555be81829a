"""A picture's features in, its overlapping tiles in Winograd's domain out, and back: the compiled inside of `winograd`.

The transforms are those of F(4x4, 3x3) in Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks":
tiles of 6x6, four apart, give 4x4 results each. A dilated convolution is several plain ones, on every `dilation`-th
row and column. Channels go through in blocks small enough for the processor's first cache. numba renews its cache of
compiled functions by the file a function stands in, so everything compiled is in this one file.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

BLOCK = 32
"""Channels per block; the number of channels is a multiple of it."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
_F4s = NDArray[np.float32]
_f4 = np.float32
_Four = tuple[np.float32, np.float32, np.float32, np.float32]
_Six = tuple[np.float32, np.float32, np.float32, np.float32, np.float32, np.float32]
_TWO, _FOUR, _FIVE, _EIGHT = _f4(2), _f4(4), _f4(5), _f4(8)
_PLANE, _FEATURES = types.float32[:, :, ::1], types.Array(types.float32, 3, "C", readonly=True)
_BIAS = types.Array(types.float32, 1, "C", readonly=True)


def _kernel(signature: Any) -> Callable[[_Function], _Function]:
    decorator = njit([signature], cache=True, nogil=True, fastmath={"contract", "nsz", "arcp"})
    return cast(Callable[[_Function], _Function], decorator)


def _part(function: _Function) -> _Function:
    """Mark a function as part of the kernels below; it is compiled into them."""
    return cast(_Function, njit(function, fastmath={"contract", "nsz", "arcp"}))


@_part
def _enter(a: np.float32, b: np.float32, c: np.float32, d: np.float32, e: np.float32, f: np.float32) -> _Six:
    """Return B^T of a column."""
    p, q = e - _FOUR * c, d - _FOUR * b
    r, s = e - c, _TWO * (d - b)
    return _FOUR * a - _FIVE * c + e, p + q, p - q, r + s, r - s, _FOUR * b - _FIVE * d + f


@_part
def _leave(a: np.float32, b: np.float32, c: np.float32, d: np.float32, e: np.float32, f: np.float32) -> _Four:
    """Return A^T of a column."""
    p, q, r, s = b + c, b - c, d + e, d - e
    return a + p + r, q + _TWO * s, p + _FOUR * r, q + _EIGHT * s + f


@_part
def _gather(x: _F4s, top: int, left: int, first: int, step: int, tile: _F4s) -> None:
    """Copy a block of channels of the 6x6 pixels, `step` apart, from `top`, `left` on; outside there is 0."""
    height, width, _ = x.shape
    for i in range(6):
        for j in range(6):
            row, column = top + i * step, left + j * step
            if row < 0 or row >= height or column < 0 or column >= width:
                for k in range(BLOCK):
                    tile[i, j, k] = _f4(0)
            else:
                for k in range(BLOCK):
                    tile[i, j, k] = x[row, column, first + k]


@_part
def _enter_tile(tile: _F4s, half: _F4s, out: _F4s, number: int, first: int) -> None:
    for j in range(6):
        for k in range(BLOCK):
            half[0, j, k], half[1, j, k], half[2, j, k], half[3, j, k], half[4, j, k], half[5, j, k] = _enter(
                tile[0, j, k], tile[1, j, k], tile[2, j, k], tile[3, j, k], tile[4, j, k], tile[5, j, k]
            )
    for i in range(6):
        for k in range(BLOCK):
            at, m = first + k, 6 * i
            (
                out[m, number, at],
                out[m + 1, number, at],
                out[m + 2, number, at],
                out[m + 3, number, at],
                out[m + 4, number, at],
                out[m + 5, number, at],
            ) = _enter(half[i, 0, k], half[i, 1, k], half[i, 2, k], half[i, 3, k], half[i, 4, k], half[i, 5, k])


@_part
def _leave_tile(products: _F4s, number: int, first: int, half: _F4s, tile: _F4s) -> None:
    m, n = products, number
    for j in range(6):
        for k in range(BLOCK):
            at = first + k
            half[0, j, k], half[1, j, k], half[2, j, k], half[3, j, k] = _leave(
                m[j, n, at], m[6 + j, n, at], m[12 + j, n, at], m[18 + j, n, at], m[24 + j, n, at], m[30 + j, n, at]
            )
    for i in range(4):
        for k in range(BLOCK):
            tile[i, 0, k], tile[i, 1, k], tile[i, 2, k], tile[i, 3, k] = _leave(
                half[i, 0, k], half[i, 1, k], half[i, 2, k], half[i, 3, k], half[i, 4, k], half[i, 5, k]
            )


@_part
def _scatter(tile: _F4s, bias: _F4s, y: _F4s, top: int, left: int, first: int, step: int) -> None:
    height, width, _ = y.shape
    for i in range(4):
        for j in range(4):
            row, column = top + i * step, left + j * step
            if row < height and column < width:
                for k in range(BLOCK):
                    y[row, column, first + k] = tile[i, j, k] + bias[first + k]


@_part
def _corner(number: int, dilation: int, down: int, across: int) -> tuple[int, int]:
    """Return row and column of the first result of a tile; tiles are numbered by phase, then row, then column."""
    phase, place = number // (down * across), number % (down * across)
    return phase // dilation + place // across * 4 * dilation, phase % dilation + place % across * 4 * dilation


@_kernel(types.void(_FEATURES, types.int64, types.int64, types.int64, types.int64, _PLANE))
def enter(x: _F4s, dilation: int, down: int, across: int, start: int, out: _F4s) -> None:
    """Fill `out` (36, tiles, c) with the transformed tiles of `x` (h, w, c) from number `start` on.

    Each of the `dilation`**2 phases has `down` rows of `across` tiles.
    """
    tile, half = np.empty((6, 6, BLOCK), np.float32), np.empty((6, 6, BLOCK), np.float32)
    for number in range(out.shape[1]):
        top, left = _corner(start + number, dilation, down, across)
        for first in range(0, x.shape[2], BLOCK):
            _gather(x, top - dilation, left - dilation, first, dilation, tile)
            _enter_tile(tile, half, out, number, first)


@_kernel(types.void(_FEATURES, _BIAS, types.int64, types.int64, types.int64, types.int64, _PLANE))
def leave(products: _F4s, bias: _F4s, dilation: int, down: int, across: int, start: int, y: _F4s) -> None:
    """Write the results of `products` (36, tiles, c), tiles as `enter` has them, plus `bias` (c) into `y` (h, w, c)."""
    half, tile = np.empty((4, 6, BLOCK), np.float32), np.empty((4, 4, BLOCK), np.float32)
    for number in range(products.shape[1]):
        top, left = _corner(start + number, dilation, down, across)
        for first in range(0, y.shape[2], BLOCK):
            _leave_tile(products, number, first, half, tile)
            _scatter(tile, bias, y, top, left, first, dilation)
