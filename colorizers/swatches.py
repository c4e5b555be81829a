"""A few colours and one gray level in, the sRGB pixels they make at that level out, as the colour pass makes them.

The same rule as in `colorizers.colour` (chroma scaled into the gamut at fixed L and hue, rounded so that the gray level
stays exact), for a handful of colours and without numba: for those who show colours before a photo has them.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from colorizers.lab import RGB_TO_XYZ, Y_WEIGHTS, lab_f, linear_table, srgb_encode

_Floats = NDArray[np.float64]

# White is what r = g = b = 1 gives with this matrix, so that ab = 0 is exactly neutral.
_XYZ_TO_RGB = np.linalg.inv(RGB_TO_XYZ) * RGB_TO_XYZ.sum(axis=1)
_UNCERTAIN = 1e-6
# No colour of sRGB has |a| + |b| above 190. Rays of bright yellow enter the gamut twice; the outermost exit counts.
_LARGEST_SIZE, _SIZE_STEP = 200.0, 4.0
_BISECTIONS = 20
# As the colour pass does, keep away from where a gray rounds to the next.
_MARGIN_LEVELS = 0.03
_FARTHEST = 4


def within_gamut(ab: _Floats, gray: int) -> _Floats:
    """Return ab (n, 2) in raw units with the chroma that sRGB has room for at the gray level `gray`, 0..255."""
    size = np.maximum(np.abs(ab).sum(axis=1, keepdims=True), 1e-9)
    inside = np.zeros_like(size)
    for larger in np.arange(0.0, _LARGEST_SIZE, _SIZE_STEP):
        inside = np.where(_fits(ab / size * larger, gray)[:, None], larger, inside)
    outside = inside + _SIZE_STEP
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        fits = _fits(ab / size * middle, gray)[:, None]
        inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
    return np.asarray(ab * np.minimum(inside / size, 1))


def swatches(ab: _Floats, gray: int) -> NDArray[np.uint8]:
    """Return RGB (n, 3) of the colours ab (n, 2) at the gray level `gray`, 0..255, which every one of them has."""
    linear = np.clip(_linear_rgb(within_gamut(ab, gray), gray), 0, 1)
    return np.array([_exact(levels, gray) for levels in 255 * srgb_encode(linear)], np.uint8).reshape(-1, 3)


def _fits(ab: _Floats, gray: int) -> NDArray[np.bool_]:
    rgb, y = _linear_rgb(ab, gray), linear_table(256)[gray]
    fits: NDArray[np.bool_] = (rgb.min(axis=1) >= -_UNCERTAIN * y) & (rgb.max(axis=1) <= 1 + _UNCERTAIN)
    return fits


def _linear_rgb(ab: _Floats, gray: int) -> _Floats:
    f = lab_f(linear_table(256)[gray, None])
    xyz = np.stack([f + ab[:, 0] / 500, np.broadcast_to(f, len(ab)), np.maximum(f - ab[:, 1] / 200, 0)], axis=1)
    result: _Floats = np.where(xyz > 6 / 29, xyz**3, (xyz - 16 / 116) / 7.787) @ _XYZ_TO_RGB.T
    return result


def _exact(levels: _Floats, gray: int) -> _Floats:
    """Return the whole levels (3,) near `levels` that have the gray level, the gray itself where none are near."""
    for reach in range(1, _FARTHEST + 1):
        choices = np.floor(levels) + 1 - reach + _offsets(reach)
        choices = choices[((choices >= 0) & (choices <= 255)).all(axis=1)]
        value = 255 * srgb_encode(linear_table(256)[choices.astype(int)] @ Y_WEIGHTS)
        choices = choices[np.abs(value - gray) <= 0.5 - _MARGIN_LEVELS]
        if len(choices):
            nearest: _Floats = choices[((choices - levels) ** 2).sum(axis=1).argmin()]
            return nearest
    return np.full(3, float(gray))


@cache
def _offsets(reach: int) -> NDArray[np.int64]:
    steps = np.arange(2 * reach)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
