"""sRGB pixels in, luminance Y and lightness L out; and the constants of sRGB and CIELAB that all of us share.

sRGB is IEC 61966-2-1, CIELAB is CIE 15 with D65 and the 2 degree observer. The numbers are those of scikit-image, so
that networks trained and published with it see the same L.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8 | np.uint16]

RGB_TO_XYZ: NDArray[np.float64] = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
Y_WEIGHTS: NDArray[np.float64] = RGB_TO_XYZ[1]
WHITE_XYZ = (0.95047, 1.0, 1.08883)

# CIELAB's f(t) is the cube root above, a straight line below.
LAB_LINEAR_BELOW = 0.008856
LAB_LINEAR_SLOPE = 7.787
LAB_LINEAR_OFFSET = 16.0 / 116.0


def srgb_decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light 0..1 for sRGB-encoded values 0..1."""
    low = encoded / 12.92
    high = ((np.maximum(encoded, 0.0) + 0.055) / 1.055) ** 2.4
    return np.where(encoded > 0.04045, high, low)


def srgb_encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB-encoded values 0..1 for linear light 0..1."""
    low = linear * 12.92
    high = 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055
    return np.where(linear > 0.0031308, high, low)


def lab_f(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return CIELAB's f(t): L = 116 f(Y) - 16."""
    return np.where(t > LAB_LINEAR_BELOW, np.cbrt(t), LAB_LINEAR_SLOPE * t + LAB_LINEAR_OFFSET)


@cache
def linear_table(levels: int) -> NDArray[np.float64]:
    """Return the linear light 0..1 of every sRGB level; `levels` is 256 or 65536."""
    return srgb_decode(np.arange(levels) / (levels - 1))


def levels_of(pixels: Pixels) -> int:
    """Return how many levels a sample has: 256 or 65536."""
    return int(np.iinfo(pixels.dtype).max) + 1


def eight_bits(samples: Pixels) -> NDArray[np.uint8]:
    """Return samples of any shape as uint8; 16 bits are rounded to 8."""
    return _rounded_to_8()[samples] if samples.dtype == np.uint16 else samples.astype(np.uint8, copy=False)


def gray_share(L: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gray level, as a share of white, of CIELAB L, 0..100, of any shape."""
    f = (L.astype(np.float64) + 16) / 116
    linear = (f - LAB_LINEAR_OFFSET) / LAB_LINEAR_SLOPE
    return srgb_encode(np.where(linear > LAB_LINEAR_BELOW, f**3, linear)).astype(np.float32)


@cache
def _rounded_to_8() -> NDArray[np.uint8]:
    return ((np.arange(65536) * 255 + 32767) // 65535).astype(np.uint8)


def luminance(pixels: Pixels) -> NDArray[np.float64]:
    """Return CIE Y (h, w), 0..1, of gray (h, w) or RGB (h, w, 3) sRGB pixels."""
    linear = linear_table(levels_of(pixels))[pixels]
    return linear if pixels.ndim == 2 else linear @ Y_WEIGHTS


def lightness(pixels: Pixels) -> NDArray[np.float32]:
    """Return CIELAB L (h, w), 0..100, of gray (h, w) or RGB (h, w, 3) sRGB pixels."""
    return (116.0 * lab_f(luminance(pixels)) - 16.0).astype(np.float32)
