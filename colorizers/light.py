"""Parts of the kernels that turn CIELAB into linear light, and linear light into levels.

A row goes through short loops without branches, which the compiler turns into vector instructions.
"""

import numpy as np
from numpy.typing import NDArray

from colorizers.compiling import F4s, part, vector_part
from colorizers.lab import LAB_LINEAR_OFFSET, LAB_LINEAR_SLOPE, RGB_TO_XYZ, Pixels

Light = tuple[np.float32, np.float32, np.float32]

_f4 = np.float32
ZERO, HALF, ONE, TINY = _f4(0), _f4(0.5), _f4(1), _f4(1e-9)
# White is what r = g = b = 1 gives with this matrix, so that ab = 0 is exactly neutral.
XYZ_TO_RGB = (np.linalg.inv(RGB_TO_XYZ) * RGB_TO_XYZ.sum(axis=1)).astype(np.float32)
_RX, _RY, _RZ = XYZ_TO_RGB[0]
_GX, _GY, _GZ = XYZ_TO_RGB[1]
_BX, _BY, _BZ = XYZ_TO_RGB[2]
CUBE_ABOVE = _f4(6 / 29)
"""Below this, CIELAB's f is a straight line."""
LINE_OFFSET, LINE_SLOPE = _f4(LAB_LINEAR_OFFSET), _f4(1 / LAB_LINEAR_SLOPE)
# The sRGB curve above its straight part, fitted to 1, x, x**2 and x to the 1/2, 1/4, 1/8 and 3/2: three square roots
# instead of a power. At most 2.4e-6 off, a seventh of a 16-bit level.
_LINEAR_BELOW, _LINEAR_RISE = _f4(0.0031308), _f4(12.92)
_CURVE = (-0.0266091116, -0.077763333, -0.0069774704, 0.756616996, 0.530903682, -0.206881508, 0.0307085524)
_C_1, _C_X, _C_XX, _C_2ND, _C_4TH, _C_8TH, _C_X2ND = (_f4(value) for value in _CURVE)
# For 8 bits the curve is looked up by exponent and first bits of the light, a twentieth of a level at most from where
# it is; darker than this, all is black.
DARKEST, KEY_BITS = _f4(2.0**-13), 10
_KEY_SHIFT = 23 - KEY_BITS
_FIRST_KEY = int(DARKEST.view(np.int32)) >> _KEY_SHIFT


@vector_part
def cube(f: np.float32) -> np.float32:
    """Return the inverse of CIELAB's f."""
    return f * f * f if f > CUBE_ABOVE else (f - LINE_OFFSET) * LINE_SLOPE


@vector_part
def linear_rgb(f: np.float32, by_x: np.float32, by_z: np.float32) -> Light:
    """Return linear r, g, b for f = f(Y), f(X) = f + by_x and f(Z) = f + by_z; beyond 0..1 where out of gamut."""
    x, y, z = cube(f + by_x), cube(f), cube(max(f + by_z, ZERO))
    return _RX * x + _RY * y + _RZ * z, _GX * x + _GY * y + _GZ * z, _BX * x + _BY * y + _BZ * z


@vector_part
def encoded(light: np.float32) -> np.float32:
    """Return the sRGB-encoded value, 0..1, of linear light; what is beyond 0..1 is clamped."""
    x = min(max(light, ZERO), ONE)
    second = np.sqrt(x)
    fourth = np.sqrt(second)
    eighth = np.sqrt(fourth)
    curve = _C_1 + _C_2ND * second + _C_4TH * fourth + _C_8TH * eighth + x * (_C_X + _C_X2ND * second + _C_XX * x)
    return x * _LINEAR_RISE if x < _LINEAR_BELOW else curve


@vector_part
def encode(light: F4s, white: np.float32) -> None:
    """Turn `light` (3, w), linear, into sRGB levels with `white` as the highest, plus one half."""
    for channel in range(3):
        for x in range(light.shape[1]):
            light[channel, x] = encoded(light[channel, x]) * white + HALF


@part
def store(light: F4s, result: Pixels) -> None:
    """Fill `result` (w, 3) with the whole levels of `light` (3, w)."""
    for x in range(light.shape[1]):
        for channel in range(3):
            result[x, channel] = light[channel, x]


@vector_part
def find_keys(light: F4s, keys: NDArray[np.uint16]) -> None:
    """Fill `keys` (n, w) with where to look up the levels of `light` (n, w), which is cut off at black and white."""
    bits = light.view(np.int32)
    for channel in range(light.shape[0]):
        for x in range(light.shape[1]):
            light[channel, x] = min(max(light[channel, x], DARKEST), ONE)
        for x in range(light.shape[1]):
            keys[channel, x] = (bits[channel, x] >> _KEY_SHIFT) - _FIRST_KEY
