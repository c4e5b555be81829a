"""Colours outside sRGB in, the most colourful ones inside of the same lightness and hue out: parts of the kernels."""

import numpy as np
from numba import types

from colorizers.compiling import F4s, array, kernel, part, vector_part
from colorizers.light import CUBE_ABOVE, HALF, LINE_SLOPE, ONE, TINY, XYZ_TO_RGB, ZERO, cube, linear_rgb

HUES = 512
"""How many hues the gamut table tells apart."""

_f4 = np.float32
_F4 = types.float32
_RX, _RY, _RZ = XYZ_TO_RGB[0]
_GX, _GY, _GZ = XYZ_TO_RGB[1]
_BX, _BY, _BZ = XYZ_TO_RGB[2]
# Single precision leaves this share of the brightest and of the pixel's own luminance uncertain.
_UNCERTAIN = _f4(1e-6)
_A_PER_X, _B_PER_Z = _f4(500), _f4(-200)
_HUES = _f4(HUES)
_FARTHEST = _f4(0.2)
_NEXT = np.uint32(1)
# No colour of sRGB has |a| + |b| above 190.
_LARGEST_SIZE, _SIZE_STEP, _BISECTIONS = _f4(200), _f4(4), 12


@vector_part
def is_beyond(luminance: np.float32, r: np.float32, g: np.float32, b: np.float32) -> bool:
    """Return whether linear r, g, b are outside the gamut."""
    return bool((min(r, g, b) < -_UNCERTAIN * luminance) | (max(r, g, b) > ONE + _UNCERTAIN))


@part
def _limit(f: np.float32, a: np.float32, b: np.float32) -> np.float32:
    """Return the largest size up to which (a, b), of size |a| + |b| = 1, may grow in the gamut.

    Rays of bright yellow leave the gamut by a hair and enter it again; the outermost exit counts, or colours would
    change in steps.
    """
    outside = _LARGEST_SIZE
    inside = outside - _SIZE_STEP
    while inside > ZERO and is_beyond(cube(f), *linear_rgb(f, a * inside / _A_PER_X, b * inside / _B_PER_Z)):
        outside = inside
        inside = max(outside - _SIZE_STEP, ZERO)
    for _ in range(_BISECTIONS):
        middle = (inside + outside) * HALF
        if is_beyond(cube(f), *linear_rgb(f, a * middle / _A_PER_X, b * middle / _B_PER_Z)):
            outside = middle
        else:
            inside = middle
    return inside


@kernel(types.void(array(_F4, 1), array(_F4, 2, readonly=False)))
def fill_gamut(lab_f: F4s, gamut: F4s) -> None:
    """Fill the gamut table (256, HUES + 1): the largest |a| + |b| inside sRGB, by gray level and hue."""
    for level in range(gamut.shape[0]):
        for hue in range(gamut.shape[1]):
            along = _f4(4) * _f4(hue) / _HUES
            upper_half = hue <= HUES // 2
            a = ONE - along if upper_half else along - _f4(3)
            b = ONE - abs(a) if upper_half else abs(a) - ONE
            gamut[level, hue] = _limit(lab_f[level], a, b)


@vector_part
def _hue(a: np.float32, b: np.float32, per_size: np.float32) -> np.float32:
    """Return the hue of (a, b), 1 / (|a| + |b|) being `per_size`: the position around a diamond, 0.._HUES."""
    along = ONE - a * per_size if b >= ZERO else _f4(3) + a * per_size
    return along * _HUES * _f4(0.25)


@vector_part
def reduce_chroma(count: int, rows_per_level: np.float32, gamut: F4s, found: F4s) -> None:
    """Reduce the chroma of the first `count` columns of `found` (f, by_x, by_z, level) to what the table allows."""
    limits = gamut.reshape(-1)
    width, last_row = np.uint32(gamut.shape[1]), _f4(gamut.shape[0] - 2)
    for k in range(count):
        a, b = found[1, k] * _A_PER_X, found[2, k] * _B_PER_Z
        per_size = ONE / max(abs(a) + abs(b), TINY)
        hue, level = _hue(a, b, per_size), found[3, k] * rows_per_level
        i, j = np.uint32(min(level, last_row)), np.uint32(min(hue, _HUES - ONE))
        down, along, at = level - _f4(i), hue - _f4(j), i * width + j
        upper = limits[at] + along * (limits[at + _NEXT] - limits[at])
        lower = limits[at + width] + along * (limits[at + width + _NEXT] - limits[at + width])
        share = min((upper + down * (lower - upper)) * per_size, ONE)
        found[1, k], found[2, k] = found[1, k] * share, found[2, k] * share


@vector_part
def _slope(f: np.float32) -> np.float32:
    """Return the slope of `cube`."""
    return _f4(3) * f * f if f > CUBE_ABOVE else LINE_SLOPE


@vector_part
def _exit(light: np.float32, rise: np.float32) -> np.float32:
    """Return how much further light goes that rises so quickly until it is below black or above white."""
    way = (ONE - light) / max(rise, TINY) if rise > ZERO else light / max(-rise, TINY)
    return min(max(way, -_FARTHEST), _FARTHEST)


@vector_part
def approach_limits(count: int, found: F4s) -> None:
    """Take the chroma of the first `count` columns of `found` (f, by_x, by_z) a step nearer to the edge of the gamut.

    The gamut table is straight between its hues, the edge is not: Newton's step for whichever of red, green and blue
    leaves first.
    """
    for k in range(count):
        f, by_x, by_z = found[0, k], found[1, k], found[2, k]
        fx, fz = f + by_x, max(f + by_z, ZERO)
        x, y, z = cube(fx), cube(f), cube(fz)
        # By how much x and z rise with the share of ab that is taken.
        dx, dz = _slope(fx) * by_x, _slope(fz) * by_z
        red = _exit(_RX * x + _RY * y + _RZ * z, _RX * dx + _RZ * dz)
        green = _exit(_GX * x + _GY * y + _GZ * z, _GX * dx + _GZ * dz)
        blue = _exit(_BX * x + _BY * y + _BZ * z, _BX * dx + _BZ * dz)
        share = ONE + min(red, green, blue)
        found[1, k], found[2, k] = by_x * share, by_z * share
