"""Transparent layer of the colours alone: it turns an original into its coloured version.

Laid over the original by Pillow's `Image.alpha_composite`, or as a normal layer in any image editor, it gives the
result within one level.
"""

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.lab import Pixels, eight_bits

_BAND_ROWS = 64


def colour_layer(original: Pixels, result: Pixels) -> NDArray[np.uint8]:
    """Return RGBA (h, w, 4), uint8, that laid over `original`, (h, w) or (h, w, 3), gives `result` (h, w, 3).

    Both may be uint8 or uint16; the layer is for their 8-bit versions. Every pixel has the smallest alpha with which
    each channel comes out within one level.
    """
    below, wanted = eight_bits(original), eight_bits(result)
    layer = np.empty((*wanted.shape[:2], 4), np.uint8)
    for top in range(0, len(wanted), _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        base = below[rows] if below.ndim == 3 else np.repeat(below[rows, :, None], 3, axis=2)
        layer[rows] = _band(base.astype(np.int32), wanted[rows].astype(np.int32))
    return layer


def _band(base: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.uint8]:
    difference = wanted - base
    room = np.where(difference > 0, 255 - base, np.maximum(base, 1))
    # One level of difference needs nothing; rounding may forgive half a level more than that.
    least = np.floor(255 * np.maximum(np.abs(difference) - 1.5, 0) / np.maximum(room, 1)).max(axis=2).astype(np.int32)
    alpha = np.where(np.abs(difference).max(axis=2) <= 1, 0, np.maximum(least, 1))
    while True:
        colour = _colour(base, difference, alpha)
        over = np.abs(_composited(base, colour, alpha) - wanted).max(axis=2) > 1
        if not over.any():
            return np.dstack([colour, alpha]).astype(np.uint8)
        alpha = np.where(over, alpha + 1, alpha)


def _colour(base: NDArray[np.int32], difference: NDArray[np.int32], alpha: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the colour that with `alpha` comes closest to the wanted one."""
    exact = base + difference * 255 / np.maximum(alpha, 1)[..., None]
    return np.where(alpha[..., None] > 0, np.clip(np.rint(exact), 0, 255), 0).astype(np.int32)


def _composited(base: NDArray[np.int32], colour: NDArray[np.int32], alpha: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return what Pillow makes of an opaque picture below the layer: a rounded division by 255."""
    a = alpha[..., None]
    mixed = colour * a + base * (255 - a) + 128
    rounded: NDArray[np.int32] = (mixed + (mixed >> 8)) >> 8
    return rounded
