"""Rows of gray levels and a small ab picture in, rows of RGB out: the compiled inside of the colour pass.

numba compiles these functions for fixed types and keeps them on disk. It renews that cache by the file a function
stands in, so everything compiled is in this one file. What the tables hold is said in `colorizers.colour`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from colorizers.lab import LAB_LINEAR_OFFSET, LAB_LINEAR_SLOPE, RGB_TO_XYZ, Pixels

HUES = 256
"""How many hues the gamut table tells apart."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
_F4s = NDArray[np.float32]
_F8s = NDArray[np.float64]
_Light = tuple[np.float32, np.float32, np.float32]

_f4 = np.float32
_ZERO, _HALF, _ONE = _f4(0), _f4(0.5), _f4(1)
# White is what r = g = b = 1 gives with this matrix, so that ab = 0 is exactly neutral.
_XYZ_TO_RGB = (np.linalg.inv(RGB_TO_XYZ) * RGB_TO_XYZ.sum(axis=1)).astype(np.float32)
_RX, _RY, _RZ = _XYZ_TO_RGB[0]
_GX, _GY, _GZ = _XYZ_TO_RGB[1]
_BX, _BY, _BZ = _XYZ_TO_RGB[2]
_A_TO_FX, _B_TO_FZ = _f4(1 / 500), _f4(1 / 200)
_CUBE_ABOVE = _f4(6 / 29)
_LINE_OFFSET, _LINE_SLOPE = _f4(LAB_LINEAR_OFFSET), _f4(1 / LAB_LINEAR_SLOPE)
# Single precision leaves this share of the brightest and of the pixel's own luminance uncertain.
_UNCERTAIN = _f4(1e-6)
_HUES = _f4(HUES)
_FARTHEST_AB = _f4(400)
_BISECTIONS = 24


def _array(kind: Any, dimensions: int, readonly: bool = True) -> Any:
    return types.Array(kind, dimensions, "C", readonly=readonly)


def _kernel(*arguments: Any) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles for these arguments at import, or takes the machine code from disk."""
    decorator: Callable[[_Function], _Function] = njit(types.void(*arguments), cache=True, nogil=True)
    return decorator


def _part(function: _Function) -> _Function:
    """Mark a function as part of the kernels below; it is compiled into them."""
    part: _Function = njit(function)
    return part


_U8, _U16, _F4, _F8 = types.uint8, types.uint16, types.float32, types.float64
_SMALL_AB = _array(_F4, 3)
_LOOKUPS = (_array(_F4, 1), _array(_F4, 1), _array(_F4, 1))


@_part
def _cube(f: np.float32) -> np.float32:
    """Return the inverse of CIELAB's f."""
    return f * f * f if f > _CUBE_ABOVE else (f - _LINE_OFFSET) * _LINE_SLOPE


@_part
def _linear_rgb(luminance: np.float32, f: np.float32, a: np.float32, b: np.float32) -> _Light:
    """Return linear r, g, b for luminance Y, f = f(Y) and ab; beyond 0..1 where that is out of gamut."""
    x = _cube(f + a * _A_TO_FX)
    z = _cube(f - b * _B_TO_FZ)
    return (
        _RX * x + _RY * luminance + _RZ * z,
        _GX * x + _GY * luminance + _GZ * z,
        _BX * x + _BY * luminance + _BZ * z,
    )


@_part
def _in_gamut(luminance: np.float32, light: _Light) -> bool:
    r, g, b = light
    return bool(min(r, g, b) >= -_UNCERTAIN * luminance and max(r, g, b) <= _ONE + _UNCERTAIN)


@_part
def _largest_share(luminance: np.float32, f: np.float32, a: np.float32, b: np.float32) -> np.float32:
    """Return which share of (a, b), 0..1, stays inside the gamut; (a, b) itself is outside. By bisection."""
    inside, outside = _ZERO, _ONE
    for _ in range(_BISECTIONS):
        share = (inside + outside) * _HALF
        if _in_gamut(luminance, _linear_rgb(luminance, f, a * share, b * share)):
            inside = share
        else:
            outside = share
    return inside


@_part
def _hue_position(a: np.float32, b: np.float32, size: np.float32) -> np.float32:
    """Return the hue of ab of size |a| + |b| > 0, as 0.._HUES around the diamond of that size."""
    quarter = _HUES * _f4(0.25)
    return quarter * (_ONE - a / size) if b >= _ZERO else quarter * (_f4(3) + a / size)


@_part
def _tabled_share(a: np.float32, b: np.float32, limits: _F4s) -> np.float32:
    """Return which share of (a, b), out of gamut, stays inside, from the gamut table's row of its level."""
    size = abs(a) + abs(b)
    hue = _hue_position(a, b, size)
    i = min(int(hue), HUES - 1)
    limit = limits[i] + (hue - _f4(i)) * (limits[i + 1] - limits[i])
    return min(limit / size, _ONE)


@_part
def _encoded(light: np.float32, encoder: _F4s) -> np.float32:
    """Return linear light as a fractional sRGB level; what is beyond 0..1 is clamped."""
    position = min(max(light, _ZERO), _ONE) * _f4(encoder.size - 2)
    i = int(position)
    lower: np.float32 = encoder[i]
    step: np.float32 = encoder[i + 1] - lower
    return lower + (position - _f4(i)) * step


@_part
def _source(i: int, size: int, small_size: int) -> tuple[int, int, np.float32]:
    """Return the two source positions and the weight of the second, for target position i (half-pixel centres)."""
    source = max((i + 0.5) * small_size / size - 0.5, 0.0)
    first = int(source)
    return first, min(first + 1, small_size - 1), _f4(source - first)


@_part
def _column_sources(width: int, small_width: int) -> tuple[NDArray[np.int32], NDArray[np.int32], _F4s]:
    x0 = np.empty(width, np.int32)
    x1 = np.empty(width, np.int32)
    weight = np.empty(width, np.float32)
    for x in range(width):
        x0[x], x1[x], weight[x] = _source(x, width, small_width)
    return x0, x1, weight


@_part
def _blend_rows(small: _F4s, y: int, height: int, blended: _F4s) -> None:
    """Fill `blended` (2, w') with the ab that belongs to row y of a picture of that height."""
    y0, y1, weight = _source(y, height, small.shape[1])
    for channel in range(2):
        for x in range(small.shape[2]):
            upper = small[channel, y0, x]
            blended[channel, x] = upper + weight * (small[channel, y1, x] - upper)


@_part
def _allowed_neighbour(
    r: np.float32, g: np.float32, b: np.float32, weighted: _F8s, least: np.float64, bound: np.float64, reach: int
) -> tuple[int, int, int]:
    """Return the whole levels nearest to r, g, b whose Y is allowed, within `reach` of them; (-1, -1, -1) if none."""
    best = _f4(1e9)
    found = (-1, -1, -1)
    r0, g0, b0 = int(r) + 1 - reach, int(g) + 1 - reach, int(b) + 1 - reach
    for i in range(max(r0, 0), min(r0 + 2 * reach, 256)):
        for j in range(max(g0, 0), min(g0 + 2 * reach, 256)):
            for k in range(max(b0, 0), min(b0 + 2 * reach, 256)):
                distance = (_f4(i) - r) ** 2 + (_f4(j) - g) ** 2 + (_f4(k) - b) ** 2
                luminance = weighted[0, i] + weighted[1, j] + weighted[2, k]
                if distance < best and least <= luminance < bound:
                    best = distance
                    found = (i, j, k)
    return found


@_part
def _rounded(
    level: int, r: np.float32, g: np.float32, b: np.float32, weighted: _F8s, least: np.float64, bound: np.float64
) -> tuple[int, int, int]:
    """Return r, g, b as whole levels whose Y is allowed: the nearest ones, or the gray itself where none are near."""
    i, j, k = int(r + _HALF), int(g + _HALF), int(b + _HALF)
    if least <= weighted[0, i] + weighted[1, j] + weighted[2, k] < bound:
        return i, j, k
    for reach in range(1, 5):
        i, j, k = _allowed_neighbour(r, g, b, weighted, least, bound, reach)
        if i >= 0:
            return i, j, k
    return level, level, level


@_kernel(_array(_F4, 1), _array(_F4, 1), _array(_F4, 2, readonly=False))
def fill_gamut(linear: _F4s, lab_f: _F4s, table: _F4s) -> None:
    """Fill the gamut table (256, HUES + 1): the largest |a| + |b| inside sRGB, by gray level and hue."""
    for level in range(table.shape[0]):
        for hue in range(table.shape[1]):
            along = _f4(4) * _f4(hue) / _HUES
            a = _ONE - along if hue <= HUES // 2 else along - _f4(3)
            b = (_ONE - abs(a)) if hue <= HUES // 2 else (abs(a) - _ONE)
            far = _FARTHEST_AB
            share = _largest_share(linear[level], lab_f[level], a * far, b * far)
            table[level, hue] = far * share


@_kernel(
    _array(_U8, 2), _SMALL_AB, types.int64, types.int64, *_LOOKUPS, _array(_F4, 2), _array(_F8, 2),
    _array(_F8, 1), _array(_F8, 1), _array(_U8, 3, readonly=False),
)  # fmt: skip
def join8(
    gray: Pixels, small: _F4s, top: int, height: int, linear: _F4s, lab_f: _F4s, encoder: _F4s, gamut: _F4s,
    weighted: _F8s, least: _F8s, bound: _F8s, result: Pixels,
) -> None:  # fmt: skip
    """Fill `result` (h, w, 3) for rows `top`... of a picture `height` rows high; grays come out exactly as they are."""
    x0, x1, weight = _column_sources(gray.shape[1], small.shape[2])
    ab = np.empty((2, small.shape[2]), np.float32)
    for y in range(gray.shape[0]):
        _blend_rows(small, top + y, height, ab)
        for x in range(gray.shape[1]):
            level = gray[y, x]
            a = ab[0, x0[x]] + weight[x] * (ab[0, x1[x]] - ab[0, x0[x]])
            b = ab[1, x0[x]] + weight[x] * (ab[1, x1[x]] - ab[1, x0[x]])
            light = _linear_rgb(linear[level], lab_f[level], a, b)
            if not _in_gamut(linear[level], light):
                share = _tabled_share(a, b, gamut[level])
                light = _linear_rgb(linear[level], lab_f[level], a * share, b * share)
            r, g, b = _encoded(light[0], encoder), _encoded(light[1], encoder), _encoded(light[2], encoder)
            i, j, k = _rounded(level, r, g, b, weighted, least[level], bound[level])
            result[y, x, 0], result[y, x, 1], result[y, x, 2] = i, j, k


@_kernel(
    _array(_U16, 2), _SMALL_AB, types.int64, types.int64, *_LOOKUPS, _array(_U16, 3, readonly=False),
)  # fmt: skip
def join16(
    gray: Pixels, small: _F4s, top: int, height: int, linear: _F4s, lab_f: _F4s, encoder: _F4s, result: Pixels
) -> None:  # fmt: skip
    """Fill `result` as `join8` does, in 16 bits, where rounding alone keeps grays within 1/65535."""
    x0, x1, weight = _column_sources(gray.shape[1], small.shape[2])
    ab = np.empty((2, small.shape[2]), np.float32)
    for y in range(gray.shape[0]):
        _blend_rows(small, top + y, height, ab)
        for x in range(gray.shape[1]):
            level = gray[y, x]
            a = ab[0, x0[x]] + weight[x] * (ab[0, x1[x]] - ab[0, x0[x]])
            b = ab[1, x0[x]] + weight[x] * (ab[1, x1[x]] - ab[1, x0[x]])
            light = _linear_rgb(linear[level], lab_f[level], a, b)
            if not _in_gamut(linear[level], light):
                share = _largest_share(linear[level], lab_f[level], a, b)
                light = _linear_rgb(linear[level], lab_f[level], a * share, b * share)
            for channel in range(3):
                result[y, x, channel] = np.uint16(_encoded(light[channel], encoder) + _HALF)


@_part
def _gray_level(luminance: np.float64, encoder: _F4s, boundaries: _F8s) -> int:
    """Return the level whose boundaries enclose Y; the encoder's curve gives the first guess."""
    level = int(_encoded(_f4(luminance), encoder) + _HALF)
    while luminance < boundaries[level]:
        level -= 1
    while luminance >= boundaries[level + 1]:
        level += 1
    return level


_GRAY_LOOKUPS = (_array(_F8, 2), _array(_F4, 1), _array(_F8, 1))


@_kernel(_array(_U8, 3), *_GRAY_LOOKUPS, _array(_U8, 2, readonly=False))
def gray8(rgb: Pixels, weighted: _F8s, encoder: _F4s, boundaries: _F8s, result: Pixels) -> None:
    """Fill `result` (h, w) with the gray levels of RGB (h, w, 3)."""
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            luminance = weighted[0, rgb[y, x, 0]] + weighted[1, rgb[y, x, 1]] + weighted[2, rgb[y, x, 2]]
            result[y, x] = _gray_level(luminance, encoder, boundaries)


@_kernel(_array(_U16, 3), *_GRAY_LOOKUPS, _array(_U16, 2, readonly=False))
def gray16(rgb: Pixels, weighted: _F8s, encoder: _F4s, boundaries: _F8s, result: Pixels) -> None:
    """Fill `result` as `gray8` does, in 16 bits."""
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            luminance = weighted[0, rgb[y, x, 0]] + weighted[1, rgb[y, x, 1]] + weighted[2, rgb[y, x, 2]]
            result[y, x] = _gray_level(luminance, encoder, boundaries)
