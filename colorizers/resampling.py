"""Pixels in, their 8-bit picture at another size out: bit for bit what Pillow makes of it, in a third of the time.

Pillow's bicubic filter (Resample.c of Pillow 13) is what the published networks saw their photos through, so another
filter, or the same one a bit off, would change colours. Its weights are whole numbers, rows are done before columns
(the other way round where many more rows go than columns), and what lies between them is 8 bits. Here sums of such
numbers are made in double precision, in which they are exact in any order, so that the compiler may turn them into
vector instructions.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from colorizers.lab import Pixels, eight_bits

# Pillow's: weights are multiples of 1 / 2**22, and the cubic has the parameter -1/2 and reaches two pixels far.
_WEIGHT_BITS = 22
_A, _REACH = -0.5, 2.0
_BAND_ROWS = 256
# Weights of a row are padded with zeros to a multiple of this, or the last few would be summed one by one.
_LANES = 32

_Function = TypeVar("_Function", bound=Callable[..., Any])
_F8s = NDArray[np.float64]
_I4s = NDArray[np.int32]
_Bytes = NDArray[np.uint8]
_WEIGHTS = types.Array(types.float64, 2, "C", readonly=True)
_PLACES = types.Array(types.int32, 1, "C", readonly=True)


def _kernel(pixels: int) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles for pixels of so many dimensions at import, or takes the code from disk."""
    before = types.Array(types.uint8, pixels, "C", readonly=True)
    signature = types.void(before, _PLACES, _WEIGHTS, types.Array(types.uint8, pixels, "C"))
    decorator = njit([signature], cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
    return cast(Callable[[_Function], _Function], decorator)


def _part(function: _Function) -> _Function:
    """Mark a function as part of the kernels below; it is compiled into them."""
    return cast(_Function, njit(function))


def bicubic(pixels: Pixels, size: tuple[int, int]) -> _Bytes:
    """Return `pixels`, gray (h, w) or RGB (h, w, 3), uint8 or uint16, as uint8 at `size` (width, height) in pixels.

    16 bits are made 8 first, as `eight_bits` does.
    """
    height, width = pixels.shape[:2]
    small_width, small_height = size
    if height - small_height > max(2 * (width - small_width), 0):
        return np.ascontiguousarray(_rows_first(pixels.swapaxes(0, 1), small_height, small_width).swapaxes(0, 1))
    return _rows_first(pixels, small_width, small_height)


def _rows_first(pixels: Pixels, small_width: int, small_height: int) -> _Bytes:
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    rows = np.empty((height, small_width, channels), np.uint8)
    places, weights = _filter(width, small_width, _LANES)
    for top in range(0, height, _BAND_ROWS):
        band = np.ascontiguousarray(eight_bits(pixels[top : top + _BAND_ROWS])).reshape(-1, width, channels)
        _across(band, places, weights, rows[top : top + _BAND_ROWS])
    result = np.empty((small_height, small_width * channels), np.uint8)
    _down(rows.reshape(height, -1), *_filter(height, small_height, 1), result)
    return result.reshape(small_height, small_width, *pixels.shape[2:])


def _filter(size: int, small_size: int, multiple: int) -> tuple[_I4s, _F8s]:
    """Return for every position of the result the first pixel that it is made of, and the weights from there on."""
    scale = size / small_size
    stretch = max(scale, 1.0)
    reach = _REACH * stretch
    middles = (np.arange(small_size) + 0.5) * scale
    first = np.maximum((middles - reach + 0.5).astype(np.int32), 0)
    end = np.minimum((middles + reach + 0.5).astype(np.int32), size)
    taps = 2 * int(np.ceil(reach)) + 1
    place = np.arange(taps)
    weights = _cubic((place + first[:, None] - middles[:, None] + 0.5) * (1.0 / stretch))
    weights[place >= (end - first)[:, None]] = 0
    # One after the other, as Pillow does it: the order decides the last bit.
    weights *= 1.0 / np.cumsum(weights, axis=1)[:, -1:]
    padded = np.zeros((small_size, -(-taps // multiple) * multiple))
    scaled = weights * (1 << _WEIGHT_BITS)
    padded[:, :taps] = np.trunc(scaled + np.copysign(0.5, scaled))
    return first, padded


def _cubic(x: _F8s) -> _F8s:
    x = np.abs(x)
    near = ((_A + 2) * x - (_A + 3)) * x * x + 1
    return np.where(x < 1, near, np.where(x < _REACH, (((x - 5) * x + 8) * x - 4) * _A, 0.0))


@_part
def _rounded(total: float) -> int:
    """Return a sum of levels times weights as a level."""
    level = (int(total) + (1 << (_WEIGHT_BITS - 1))) >> _WEIGHT_BITS
    return min(max(level, 0), 255)


@_kernel(3)
def _across(pixels: _Bytes, places: _I4s, weights: _F8s, result: _Bytes) -> None:
    """Fill `result` (h, w', c) with the rows of `pixels` (h, w, c) at another length."""
    taps = weights.shape[1]
    # Some weights that are 0 may lie beyond the end of a row.
    plane = np.zeros(pixels.shape[1] + taps, np.uint8)
    for y in range(pixels.shape[0]):
        for channel in range(pixels.shape[2]):
            row = pixels[y]
            for x in range(pixels.shape[1]):
                plane[x] = row[x, channel]
            for x in range(places.size):
                part, by = plane[places[x] : places[x] + taps], weights[x]
                total = 0.0
                for k in range(taps):
                    total += by[k] * part[k]
                result[y, x, channel] = _rounded(total)


@_kernel(2)
def _down(rows: _Bytes, places: _I4s, weights: _F8s, result: _Bytes) -> None:
    """Fill `result` (h', n) with the columns of `rows` (h, n) at another length."""
    total = np.empty(rows.shape[1], np.float64)
    for y in range(places.size):
        total[:] = 0
        for k in range(min(weights.shape[1], rows.shape[0] - places[y])):
            row, by = rows[places[y] + k], weights[y, k]
            for x in range(total.size):
                total[x] += by * row[x]
        for x in range(total.size):
            result[y, x] = _rounded(total[x])
