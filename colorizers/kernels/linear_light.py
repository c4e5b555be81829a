"""Kernel parts that convert CIELAB to linear light, and linear light to sRGB levels.

A row passes through short loops without branches, which the compiler turns into vector instructions.
"""

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace import lab
from colorizers.colorspace.lab import Pixels
from colorizers.kernels.jit import F4s, part, vector_part

Light = tuple[np.float32, np.float32, np.float32]

_f4 = np.float32
ZERO, HALF, ONE, TINY = _f4(0), _f4(0.5), _f4(1), _f4(1e-9)
XYZ_TO_RGB = lab.XYZ_TO_RGB.astype(np.float32)
_RX, _RY, _RZ = XYZ_TO_RGB[0]
_GX, _GY, _GZ = XYZ_TO_RGB[1]
_BX, _BY, _BZ = XYZ_TO_RGB[2]
CUBE_ABOVE = _f4(lab.LAB_CUBE_ABOVE)
LINE_OFFSET, LINE_SLOPE = _f4(lab.LAB_LINEAR_OFFSET), _f4(1 / lab.LAB_LINEAR_SLOPE)
# The sRGB curve above its straight part, fitted to 1, x, x**2 and x to the 1/2, 1/4, 1/8 and 3/2: three square roots
# instead of a power. At most 2.4e-6 off, a seventh of a 16-bit level.
_LINEAR_BELOW, _LINEAR_RISE = _f4(lab.SRGB_LINEAR_BELOW), _f4(lab.SRGB_LINEAR_SLOPE)
_CURVE = (-0.0266091116, -0.077763333, -0.0069774704, 0.756616996, 0.530903682, -0.206881508, 0.0307085524)
_C_1, _C_X, _C_XX, _C_2ND, _C_4TH, _C_8TH, _C_X2ND = (_f4(value) for value in _CURVE)
# For 8 bits the curve is looked up by the exponent and the first bits of the light, at most a twentieth of a level off;
# darker values are all black.
DARKEST, KEY_BITS = _f4(2.0**-13), 10
_KEY_SHIFT = 23 - KEY_BITS
_FIRST_KEY = int(DARKEST.view(np.int32)) >> _KEY_SHIFT


@vector_part
def lab_f_inverse(f: np.float32) -> np.float32:
    """Return t for CIELAB's f(t)."""
    return f * f * f if f > CUBE_ABOVE else (f - LINE_OFFSET) * LINE_SLOPE


@vector_part
def linear_rgb(f: np.float32, shift_x: np.float32, shift_z: np.float32) -> Light:
    """Return linear r, g, b of f(Y) = f, f(X) = f + shift_x, f(Z) = f + shift_z; outside 0..1 where out of gamut."""
    x, y, z = lab_f_inverse(f + shift_x), lab_f_inverse(f), lab_f_inverse(max(f + shift_z, ZERO))
    return _RX * x + _RY * y + _RZ * z, _GX * x + _GY * y + _GZ * z, _BX * x + _BY * y + _BZ * z


@vector_part
def srgb_encode(light: np.float32) -> np.float32:
    """Return the sRGB-encoded value, 0..1, of linear light, clamped to 0..1."""
    x = min(max(light, ZERO), ONE)
    second = np.sqrt(x)
    fourth = np.sqrt(second)
    eighth = np.sqrt(fourth)
    curve = _C_1 + _C_2ND * second + _C_4TH * fourth + _C_8TH * eighth + x * (_C_X + _C_X2ND * second + _C_XX * x)
    return x * _LINEAR_RISE if x < _LINEAR_BELOW else curve


@vector_part
def to_levels(light: F4s, white: np.float32) -> None:
    """Replace linear `light` (3, w) by sRGB levels 0..`white` plus one half, so that truncating rounds them."""
    for channel in range(3):
        for x in range(light.shape[1]):
            light[channel, x] = srgb_encode(light[channel, x]) * white + HALF


@part
def store_levels(light: F4s, result: Pixels) -> None:
    """Write the integer parts of `light` (3, w) to `result` (w, 3)."""
    for x in range(light.shape[1]):
        for channel in range(3):
            result[x, channel] = light[channel, x]


@vector_part
def find_keys(light: F4s, keys: NDArray[np.uint16]) -> None:
    """Fill `keys` (n, w) with the places of linear `light` (n, w) in the table of 8-bit levels; clamps `light`."""
    bits = light.view(np.int32)
    for channel in range(light.shape[0]):
        for x in range(light.shape[1]):
            light[channel, x] = min(max(light[channel, x], DARKEST), ONE)
        for x in range(light.shape[1]):
            keys[channel, x] = (bits[channel, x] >> _KEY_SHIFT) - _FIRST_KEY
