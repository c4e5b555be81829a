"""Compiled color pass for 8-bit photos, by a lookup table that is filled as colors occur.

With a and b rounded to quarters, a photo of millions of pixels has some hundred thousand colors. Each is computed once
by `exact_pass` and looked up from then on; the result does not depend on what the table held before. A quarter is
invisible, and less than the error of rounding red, green and blue to 8 bits.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.colorspace.lab import Pixels
from colorizers.kernels.exact_pass import ALLOWED, TABLES, Allowed, Tables, color_levels
from colorizers.kernels.jit import F4s, I4s, U4s, array, kernel, named_tuple, part, vector_part
from colorizers.kernels.linear_light import HALF
from colorizers.kernels.row_interpolation import ROWS, Rows

_Bytes = NDArray[np.uint8]
_f4, _u4 = np.float32, np.uint32

# a and b are rounded to steps of a quarter unit.
_STEPS_PER_UNIT = 4
# An index consists of the steps of a and of b, from -64 to below 64, and of the gray level.
_STEP_BITS, _LEVEL_BITS = 9, 8
ENTRIES = 1 << 2 * _STEP_BITS + _LEVEL_BITS
"""Number of entries of the table: red, green and blue from the lowest byte on, and the bit `_KNOWN`; 0 is unknown."""
PAGE_ENTRIES = 1024
"""Entries on a memory page (4 KiB), which the operating system provides when one of them is written."""
_KNOWN = _u4(1 << 24)
# The index of pixels whose a or b lie outside the table; its entry is never filled.
_OUTSIDE = _u4(0)
_STEPS, _ZERO_STEP = _u4(1 << _STEP_BITS), _f4(1 << _STEP_BITS - 1)
_A_SHIFT, _B_SHIFT = _u4(_STEP_BITS + _LEVEL_BITS), _u4(_LEVEL_BITS)
_STEP_MASK = _STEPS - _u4(1)
_X_PER_STEP, _Z_PER_STEP = _f4(1 / 500 / _STEPS_PER_UNIT), _f4(-1 / 200 / _STEPS_PER_UNIT)
# Pixels that are looked up before checking whether all of them were known.
_GROUP = 512
# `color_levels` is vectorized for multiples of this; remaining pixels would be computed one by one.
_BLOCK = 64


class ColorCache(NamedTuple):
    """The colors computed so far: the `table` (ENTRIES), and its memory `pages`, 1 where one holds a known color.

    Threads may share it, since all of them write the same values.
    """

    table: U4s
    pages: _Bytes


COLOR_CACHE = named_tuple(ColorCache, array(types.uint32, 1, False), array(types.uint8, 1, False))


def to_steps(planes: F4s) -> F4s:
    """Convert ab (2, h, w), or ab at black and its rise up to white (4, h, w), to the planes (4, h, w) of `color_band`.

    a and b are counted in steps from the table's first, so that truncating rounds them; the rise is by gray level.
    """
    rise = planes[2:] / np.float32(255) if len(planes) == 4 else np.zeros_like(planes)
    steps: F4s = np.concatenate([planes[:2], rise]) * np.float32(_STEPS_PER_UNIT)
    steps[:2] += _ZERO_STEP + HALF
    return steps


@vector_part
def _index(gray: int, a: np.float32, b: np.float32, rise_a: np.float32, rise_b: np.float32) -> np.uint32:
    """Return the index of gray level `gray` with the a and b that it has there, or `_OUTSIDE`."""
    level = _f4(gray)
    # Negative values become large numbers as well.
    step_a, step_b = _u4(a + level * rise_a), _u4(b + level * rise_b)
    index = (step_a << _A_SHIFT) | (step_b << _B_SHIFT) | _u4(gray)
    return index if (step_a | step_b) < _STEPS else _OUTSIDE


@vector_part
def _find_indices(
    grays: tuple[Pixels, Pixels], upper: F4s, lower: F4s, down: tuple[np.float32, np.float32], index: U4s
) -> None:
    """Fill `index` (2, w) for two rows of gray levels, which lie `down` of the way from `upper` to `lower` (4, w).

    Two rows share the planes, which are larger than the first-level cache.
    """
    (gray, other_gray), (here, there), own, other = grays, down, index[0], index[1]
    for x in range(gray.size):
        a, b, rise_a, rise_b = upper[0, x], upper[1, x], upper[2, x], upper[3, x]
        to_a, to_b, to_rise_a, to_rise_b = lower[0, x] - a, lower[1, x] - b, lower[2, x] - rise_a, lower[3, x] - rise_b
        own[x] = _index(gray[x], a + here * to_a, b + here * to_b, rise_a + here * to_rise_a, rise_b + here * to_rise_b)
        other[x] = _index(
            *(other_gray[x], a + there * to_a, b + there * to_b),
            *(rise_a + there * to_rise_a, rise_b + there * to_rise_b),
        )


@part
def _look_up(index: U4s, table: U4s, words: U4s, unknown: U4s) -> int:
    """Fill `words` with the entries at `index`; return the number of unknown ones, and write their places to `unknown`.

    There may be fewer words than indices; the remaining ones count as unknown.
    """
    count = 0
    for start in range(0, words.size, _GROUP):
        some, places = words[start : start + _GROUP], index[start : start + _GROUP]
        known = _KNOWN
        for k in range(some.size):
            entry = table[places[k]]
            some[k] = entry
            known &= entry
        if known == 0:
            for k in range(some.size):
                unknown[count] = start + k
                count += table[places[k]] == 0
    for place in range(words.size, index.size):
        unknown[count] = place
        count += 1
    return count


@part
def _interpolate(upper: np.float32, lower: np.float32, down: np.float32) -> np.float32:
    return upper + down * (lower - upper)


@part
def _shift(
    entry: np.uint32, x: int, level: np.float32, upper: F4s, lower: F4s, down: np.float32
) -> tuple[np.float32, np.float32]:
    """Return the shifts of f(X) and f(Z) for the a and b of an entry, or outside the table, for those of column x."""
    if entry == _OUTSIDE:
        a = _interpolate(upper[0, x], lower[0, x], down) + level * _interpolate(upper[2, x], lower[2, x], down) - HALF
        b = _interpolate(upper[1, x], lower[1, x], down) + level * _interpolate(upper[3, x], lower[3, x], down) - HALF
    else:
        a, b = _f4(entry >> _A_SHIFT), _f4((entry >> _B_SHIFT) & _STEP_MASK)
    return (a - _ZERO_STEP) * _X_PER_STEP, (b - _ZERO_STEP) * _Z_PER_STEP


@part
def _store_new(index: U4s, places: U4s, levels: I4s, cache: ColorCache, result: Pixels) -> int:
    """Write `levels` (3, m) to `places` of `result` (3 n) and to the cache; return how many pages became used."""
    new = 0
    for k in range(places.size):
        place, red, green, blue = places[k], levels[0, k], levels[1, k], levels[2, k]
        result[3 * place], result[3 * place + 1], result[3 * place + 2] = red, green, blue
        entry = index[place]
        if entry != _OUTSIDE:
            cache.table[entry] = _KNOWN | _u4(red) | (_u4(green) << _u4(8)) | (_u4(blue) << _u4(16))
            page = entry // _u4(PAGE_ENTRIES)
            new += 1 - cache.pages[page]
            cache.pages[page] = 1
    return new


@kernel(
    types.int64(
        *(array(types.uint8, 2), ROWS, TABLES, ALLOWED, COLOR_CACHE),
        *(types.Array(types.uint32, 1, "A", aligned=False), array(types.uint8, 1, readonly=False)),
    )
)
def color_band(
    gray: Pixels, rows: Rows, tables: Tables, allowed: Allowed, cache: ColorCache, words: U4s, result: Pixels
) -> int:
    """Fill `result` (3 h w) with the colors of `rows`, made by `to_steps`, at the gray levels `gray` (h, w).

    `words` are the 4 bytes of `result` from each pixel on, except for the last pixel. New colors are added to `cache`;
    returns how many of its pages became used.
    """
    height, width = gray.shape
    index, unknown = np.empty((2, width), np.uint32), np.empty(2 * width, np.uint32)
    room = 2 * width + _BLOCK
    own, shift, levels = np.zeros(room, np.int32), np.zeros((2, room), np.float32), np.empty((3, room), np.int32)
    new_pages = 0
    y = 0
    while y < height:
        upper, lower = rows.wide[rows.at[y]], rows.wide[rows.at[y] + 1]
        # A row without a partner between the same planes is paired with itself.
        other = y + 1 if y + 1 < height and rows.at[y + 1] == rows.at[y] else y
        _find_indices((gray[y], gray[other]), upper, lower, (rows.down[y], rows.down[other]), index)
        begin, end = y * width, (other + 1) * width
        entries, grays = index.reshape(-1)[: end - begin], gray[y : other + 1].reshape(-1)
        count = _look_up(entries, cache.table, words[begin:end], unknown)
        for k in range(count):
            place = unknown[k]
            x, down = (place, rows.down[y]) if place < width else (place - width, rows.down[other])
            own[k] = grays[place]
            shift[0, k], shift[1, k] = _shift(entries[place], x, _f4(own[k]), upper, lower, down)
        if count:
            # Rounded up to whole blocks; the surplus results are not used.
            size = (count + _BLOCK - 1) // _BLOCK * _BLOCK
            color_levels(size, own, shift, tables, allowed, levels)
            new_pages += _store_new(entries, unknown[:count], levels, cache, result[3 * begin : 3 * end])
        y = other + 1
    return new_pages
