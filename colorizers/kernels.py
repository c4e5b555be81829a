"""Rows of gray levels and a small ab picture in, rows of RGB out: the compiled inside of the colour pass.

numba compiles these functions for fixed types and keeps them on disk. It renews that cache by the file a function
stands in, so everything compiled is in this one file. What the tables hold is said in `colorizers.colour`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from colorizers.lab import LAB_LINEAR_OFFSET, LAB_LINEAR_SLOPE, RGB_TO_XYZ, Y_WEIGHTS, Pixels

HUES = 1024
"""How many hues the gamut table tells apart."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
_F4s = NDArray[np.float32]
_F8s = NDArray[np.float64]
_F4, _F8 = types.float32, types.float64
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
_R_WEIGHT, _G_WEIGHT, _B_WEIGHT = Y_WEIGHTS.astype(np.float32)
# Single precision leaves this share of the brightest and of the pixel's own luminance uncertain.
_UNCERTAIN = _f4(1e-6)
_TINY = _f4(1e-9)
_HUES = _f4(HUES)
# No colour of sRGB has |a| + |b| above 190.
_LARGEST_SIZE, _SIZE_STEP, _BISECTIONS = _f4(200), _f4(4), 12


def _array(kind: Any, dimensions: int, readonly: bool = True) -> Any:
    return types.Array(kind, dimensions, "C", readonly=readonly)


def _kernel(*signatures: tuple[Any, ...]) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles for these arguments at import, or takes the machine code from disk."""
    decorator = njit([types.void(*arguments) for arguments in signatures], cache=True, nogil=True)
    return cast(Callable[[_Function], _Function], decorator)


def _part(function: _Function) -> _Function:
    """Mark a function as part of the kernels below; it is compiled into them."""
    return cast(_Function, njit(function))


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
def _limit(luminance: np.float32, f: np.float32, a: np.float32, b: np.float32) -> np.float32:
    """Return the largest size up to which (a, b), of size |a| + |b| = 1, may grow in the gamut.

    Rays of bright yellow leave the gamut by a hair and enter it again; the outermost exit counts, or colours would
    change in steps.
    """
    outside = _LARGEST_SIZE
    inside = outside - _SIZE_STEP
    while inside > _ZERO and not _in_gamut(luminance, _linear_rgb(luminance, f, a * inside, b * inside)):
        outside = inside
        inside = max(outside - _SIZE_STEP, _ZERO)
    for _ in range(_BISECTIONS):
        middle = (inside + outside) * _HALF
        if _in_gamut(luminance, _linear_rgb(luminance, f, a * middle, b * middle)):
            inside = middle
        else:
            outside = middle
    return inside


@_part
def _hue_position(a: np.float32, b: np.float32, size: np.float32) -> np.float32:
    """Return the hue of ab of size |a| + |b| > 0, as 0.._HUES around the diamond of that size."""
    quarter = _HUES * _f4(0.25)
    return quarter * (_ONE - a / size) if b >= _ZERO else quarter * (_f4(3) + a / size)


@_part
def _fitted(
    luminance: np.float32, f: np.float32, a: np.float32, b: np.float32, level: np.float32, gamut: _F4s
) -> _Light:
    """Return linear r, g, b inside the gamut for a colour outside it: of the same luminance and hue, and less chroma.

    `level` is the gray level as a fractional row of the gamut table.
    """
    size = max(abs(a) + abs(b), _TINY)
    hue = _hue_position(a, b, size)
    i, j = min(int(level), gamut.shape[0] - 2), min(int(hue), HUES - 1)
    down, along = level - _f4(i), hue - _f4(j)
    upper = gamut[i, j] + along * (gamut[i, j + 1] - gamut[i, j])
    lower = gamut[i + 1, j] + along * (gamut[i + 1, j + 1] - gamut[i + 1, j])
    share = min((upper + down * (lower - upper)) / size, _ONE)
    return _clamped(luminance, _linear_rgb(luminance, f, a * share, b * share))


@_part
def _clamped(luminance: np.float32, light: _Light) -> _Light:
    """Return r, g, b within 0..1, mixed with as much white or black as keeps their luminance."""
    r, g, b = (min(max(light[0], _ZERO), _ONE), min(max(light[1], _ZERO), _ONE), min(max(light[2], _ZERO), _ONE))
    found = _R_WEIGHT * r + _G_WEIGHT * g + _B_WEIGHT * b
    if found > luminance:
        share = luminance / found
        return r * share, g * share, b * share
    white = (luminance - found) / max(_ONE - found, _TINY)
    return r + white * (_ONE - r), g + white * (_ONE - g), b + white * (_ONE - b)


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


@_kernel((_array(_F4, 1), _array(_F4, 1), _array(_F4, 2, readonly=False)))
def fill_gamut(linear: _F4s, lab_f: _F4s, gamut: _F4s) -> None:
    """Fill the gamut table (256, HUES + 1): the largest |a| + |b| inside sRGB, by gray level and hue."""
    for level in range(gamut.shape[0]):
        for hue in range(gamut.shape[1]):
            along = _f4(4) * _f4(hue) / _HUES
            upper_half = hue <= HUES // 2
            a = _ONE - along if upper_half else along - _f4(3)
            b = _ONE - abs(a) if upper_half else abs(a) - _ONE
            gamut[level, hue] = _limit(linear[level], lab_f[level], a, b)


def _join_signature(depth: Any) -> tuple[Any, ...]:
    lookups = (_array(_F4, 1), _array(_F4, 1), _array(_F4, 1), _array(_F4, 2))
    grays = (_array(_F8, 2), _array(_F8, 1), _array(_F8, 1))
    place = (types.int64, types.int64)
    return (_array(depth, 2), _array(_F4, 3), *place, *lookups, types.boolean, *grays, _array(depth, 3, readonly=False))


@_kernel(_join_signature(types.uint8), _join_signature(types.uint16))
def join(
    gray: Pixels,
    small: _F4s,
    top: int,
    height: int,
    linear: _F4s,
    lab_f: _F4s,
    encoder: _F4s,
    gamut: _F4s,
    exact: bool,
    weighted: _F8s,
    least: _F8s,
    bound: _F8s,
    result: Pixels,
) -> None:
    """Fill `result` (h, w, 3) with the colours of `small` for the gray levels `gray` (h, w).

    These are rows `top` and on of a picture `height` rows high. `exact` rounds so that Y lies between `least` and
    `bound` of the gray level.
    """
    width = gray.shape[1]
    x0, x1, weight = _column_sources(width, small.shape[2])
    ab = np.empty((2, small.shape[2]), np.float32)
    gamut_rows_per_level = _f4(gamut.shape[0] - 1) / _f4(linear.size - 1)
    for y in range(gray.shape[0]):
        _blend_rows(small, top + y, height, ab)
        for x in range(width):
            level = gray[y, x]
            a = ab[0, x0[x]] + weight[x] * (ab[0, x1[x]] - ab[0, x0[x]])
            b = ab[1, x0[x]] + weight[x] * (ab[1, x1[x]] - ab[1, x0[x]])
            light = _linear_rgb(linear[level], lab_f[level], a, b)
            if not _in_gamut(linear[level], light):
                light = _fitted(linear[level], lab_f[level], a, b, _f4(level) * gamut_rows_per_level, gamut)
            r, g, b = _encoded(light[0], encoder), _encoded(light[1], encoder), _encoded(light[2], encoder)
            if exact:
                i, j, k = _rounded(level, r, g, b, weighted, least[level], bound[level])
            else:
                i, j, k = int(r + _HALF), int(g + _HALF), int(b + _HALF)
            result[y, x, 0], result[y, x, 1], result[y, x, 2] = i, j, k


@_part
def _gray_level(luminance: np.float64, encoder: _F4s, boundaries: _F8s) -> int:
    """Return the level whose boundaries enclose Y; the encoder's curve gives the first guess."""
    level = int(_encoded(_f4(luminance), encoder) + _HALF)
    while luminance < boundaries[level]:
        level -= 1
    while luminance >= boundaries[level + 1]:
        level += 1
    return level


def _gray_signature(depth: Any) -> tuple[Any, ...]:
    return (_array(depth, 3), _array(_F8, 2), _array(_F4, 1), _array(_F8, 1), _array(depth, 2, readonly=False))


@_kernel(_gray_signature(types.uint8), _gray_signature(types.uint16))
def gray_of(rgb: Pixels, weighted: _F8s, encoder: _F4s, boundaries: _F8s, result: Pixels) -> None:
    """Fill `result` (h, w) with the gray levels of RGB (h, w, 3)."""
    for y in range(rgb.shape[0]):
        for x in range(rgb.shape[1]):
            luminance = weighted[0, rgb[y, x, 0]] + weighted[1, rgb[y, x, 1]] + weighted[2, rgb[y, x, 2]]
            result[y, x] = _gray_level(luminance, encoder, boundaries)
