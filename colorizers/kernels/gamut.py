"""Kernel parts that reduce the chroma of out-of-gamut colors to the edge of sRGB, at fixed lightness and hue."""

import numpy as np

from colorizers.kernels.jit import F4s, vector_part
from colorizers.kernels.linear_light import CUBE_ABOVE, LINE_SLOPE, ONE, TINY, XYZ_TO_RGB, ZERO, lab_f_inverse

HUES = 512
"""Number of hues in the gamut table."""

_f4 = np.float32
_RX, _RY, _RZ = XYZ_TO_RGB[0]
_GX, _GY, _GZ = XYZ_TO_RGB[1]
_BX, _BY, _BZ = XYZ_TO_RGB[2]
# Single precision leaves this share of the brightest and of the pixel's own luminance uncertain.
_TOLERANCE = _f4(1e-6)
_A_PER_X, _B_PER_Z = _f4(500), _f4(-200)
_HUES = _f4(HUES)
_LARGEST_STEP = _f4(0.2)
_NEXT = np.uint32(1)


@vector_part
def is_beyond(luminance: np.float32, r: np.float32, g: np.float32, b: np.float32) -> bool:
    """Return whether linear r, g, b are outside the gamut."""
    return bool((min(r, g, b) < -_TOLERANCE * luminance) | (max(r, g, b) > ONE + _TOLERANCE))


@vector_part
def _hue(a: np.float32, b: np.float32, per_size: np.float32) -> np.float32:
    """Return the hue 0.._HUES of (a, b), its position around a diamond; `per_size` is 1 / (|a| + |b|)."""
    along = ONE - a * per_size if b >= ZERO else _f4(3) + a * per_size
    return along * _HUES * _f4(0.25)


@vector_part
def reduce_chroma(count: int, rows_per_level: np.float32, gamut: F4s, found: F4s) -> None:
    """Reduce the chroma of the first `count` columns of `found` (f, shift_x, shift_z, level) to the gamut table's.

    `gamut` (levels, HUES + 1) holds the largest |a| + |b|, interpolated between its entries; a gray level is
    `rows_per_level` of its rows.
    """
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
    """Return the slope of `lab_f_inverse`."""
    return _f4(3) * f * f if f > CUBE_ABOVE else LINE_SLOPE


@vector_part
def _step_to_limit(light: np.float32, rise: np.float32) -> np.float32:
    """Return the step after which linear light, rising by `rise` a unit, passes white or black; 0.2 at most."""
    step = (ONE - light) / max(rise, TINY) if rise > ZERO else light / max(-rise, TINY)
    return min(max(step, -_LARGEST_STEP), _LARGEST_STEP)


@vector_part
def approach_limits(count: int, found: F4s) -> None:
    """Move the chroma of the first `count` columns of `found` (f, shift_x, shift_z) closer to the edge of the gamut.

    The table is linear between its hues, the edge is not: this is Newton's step for whichever of red, green and blue
    leaves the gamut first.
    """
    for k in range(count):
        f, shift_x, shift_z = found[0, k], found[1, k], found[2, k]
        fx, fz = f + shift_x, max(f + shift_z, ZERO)
        x, y, z = lab_f_inverse(fx), lab_f_inverse(f), lab_f_inverse(fz)
        # Derivatives of X and Z by the share of ab that is taken.
        dx, dz = _slope(fx) * shift_x, _slope(fz) * shift_z
        red = _step_to_limit(_RX * x + _RY * y + _RZ * z, _RX * dx + _RZ * dz)
        green = _step_to_limit(_GX * x + _GY * y + _GZ * z, _GX * dx + _GZ * dz)
        blue = _step_to_limit(_BX * x + _BY * y + _BZ * z, _BX * dx + _BZ * dz)
        share = ONE + min(red, green, blue)
        found[1, k], found[2, k] = shift_x * share, shift_z * share
