"""Pixels of any kind and rows of planes in, RGB out: the colour pass step by step, through linear light.

Chroma is reduced by the gamut table. 16-bit photos go through this pixel by pixel; for 8-bit ones, whose levels are
chosen among those whose luminance is certainly that of the gray level, `colorizers.quick_pass` asks for every colour
once.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.compiling import F4s, I4s, U4s, array, kernel, part, vector_part
from colorizers.gamut import approach_limits, is_beyond, reduce_chroma
from colorizers.lab import Y_WEIGHTS, Pixels
from colorizers.light import HALF, LINE_OFFSET, ONE, TINY, ZERO, cube, encode, linear_rgb, store
from colorizers.widening import blend

_f4 = np.float32
_F4, _I4 = types.float32, types.int32
_R_WEIGHT, _G_WEIGHT, _B_WEIGHT = Y_WEIGHTS.astype(np.float32)
_WHITE = _f4(255)
_NEXT, _LAST = np.uint32(1), np.uint32(255)


@vector_part
def _shine(f: F4s, shift: F4s, light: F4s, beyond: NDArray[np.uint8]) -> None:
    """Fill `light` (3, n) with linear r, g, b of f and `shift`, `beyond` with 1 where they are out of gamut.

    Black and white have no chroma: the gamut table says the same, but takes its time.
    """
    for x in range(f.size):
        share = ONE if (f[x] > LINE_OFFSET) & (f[x] < ONE) else ZERO
        r, g, b = linear_rgb(f[x], shift[0, x] * share, shift[1, x] * share)
        light[0, x], light[1, x], light[2, x] = r, g, b
        beyond[x] = np.uint8(is_beyond(cube(f[x]), r, g, b))


@vector_part
def _shine_within(count: int, found: F4s) -> None:
    """Turn f and shifts in the first `count` columns of `found` into linear r, g, b of the same luminance, within 0..1.

    What is still outside by a hair is cut off and mixed with as much white or black as restores the luminance.
    """
    for k in range(count):
        f = found[0, k]
        r, g, b = linear_rgb(f, found[1, k], found[2, k])
        r, g, b = min(max(r, ZERO), ONE), min(max(g, ZERO), ONE), min(max(b, ZERO), ONE)
        wanted, has = cube(f), _R_WEIGHT * r + _G_WEIGHT * g + _B_WEIGHT * b
        white = max((wanted - has) / max(ONE - has, TINY), ZERO)
        rest = (ONE - white) * min(wanted / max(has, TINY), ONE)
        found[0, k], found[1, k], found[2, k] = white + rest * r, white + rest * g, white + rest * b


@part
def _light_within(
    f: F4s, shift: F4s, level: F4s, rows_per_level: np.float32, gamut: F4s, which: U4s, found: F4s, light: F4s
) -> None:
    """Fill `light` (3, n) with linear r, g, b inside the gamut, the chroma of f and `shift` reduced where need be.

    `level` are gray levels, each `rows_per_level` rows of the gamut table; the others are room to work in.
    """
    beyond = np.empty(f.size, np.uint8)
    _shine(f, shift, light, beyond)
    count = 0
    for x in range(f.size):
        which[count] = x
        count += beyond[x]
    for k in range(count):
        x = which[k]
        found[0, k], found[1, k], found[2, k], found[3, k] = f[x], shift[0, x], shift[1, x], level[x]
    reduce_chroma(count, rows_per_level, gamut, found)
    approach_limits(count, found)
    _shine_within(count, found)
    for k in range(count):
        light[0, which[k]], light[1, which[k]], light[2, which[k]] = found[0, k], found[1, k], found[2, k]


@part
def _allowed_neighbour(
    r: np.float32, g: np.float32, b: np.float32, weighted: I4s, least: int, bound: int, reach: int
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


@part
def _exact(
    level: int, r: np.float32, g: np.float32, b: np.float32, weighted: I4s, least: int, bound: int
) -> tuple[int, int, int]:
    """Return whole levels for r, g, b, which have one half added, whose Y is allowed.

    They are rounded, but green may be the next level but one, and red and blue may be rounded the other way; where that
    does not suffice, all three are searched for the nearest; and where none are near, the gray itself is what remains.
    """
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
        i, j, k = _allowed_neighbour(r, g, b, weighted, least, bound, reach)
        if i >= 0:
            return i, j, k
    return level, level, level


@vector_part
def _settle(light: F4s, own: I4s, weighted: I4s, least: I4s, bound: I4s, levels: I4s) -> None:
    """Fill `levels` (3, n) with whole levels for `light` (3, n), which has one half added, and gray levels `own`.

    They are rounded, but green may be the next level but one, as `_exact` tries it first; red is -1 where the Y of
    that is not allowed.
    """
    red_y, green_y, blue_y = weighted[0], weighted[1], weighted[2]
    for k in range(own.size):
        g, level = light[1, k], np.uint32(own[k])
        i, j, m = np.uint32(light[0, k]), np.uint32(g), np.uint32(light[2, k])
        rest = red_y[i] + blue_y[m]
        low, high = least[level] - rest, bound[level] - rest
        here = green_y[j]
        green = min(j + _NEXT, _LAST) if here < low else (max(j, _NEXT) - _NEXT if here >= high else j)
        allowed = (green_y[green] >= low) & (green_y[green] < high) & (abs(_f4(green) - (g - HALF)) <= ONE)
        levels[0, k] = np.int32(i) if allowed else np.int32(-1)
        levels[1, k], levels[2, k] = green, m


@part
def colour_levels(
    count: int,
    own: I4s,
    shift: F4s,
    lab_f: F4s,
    gamut: F4s,
    weighted: I4s,
    least: I4s,
    bound: I4s,
    levels: I4s,
) -> None:
    """Fill the first `count` of `levels` (3, n): red, green and blue of 8-bit gray levels `own` with `shift` (2, n).

    Their Y, the sum of their `weighted`, is from `least` up to below `bound` of the gray level.
    """
    own = own[:count]
    f, level, which = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.uint32)
    light, found = np.empty((3, count), np.float32), np.empty((4, count), np.float32)
    for k in range(count):
        f[k], level[k] = lab_f[own[k]], own[k]
    _light_within(f, shift, level, ONE, gamut, which, found, light)
    encode(light, _WHITE)
    _settle(light, own, weighted, least, bound, levels)
    for k in range(count):
        if levels[0, k] < 0:
            gray, r, g, b = own[k], light[0, k], light[1, k], light[2, k]
            levels[0, k], levels[1, k], levels[2, k] = _exact(gray, r, g, b, weighted, least[gray], bound[gray])


@kernel(
    types.void(
        *(array(types.uint16, 2), array(_F4, 3), array(_I4, 1), array(_F4, 1), array(_F4, 1), array(_F4, 2)),
        array(types.uint16, 3, readonly=False),
    )
)
def join(gray: Pixels, wide: F4s, at: I4s, down: F4s, lab_f: F4s, gamut: F4s, result: Pixels) -> None:
    """Fill `result` (h, w, 3) with the colours of `wide` (n, 4, w) for the 16-bit gray levels `gray` (h, w)."""
    width = gray.shape[1]
    f, level, which = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.uint32)
    share, shift, light, found = (
        np.empty(width, np.float32),
        np.empty((2, width), np.float32),
        np.empty((3, width), np.float32),
        np.empty((4, width), np.float32),
    )
    white = _f4(lab_f.size - 1)
    rows_per_level = _f4(gamut.shape[0] - 1) / white
    for y in range(gray.shape[0]):
        for x in range(width):
            f[x], level[x] = lab_f[gray[y, x]], gray[y, x]
            share[x] = level[x] / white
        blend(share, wide[at[y]], wide[at[y] + 1], down[y], shift)
        _light_within(f, shift, level, rows_per_level, gamut, which, found, light)
        encode(light, white)
        store(light, result[y])
