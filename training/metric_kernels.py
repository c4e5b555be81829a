"""Pictures in arrays in, sums over their pixels out: the compiled inside of the metrics.

numba compiles these functions for fixed types and keeps them on disk, so that every process of an evaluation starts
with machine code. `training.metrics` says what the figures mean.
"""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., Any])
_F4s = NDArray[np.float32]
_I4s = NDArray[np.int32]
_I8s = NDArray[np.int64]

_CHROMA_25_7 = 25.0**7
_DEGREE = math.pi / 180
# Sines and cosines of the constant angles in CIEDE2000's T.
_COS_30, _SIN_30 = math.cos(30 * _DEGREE), math.sin(30 * _DEGREE)
_COS_6, _SIN_6 = math.cos(6 * _DEGREE), math.sin(6 * _DEGREE)
_COS_63, _SIN_63 = math.cos(63 * _DEGREE), math.sin(63 * _DEGREE)
# Wang et al. 2004, section III.B: (0.01 * 255)^2 and (0.03 * 255)^2.
_C1, _C2 = 6.5025, 58.5225


def _array(kind: Any, dimensions: int, readonly: bool = True) -> Any:
    return types.Array(kind, dimensions, "C", readonly=readonly)


def _kernel(result: Any, *arguments: Any) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles for these types at import, or takes the machine code from disk."""
    fast = {"contract", "nsz", "arcp", "reassoc", "nnan", "ninf"}
    decorator = njit(result(*arguments), cache=True, nogil=True, fastmath=fast, error_model="numpy")
    return cast(Callable[[_Function], _Function], decorator)


def _part(function: _Function) -> _Function:
    """Mark a function as part of the kernels below; it is compiled into them."""
    return cast(_Function, njit(function))


@_kernel(types.float64, _array(types.float32, 3), _array(types.float32, 3), _array(types.float32, 1))
def ssim_sum(one: _F4s, other: _F4s, window: _F4s) -> float:
    """Return the sum of SSIM over all positions where `window` fits into the planes (channels, h, w) of two pictures.

    Values are 0..255 less 128: what is near 0 loses least in single precision. `window` is the weights of one axis.
    """
    channels, height, width = one.shape
    taps = len(window)
    inner = width - taps + 1
    columns, rows = np.empty((5, width), np.float32), np.empty((5, inner), np.float32)
    c1, c2, two, centre = np.float32(_C1), np.float32(_C2), np.float32(2), np.float32(128)
    total = 0.0
    for channel in range(channels):
        for top in range(height - taps + 1):
            columns[:] = 0
            for tap in range(taps):
                weight = window[tap]
                x_row, y_row = one[channel, top + tap], other[channel, top + tap]
                for i in range(width):
                    x, y = x_row[i], y_row[i]
                    columns[0, i] += weight * x
                    columns[1, i] += weight * y
                    columns[2, i] += weight * (x * x)
                    columns[3, i] += weight * (y * y)
                    columns[4, i] += weight * (x * y)
            rows[:] = 0
            for plane in range(5):
                for tap in range(taps):
                    weight = window[tap]
                    for i in range(inner):
                        rows[plane, i] += weight * columns[plane, i + tap]
            row_sum: Any = np.float32(0)
            for i in range(inner):
                x, y = rows[0, i], rows[1, i]
                spread = (rows[2, i] - x * x) + (rows[3, i] - y * y)
                common = rows[4, i] - x * y
                x, y = x + centre, y + centre
                row_sum += (two * x * y + c1) * (two * common + c2) / ((x * x + y * y + c1) * (spread + c2))
            total += row_sum
    return total


@_part
def _share_7(chroma: float) -> float:
    """Return c^7 / (c^7 + 25^7)."""
    squared = chroma * chroma
    seventh = squared * squared * squared * chroma
    return seventh / (seventh + _CHROMA_25_7)


@_kernel(types.float64, _array(types.float32, 2), _array(types.float32, 2))
def ciede2000_sum(one: _F4s, other: _F4s) -> float:
    """Return the sum of CIEDE2000 (Sharma, Wu, Dalal 2005) over the pixels of two pictures, Lab (pixels, 3).

    The mean hue enters as a direction, the bisector of both, so that its multiples need no trigonometry; its angle is
    only worked out among the blues, where the rotation term is not nothing.
    """
    total = 0.0
    for i in range(len(one)):
        L1, a1, b1 = float(one[i, 0]), float(one[i, 1]), float(one[i, 2])
        L2, a2, b2 = float(other[i, 0]), float(other[i, 1]), float(other[i, 2])
        mean = (math.sqrt(a1 * a1 + b1 * b1) + math.sqrt(a2 * a2 + b2 * b2)) / 2
        scale = 1.5 - 0.5 * math.sqrt(_share_7(mean))
        a1, a2 = a1 * scale, a2 * scale
        C1, C2 = math.sqrt(a1 * a1 + b1 * b1), math.sqrt(a2 * a2 + b2 * b2)
        mean = (C1 + C2) / 2
        offset = (L1 + L2) / 2 - 50
        L_term = (L2 - L1) / (1 + 0.015 * offset * offset / math.sqrt(20 + offset * offset))
        C_term = (C2 - C1) / (1 + 0.045 * mean)
        error = L_term * L_term + C_term * C_term
        product = C1 * C2
        if product > 0:
            x1, y1, x2, y2 = a1 / C1, b1 / C1, a2 / C2, b2 / C2
            apart = math.sqrt((x1 - x2) * (x1 - x2) + (y1 - y2) * (y1 - y2))
            H = math.copysign(math.sqrt(product) * apart, x1 * y2 - y1 * x2)
            x, y = x1 + x2, y1 + y2
            length = math.sqrt(x * x + y * y)
            x, y = (x / length, y / length) if length > 1e-9 else (-y1, x1)
            x2, y2 = x * x - y * y, 2 * x * y
            x3, y3 = x2 * x - y2 * y, x2 * y + y2 * x
            x4, y4 = x2 * x2 - y2 * y2, 2 * x2 * y2
            T = (
                1
                - 0.17 * (x * _COS_30 + y * _SIN_30)
                + 0.24 * x2
                + 0.32 * (x3 * _COS_6 - y3 * _SIN_6)
                - 0.20 * (x4 * _COS_63 + y4 * _SIN_63)
            )
            H_term = H / (1 + 0.015 * mean * T)
            error += H_term * H_term
            if y < 0:
                degrees = (math.atan2(y, x) / _DEGREE + 360 - 275) / 25
                turn = 2 * 30 * _DEGREE * math.exp(-degrees * degrees)
                error -= math.sin(turn) * 2 * math.sqrt(_share_7(mean)) * C_term * H_term
        total += math.sqrt(max(error, 0.0))
    return total


@_kernel(
    types.void,
    *(_array(types.float32, 2),) * 2,
    *(_array(types.int32, 1), types.int64),
    *(_array(types.int64, 1, readonly=False),) * 2,
)
def count_errors(one: _F4s, other: _F4s, classes: _I4s, thresholds: int, pixels: _I8s, hits: _I8s) -> None:
    """Add every pixel of two pictures, Lab (pixels, 3), to its class: one to `pixels`, and to `hits` how many of the
    `thresholds` 0, 1 ... its ab error does not exceed.
    """
    for i in range(len(classes)):
        a, b = one[i, 1] - other[i, 1], one[i, 2] - other[i, 2]
        # The Lab of a gray is not quite neutral: an error so small counts as none.
        missed = math.ceil(math.sqrt(a * a + b * b) - 1e-4)
        pixels[classes[i]] += 1
        hits[classes[i]] += max(0, thresholds - int(missed))
