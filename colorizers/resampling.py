"""Pixels in, their 8-bit picture at another size out: bit for bit what Pillow makes of it, in a sixth of the time.

Pillow's bicubic filter (Resample.c of Pillow 13) is what the published networks saw their photos through, so another
filter, or the same one a bit off, would change colours. Its weights are whole numbers, rows are done before columns
(the other way round where many more rows go than columns), and what lies between them is 8 bits. Sums of such numbers
fit into 32 bits.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.compiling import I4s, array, kernel, part
from colorizers.lab import Pixels, eight_bits

# Pillow's: weights are multiples of 1 / 2**22, and the cubic has the parameter -1/2 and reaches two pixels far.
_WEIGHT_BITS = 22
_A, _REACH = -0.5, 2.0
_BAND_ROWS = 256
# Weights of a row are padded with zeros to a multiple of this, or the last few would be summed one by one.
_LANES = 16

_F8s = NDArray[np.float64]
_Bytes = NDArray[np.uint8]
_FILTER = (array(types.int32, 1), array(types.int32, 2))


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


def _filter(size: int, small_size: int, multiple: int) -> tuple[I4s, I4s]:
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
    padded = np.zeros((small_size, -(-taps // multiple) * multiple), np.int32)
    scaled = weights * (1 << _WEIGHT_BITS)
    padded[:, :taps] = np.trunc(scaled + np.copysign(0.5, scaled))
    return first, padded


def _cubic(x: _F8s) -> _F8s:
    x = np.abs(x)
    near = ((_A + 2) * x - (_A + 3)) * x * x + 1
    return np.where(x < 1, near, np.where(x < _REACH, (((x - 5) * x + 8) * x - 4) * _A, 0.0))


@part
def _rounded(total: np.int32) -> int:
    """Return a sum of levels times weights as a level."""
    level = (int(total) + (1 << (_WEIGHT_BITS - 1))) >> _WEIGHT_BITS
    return min(max(level, 0), 255)


@part
def _take_lines(pixels: _Bytes, y: int, first: _Bytes, second: _Bytes, third: _Bytes) -> None:
    """Fill three lines with the channels of row y of `pixels` (h, w, 3), or with the three rows from y on (h, w, 1)."""
    width, last = pixels.shape[1], pixels.shape[0] - 1
    if pixels.shape[2] == 3:
        row = pixels[y].reshape(-1)
        for x in range(width):
            first[x] = row[3 * x]
            second[x] = row[3 * x + 1]
            third[x] = row[3 * x + 2]
    else:
        first[:width] = pixels[y].reshape(-1)
        second[:width] = pixels[min(y + 1, last)].reshape(-1)
        third[:width] = pixels[min(y + 2, last)].reshape(-1)


@kernel(types.void(array(types.uint8, 3), *_FILTER, array(types.uint8, 3, readonly=False)))
def _across(pixels: _Bytes, places: I4s, weights: I4s, result: _Bytes) -> None:
    """Fill `result` (h, w', c) with the rows of `pixels` (h, w, c) at another length; c is 1 or 3.

    Three lines are summed at a time, so that they share the weights and none waits for another's sum.
    """
    taps, width = weights.shape[1], pixels.shape[1]
    # Some weights that are 0 may lie beyond the end of a row.
    first, second, third = (
        np.zeros(width + taps, np.uint8),
        np.zeros(width + taps, np.uint8),
        np.zeros(width + taps, np.uint8),
    )
    last, in_colour = pixels.shape[0] - 1, pixels.shape[2] == 3
    for y in range(0, pixels.shape[0], 1 if in_colour else 3):
        _take_lines(pixels, y, first, second, third)
        for x in range(places.size):
            start, by = places[x], weights[x]
            a, b, c = first[start : start + taps], second[start : start + taps], third[start : start + taps]
            sum_a, sum_b, sum_c = np.int32(0), np.int32(0), np.int32(0)
            for k in range(taps):
                sum_a = np.int32(sum_a + by[k] * a[k])
                sum_b = np.int32(sum_b + by[k] * b[k])
                sum_c = np.int32(sum_c + by[k] * c[k])
            if in_colour:
                result[y, x, 0], result[y, x, 1], result[y, x, 2] = _rounded(sum_a), _rounded(sum_b), _rounded(sum_c)
            else:
                result[min(y + 2, last), x, 0] = _rounded(sum_c)
                result[min(y + 1, last), x, 0] = _rounded(sum_b)
                result[y, x, 0] = _rounded(sum_a)


@kernel(types.void(array(types.uint8, 2), *_FILTER, array(types.uint8, 2, readonly=False)))
def _down(rows: _Bytes, places: I4s, weights: I4s, result: _Bytes) -> None:
    """Fill `result` (h', n) with the columns of `rows` (h, n) at another length."""
    total = np.empty(rows.shape[1], np.int32)
    for y in range(places.size):
        total[:] = 0
        for k in range(min(weights.shape[1], rows.shape[0] - places[y])):
            row, by = rows[places[y] + k], weights[y, k]
            for x in range(total.size):
                total[x] += by * row[x]
        for x in range(total.size):
            result[y, x] = _rounded(total[x])
