"""The sRGB gamut in CIELAB: its boundary, and the RGB that a color has at a given gray level.

`within_gamut` and `swatches` repeat in NumPy, for a handful of colors, what `kernels.gamut` and `kernels.exact_pass` do
for pixels: chroma is reduced into the gamut at fixed L and hue, and rounded so that the gray level stays exact.
The web process, which suggests colors, needs them without numba. A test compares both.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.lab import XYZ_TO_RGB, Y_WEIGHTS, Float, lab_f, lab_f_inverse, linear_table, srgb_encode

_Floats = NDArray[np.float64]

# Rounding leaves this share of the brightest, and of a color's own luminance, uncertain.
_TOLERANCE = 1e-6
# The size of a color is |a| + |b|; no color of sRGB has more than 190.
_LARGEST_SIZE, _SIZE_STEP, _BISECTIONS = 200, 4, 12
MARGIN_LEVELS = 0.03
"""Distance, in levels, that results keep from where a gray rounds to the next.

Grays then also come out equal for those who compute them with another edition of the luminance weights (0.2126, 0.7152,
0.0722) or round half to even.
"""
_FARTHEST = 4


def largest_sizes(f: NDArray[Float], a: NDArray[Float], b: NDArray[Float]) -> NDArray[Float]:
    """Return the largest size up to which colors (a, b) of size 1 may grow in the sRGB gamut.

    `f` is f(Y) of CIELAB, which fixes L; the three arrays broadcast. Rays of bright yellow leave the gamut by a hair
    and enter it again. The outermost exit counts, otherwise colors would change in steps.
    """
    inside = np.zeros(np.broadcast_shapes(f.shape, a.shape, b.shape), f.dtype)
    for size in range(0, _LARGEST_SIZE, _SIZE_STEP):
        inside[_in_gamut(f, a * size, b * size)] = size
    outside = inside + _SIZE_STEP
    for _ in range(_BISECTIONS):
        middle = ((inside + outside) / 2).astype(f.dtype, copy=False)
        fits = _in_gamut(f, a * middle, b * middle)
        inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
    return inside


def within_gamut(ab: _Floats, gray: int) -> _Floats:
    """Reduce the chroma of ab (n, 2), raw units, to what sRGB allows at the gray level `gray`, 0..255."""
    size = np.maximum(np.abs(ab).sum(axis=1), 1e-9)
    limit = largest_sizes(_f_of(gray), ab[:, 0] / size, ab[:, 1] / size)
    return np.asarray(ab * np.minimum(limit / size, 1)[:, None])


def swatches(ab: _Floats, gray: int) -> NDArray[np.uint8]:
    """Return RGB (n, 3) of the colors ab (n, 2), all with exactly the gray level `gray`, 0..255."""
    inner = within_gamut(ab, gray)
    linear = np.clip(np.stack(_linear_rgb(_f_of(gray), inner[:, 0], inner[:, 1]), axis=-1), 0, 1)
    return np.array([_exact(levels, gray) for levels in 255 * srgb_encode(linear)], np.uint8).reshape(-1, 3)


def _f_of(gray: int) -> _Floats:
    return lab_f(linear_table(256)[gray, None])


def _in_gamut(f: NDArray[Float], a: NDArray[Float], b: NDArray[Float]) -> NDArray[np.bool_]:
    red, green, blue = _linear_rgb(f, a, b)
    least, most = np.minimum(np.minimum(red, green), blue), np.maximum(np.maximum(red, green), blue)
    return np.asarray((least >= -_TOLERANCE * lab_f_inverse(f)) & (most <= 1 + _TOLERANCE))


def _linear_rgb(f: NDArray[Float], a: NDArray[Float], b: NDArray[Float]) -> list[NDArray[Float]]:
    """Return linear r, g and b of f(Y) and ab, which broadcast; outside 0..1 where out of gamut."""
    x, y, z = lab_f_inverse(f + a / 500), lab_f_inverse(f), lab_f_inverse(np.maximum(f - b / 200, 0))
    return [p * x + q * y + r * z for p, q, r in XYZ_TO_RGB.tolist()]


def _exact(levels: _Floats, gray: int) -> _Floats:
    """Return the integer levels (3,) nearest to `levels` that have the gray level, or the gray itself if none do."""
    for reach in range(1, _FARTHEST + 1):
        choices = np.floor(levels) + 1 - reach + _offsets(reach)
        choices = choices[((choices >= 0) & (choices <= 255)).all(axis=1)]
        value = 255 * srgb_encode(linear_table(256)[choices.astype(int)] @ Y_WEIGHTS)
        choices = choices[np.abs(value - gray) <= 0.5 - MARGIN_LEVELS]
        if len(choices):
            nearest: _Floats = choices[((choices - levels) ** 2).sum(axis=1).argmin()]
            return nearest
    return np.full(3, float(gray))


@cache
def _offsets(reach: int) -> NDArray[np.int64]:
    steps = np.arange(2 * reach)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
