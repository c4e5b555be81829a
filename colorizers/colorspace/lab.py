"""sRGB and CIELAB: constants, transfer functions, luminance Y and lightness L of pixels.

sRGB is IEC 61966-2-1, CIELAB is CIE 15 with D65 and the 2 degree observer. The constants are those of scikit-image, so
that networks trained and published with it see the same L. The formulas are repeated, with these constants, where
NumPy's cannot be called: in `networks.torch_lab` for tensors, in `kernels.linear_light` and `kernels.clipped_pass` for
compiled kernels, which approximate roots and powers.
"""

from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8 | np.uint16]
Float = TypeVar("Float", np.float32, np.float64)

RGB_TO_XYZ: NDArray[np.float64] = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
Y_WEIGHTS: NDArray[np.float64] = RGB_TO_XYZ[1]
# XYZ are relative to the white of r = g = b = 1 by this matrix, so that ab = 0 is exactly neutral.
XYZ_TO_RGB: NDArray[np.float64] = np.linalg.inv(RGB_TO_XYZ) * RGB_TO_XYZ.sum(axis=1)

# sRGB is a straight line up to this linear light.
SRGB_LINEAR_BELOW, SRGB_LINEAR_SLOPE = 0.0031308, 12.92
# CIELAB's f(t) is the cube root above, a straight line below.
LAB_LINEAR_BELOW = 0.008856
LAB_LINEAR_SLOPE = 7.787
LAB_LINEAR_OFFSET = 16.0 / 116.0
# Above this, the inverse of f is a cube.
LAB_CUBE_ABOVE = 6.0 / 29.0


def srgb_decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light 0..1 for sRGB-encoded values 0..1."""
    low = encoded / SRGB_LINEAR_SLOPE
    high = ((np.maximum(encoded, 0.0) + 0.055) / 1.055) ** 2.4
    return np.where(encoded > 0.04045, high, low)


def srgb_encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB-encoded values 0..1 for linear light 0..1."""
    low = linear * SRGB_LINEAR_SLOPE
    high = 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055
    return np.where(linear > SRGB_LINEAR_BELOW, high, low)


def lab_f(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIELAB's f(t): L = 116 f(Y) - 16."""
    return np.where(t > LAB_LINEAR_BELOW, np.cbrt(t), LAB_LINEAR_SLOPE * t + LAB_LINEAR_OFFSET)


def lab_f_inverse(f: NDArray[Float]) -> NDArray[Float]:
    """Return t for CIELAB's f(t)."""
    return np.where(f > LAB_CUBE_ABOVE, f * f * f, (f - LAB_LINEAR_OFFSET) / LAB_LINEAR_SLOPE)


@cache
def linear_table(levels: int) -> NDArray[np.float64]:
    """Return the linear light 0..1 of every sRGB level; `levels` is 256 or 65536."""
    return srgb_decode(np.arange(levels) / (levels - 1))


def levels_of(pixels: Pixels) -> int:
    """Return the number of levels of a sample: 256 or 65536."""
    return int(np.iinfo(pixels.dtype).max) + 1


def eight_bits(samples: Pixels) -> NDArray[np.uint8]:
    """Convert samples of any shape to uint8; 16 bits are rounded."""
    return _rounded_to_8()[samples] if samples.dtype == np.uint16 else samples.astype(np.uint8, copy=False)


@cache
def _rounded_to_8() -> NDArray[np.uint8]:
    return ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)


def gray_share(L: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gray level, as a share 0..1 of white, of CIELAB L, 0..100, of any shape."""
    return srgb_encode(lab_f_inverse((L.astype(np.float64) + 16) / 116)).astype(np.float32)


def luminance(pixels: Pixels) -> NDArray[np.float64]:
    """Return CIE Y (h, w), 0..1, of gray (h, w) or RGB (h, w, 3) sRGB pixels."""
    linear = linear_table(levels_of(pixels))[pixels]
    return linear if pixels.ndim == 2 else linear @ Y_WEIGHTS


def lightness(pixels: Pixels) -> NDArray[np.float32]:
    """Return CIELAB L (h, w), 0..100, of gray (h, w) or RGB (h, w, 3) sRGB pixels."""
    return (116.0 * lab_f(luminance(pixels)) - 16.0).astype(np.float32)
