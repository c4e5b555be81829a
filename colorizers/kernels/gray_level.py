"""Compiled computation of gray levels: the level whose luminance interval contains a pixel's Y."""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.colorspace.lab import Pixels
from colorizers.kernels.jit import F4s, F8s, array, kernel, vector_part
from colorizers.kernels.linear_light import HALF, find_keys, srgb_encode

_f4 = np.float32
_F8 = types.float64


@vector_part
def _guess_levels(luminance: F8s, white: np.float32, guess: F4s) -> None:
    """Fill `guess` with the levels of `luminance` by the fitted sRGB curve, plus one half."""
    for x in range(luminance.size):
        guess[x] = srgb_encode(_f4(luminance[x])) * white + HALF


def _signature(depth: Any) -> Any:
    tables = (array(_F8, 2), array(_F8, 1), array(types.uint8, 1))
    return types.void(array(depth, 3), *tables, array(depth, 2, readonly=False))


@kernel(_signature(types.uint8), _signature(types.uint16))
def fill_gray_levels(rgb: Pixels, weighted: F8s, boundaries: F8s, levels: NDArray[np.uint8], result: Pixels) -> None:
    """Fill `result` (h, w) with the gray levels of RGB (h, w, 3).

    `weighted` (3, levels) holds the share of each level in Y, `boundaries` (levels + 1) the least Y of each gray level.
    For 8 bits a first guess is looked up in `levels`, by the key of `find_keys`.
    """
    width = rgb.shape[1]
    luminance, guess = np.empty(width, np.float64), np.empty((1, width), np.float32)
    keys = np.empty((1, width), np.uint16)
    white = boundaries.size - 2
    for y in range(rgb.shape[0]):
        for x in range(width):
            luminance[x] = weighted[0, rgb[y, x, 0]] + weighted[1, rgb[y, x, 1]] + weighted[2, rgb[y, x, 2]]
        if white == 255:
            for x in range(width):
                guess[0, x] = luminance[x]
            find_keys(guess, keys)
            for x in range(width):
                level = int(levels[keys[0, x]])
                result[y, x] = level + (luminance[x] >= boundaries[level + 1]) - (luminance[x] < boundaries[level])
        else:
            _guess_levels(luminance, _f4(white), guess[0])
            for x in range(width):
                level = int(guess[0, x])
                while luminance[x] < boundaries[level]:
                    level -= 1
                while luminance[x] >= boundaries[level + 1]:
                    level += 1
                result[y, x] = level
