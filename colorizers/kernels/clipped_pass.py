"""Compiled color pass that clips colors outside sRGB, as the published demo does."""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.colorspace.lab import LAB_LINEAR_BELOW, LAB_LINEAR_SLOPE, Pixels
from colorizers.kernels.jit import F4s, F8s, array, kernel, part, vector_part
from colorizers.kernels.linear_light import (
    LINE_OFFSET,
    ONE,
    TINY,
    find_keys,
    linear_rgb,
    srgb_encode,
    store_levels,
    to_levels,
)
from colorizers.kernels.row_interpolation import ROWS, Rows, blend

_f4 = np.float32
_F8 = types.float64
_LINE_BELOW, _LINE_RISE = _f4(LAB_LINEAR_BELOW), _f4(LAB_LINEAR_SLOPE)
# This less a third of a positive float's bits is nearly the bits of its inverse cube root.
_CUBE_ROOT_BITS = _f4(0x54A2FA8C)
_THIRD, _TWO_NINTHS, _FOURTEEN_81STS = _f4(1 / 3), _f4(2 / 9), _f4(14 / 81)


@vector_part
def _fill_lab_f(y: F4s, f: F4s) -> None:
    """Fill `f` with CIELAB's f of luminances `y`.

    The bits of y give a first guess of its inverse cube root, at most a thirtieth off. Two steps by the series of
    (1 - rest) to the -1/3, with four and two terms, bring it to single precision without a division.
    """
    guess, bits = f.view(np.int32), y.view(np.int32)
    for x in range(y.size):
        guess[x] = np.int32(_CUBE_ROOT_BITS - _THIRD * _f4(bits[x]))
    for x in range(y.size):
        light, root = max(y[x], TINY), f[x]
        rest = ONE - light * root * root * root
        root += root * rest * (_THIRD + rest * (_TWO_NINTHS + rest * _FOURTEEN_81STS))
        root += root * _THIRD * (ONE - light * root * root * root)
        f[x] = light * root * root if y[x] > _LINE_BELOW else y[x] * _LINE_RISE + LINE_OFFSET


@vector_part
def _encode_row(luminance: F4s, gray: F4s) -> None:
    """Fill `gray` with the sRGB-encoded `luminance`."""
    for x in range(luminance.size):
        gray[x] = srgb_encode(luminance[x])


@part
def _store_looked_up(keys: NDArray[np.uint16], levels: NDArray[np.uint8], result: Pixels) -> None:
    """Fill `result` (w, 3) with the entries of `levels` at `keys` (3, w)."""
    for x in range(keys.shape[1]):
        for channel in range(3):
            result[x, channel] = levels[keys[channel, x]]


@vector_part
def _to_linear(f: F4s, shift: F4s, light: F4s) -> None:
    """Fill `light` (3, w) with linear r, g, b of f and `shift` (2, w)."""
    for x in range(f.size):
        light[0, x], light[1, x], light[2, x] = linear_rgb(f[x], shift[0, x], shift[1, x])


def _signature(depth: Any) -> Any:
    return types.void(array(depth, 3), ROWS, array(_F8, 2), array(types.uint8, 1), array(depth, 3, readonly=False))


@kernel(_signature(types.uint8), _signature(types.uint16))
def color_band(pixels: Pixels, rows: Rows, weighted: F8s, levels: NDArray[np.uint8], result: Pixels) -> None:
    """Fill `result` (h, w, 3) with the colors of `rows` at the luminance of gray (h, w, 1) or RGB (h, w, 3).

    `weighted` (3, levels) holds the share of each level in Y, `levels` the 8-bit levels by the key of `find_keys`.
    """
    width = pixels.shape[1]
    luminance, f, shift = np.empty(width, np.float32), np.empty(width, np.float32), np.empty((2, width), np.float32)
    gray, light, keys = np.empty(width, np.float32), np.empty((3, width), np.float32), np.empty((3, width), np.uint16)
    red, green, blue = (0, 1, 2) if pixels.shape[2] == 3 else (0, 0, 0)
    for y in range(pixels.shape[0]):
        for x in range(width):
            r, g, b = pixels[y, x, red], pixels[y, x, green], pixels[y, x, blue]
            luminance[x] = weighted[0, r] + weighted[1, g] + weighted[2, b]
        _fill_lab_f(luminance, f)
        if rows.wide.shape[1] == 4:
            _encode_row(luminance, gray)
        blend(gray, rows.wide[rows.at[y]], rows.wide[rows.at[y] + 1], rows.down[y], shift)
        _to_linear(f, shift, light)
        if weighted.shape[1] == 256:
            find_keys(light, keys)
            _store_looked_up(keys, levels, result[y])
        else:
            to_levels(light, _f4(weighted.shape[1] - 1))
            store_levels(light, result[y])
