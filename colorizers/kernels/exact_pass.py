"""Compiled color pass that computes every pixel: L and interpolated ab to RGB, through linear light.

Chroma is reduced by the gamut table. This pass colors 16-bit photos; for 8-bit ones `lut_pass` computes each color
once by `color_levels`, which chooses levels whose luminance is certainly that of the gray level.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.colorspace.lab import Y_WEIGHTS, Pixels
from colorizers.kernels.gamut import approach_limits, is_beyond, reduce_chroma
from colorizers.kernels.jit import F4s, I4s, array, kernel, named_tuple, part, vector_part
from colorizers.kernels.linear_light import (
    HALF,
    LINE_OFFSET,
    ONE,
    TINY,
    ZERO,
    lab_f_inverse,
    linear_rgb,
    store_levels,
    to_levels,
)
from colorizers.kernels.row_interpolation import ROWS, Rows, blend

_f4 = np.float32
_F4, _I4 = types.float32, types.int32
_R_WEIGHT, _G_WEIGHT, _B_WEIGHT = Y_WEIGHTS.astype(np.float32)
_WHITE = _f4(255)
_NEXT, _LAST = np.uint32(1), np.uint32(255)


class Tables(NamedTuple):
    """Lookup tables: CIELAB's f(Y) by gray level `lab_f`, and the largest |a| + |b| by level and hue `gamut`."""

    lab_f: F4s
    gamut: F4s


class Allowed(NamedTuple):
    """The luminances, in whole numbers, by which an 8-bit result has exactly its gray level.

    `weighted` (3, 256) is the share of each level in Y as red, green and blue. A result of gray level k has the Y of k
    if its sum is from `least[k]` up to below `bound[k]`.
    """

    weighted: I4s
    least: I4s
    bound: I4s


TABLES = named_tuple(Tables, array(_F4, 1, False), array(_F4, 2, False))
ALLOWED = named_tuple(Allowed, array(_I4, 2, False), array(_I4, 1, False), array(_I4, 1, False))


@vector_part
def _to_linear(f: F4s, shift: F4s, light: F4s, beyond: NDArray[np.uint8]) -> None:
    """Fill `light` (3, n) with linear r, g, b of f and `shift` (2, n), and `beyond` with 1 where out of gamut.

    Black and white get no chroma, which spares them the gamut table.
    """
    for x in range(f.size):
        share = ONE if (f[x] > LINE_OFFSET) & (f[x] < ONE) else ZERO
        r, g, b = linear_rgb(f[x], shift[0, x] * share, shift[1, x] * share)
        light[0, x], light[1, x], light[2, x] = r, g, b
        beyond[x] = np.uint8(is_beyond(lab_f_inverse(f[x]), r, g, b))


@vector_part
def _clamp_to_gamut(count: int, found: F4s) -> None:
    """Replace the first `count` columns of `found` (f, shift_x, shift_z) by linear r, g, b within 0..1, Y unchanged.

    What is still outside by a hair is clamped, then mixed with as much white or black as restores the luminance.
    """
    for k in range(count):
        f = found[0, k]
        r, g, b = linear_rgb(f, found[1, k], found[2, k])
        r, g, b = min(max(r, ZERO), ONE), min(max(g, ZERO), ONE), min(max(b, ZERO), ONE)
        wanted, has = lab_f_inverse(f), _R_WEIGHT * r + _G_WEIGHT * g + _B_WEIGHT * b
        white = max((wanted - has) / max(ONE - has, TINY), ZERO)
        rest = (ONE - white) * min(wanted / max(has, TINY), ONE)
        found[0, k], found[1, k], found[2, k] = white + rest * r, white + rest * g, white + rest * b


@part
def _to_linear_in_gamut(f: F4s, shift: F4s, level: F4s, rows_per_level: np.float32, gamut: F4s, light: F4s) -> None:
    """Fill `light` (3, n) with linear r, g, b inside the gamut, the chroma of `shift` (2, n) reduced where necessary.

    `level` (n) are gray levels, each `rows_per_level` rows of the table `gamut`.
    """
    beyond, which, found = np.empty(f.size, np.uint8), np.empty(f.size, np.uint32), np.empty((4, f.size), np.float32)
    _to_linear(f, shift, light, beyond)
    count = 0
    for x in range(f.size):
        which[count] = x
        count += beyond[x]
    for k in range(count):
        x = which[k]
        found[0, k], found[1, k], found[2, k], found[3, k] = f[x], shift[0, x], shift[1, x], level[x]
    reduce_chroma(count, rows_per_level, gamut, found)
    approach_limits(count, found)
    _clamp_to_gamut(count, found)
    for k in range(count):
        light[0, which[k]], light[1, which[k]], light[2, which[k]] = found[0, k], found[1, k], found[2, k]


@part
def _nearest_allowed(
    r: np.float32, g: np.float32, b: np.float32, weighted: I4s, least: int, bound: int, reach: int
) -> tuple[int, int, int]:
    """Return the levels nearest to r, g, b, within `reach`, whose Y is allowed, or (-1, -1, -1)."""
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


@part
def _search_levels(level: int, r: np.float32, g: np.float32, b: np.float32, allowed: Allowed) -> tuple[int, int, int]:
    """Return levels near r, g, b, which have one half added, whose Y is that of gray level `level`.

    First they are rounded, red and blue perhaps the other way, and green may move by one more; then the nearest is
    searched for; where none is near, the gray itself is returned.
    """
    weighted, least, bound = allowed.weighted, allowed.least[level], allowed.bound[level]
    i, j, k = int(r), int(g), int(b)
    r, g, b = r - HALF, g - HALF, b - HALF
    other_red, other_blue = i + (1 if r > i else -1), k + (1 if b > k else -1)
    for red, blue in ((i, k), (other_red, k), (i, other_blue), (other_red, other_blue)):
        if 0 <= red < 256 and 0 <= blue < 256:
            green, rest = j, weighted[0, red] + weighted[2, blue]
            while green > 0 and rest + weighted[1, green] >= bound:
                green -= 1
            while green < 255 and rest + weighted[1, green] < least:
                green += 1
            if least <= rest + weighted[1, green] < bound and abs(_f4(green) - g) <= ONE:
                return red, green, blue
    for reach in range(1, 5):
        i, j, k = _nearest_allowed(r, g, b, weighted, least, bound, reach)
        if i >= 0:
            return i, j, k
    return level, level, level


@vector_part
def _round_levels(light: F4s, own: I4s, weighted: I4s, least: I4s, bound: I4s, levels: I4s) -> None:
    """Fill `levels` (3, n) with `light` (3, n), which has one half added, rounded to the gray levels `own`.

    Green may move by one level more, the first attempt of `_search_levels`; red is -1 where that does not suffice.
    """
    red_y, green_y, blue_y = weighted[0], weighted[1], weighted[2]
    for k in range(own.size):
        g, level = light[1, k], np.uint32(own[k])
        i, j, m = np.uint32(light[0, k]), np.uint32(g), np.uint32(light[2, k])
        rest = red_y[i] + blue_y[m]
        low, high = least[level] - rest, bound[level] - rest
        here = green_y[j]
        green = min(j + _NEXT, _LAST) if here < low else (max(j, _NEXT) - _NEXT if here >= high else j)
        fits = (green_y[green] >= low) & (green_y[green] < high) & (abs(_f4(green) - (g - HALF)) <= ONE)
        levels[0, k] = np.int32(i) if fits else np.int32(-1)
        levels[1, k], levels[2, k] = green, m


@part
def color_levels(count: int, own: I4s, shift: F4s, tables: Tables, allowed: Allowed, levels: I4s) -> None:
    """Fill the first `count` columns of `levels` (3, n) with RGB of the 8-bit gray levels `own` and `shift` (2, n)."""
    own = own[:count]
    f, level, light = np.empty(count, np.float32), np.empty(count, np.float32), np.empty((3, count), np.float32)
    for k in range(count):
        f[k], level[k] = tables.lab_f[own[k]], own[k]
    _to_linear_in_gamut(f, shift, level, ONE, tables.gamut, light)
    to_levels(light, _WHITE)
    _round_levels(light, own, allowed.weighted, allowed.least, allowed.bound, levels)
    for k in range(count):
        if levels[0, k] < 0:
            found = _search_levels(own[k], light[0, k], light[1, k], light[2, k], allowed)
            levels[0, k], levels[1, k], levels[2, k] = found


@kernel(types.void(array(types.uint16, 2), ROWS, TABLES, array(types.uint16, 3, readonly=False)))
def color_band(gray: Pixels, rows: Rows, tables: Tables, result: Pixels) -> None:
    """Fill `result` (h, w, 3) with the colors of `rows`, of 4 planes, at the 16-bit gray levels `gray` (h, w)."""
    width = gray.shape[1]
    f, level, share = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    shift, light = np.empty((2, width), np.float32), np.empty((3, width), np.float32)
    white = _f4(tables.lab_f.size - 1)
    rows_per_level = _f4(tables.gamut.shape[0] - 1) / white
    for y in range(gray.shape[0]):
        for x in range(width):
            f[x], level[x] = tables.lab_f[gray[y, x]], gray[y, x]
            share[x] = level[x] / white
        blend(share, rows.wide[rows.at[y]], rows.wide[rows.at[y] + 1], rows.down[y], shift)
        _to_linear_in_gamut(f, shift, level, rows_per_level, tables.gamut, light)
        to_levels(light, white)
        store_levels(light, result[y])
