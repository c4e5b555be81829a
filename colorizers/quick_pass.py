"""8-bit gray levels and rows of planes in, RGB out: the colour pass by a table that fills while it is used.

With a and b rounded to quarters, a photo of millions of pixels has some hundred thousand colours. Each is computed once
by `colorizers.careful_pass`, kept, and from then on looked up; a result is the same whether it had been kept or not. A
quarter is less than anyone sees, and less than what rounding red, green and blue to 8 bits does.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from colorizers.careful_pass import colour_levels
from colorizers.compiling import F4s, I4s, U4s, array, kernel, part, vector_part
from colorizers.lab import Pixels
from colorizers.light import HALF

_Bytes = NDArray[np.uint8]
_f4, _u4 = np.float32, np.uint32

STEPS_PER_UNIT = 4
"""So many steps a and b have in one unit."""
# Steps of a, of b and gray levels are the digits of an index, so many bits each: a and b from -64 to below 64.
_STEP_BITS, _LEVEL_BITS = 9, 8
ENTRIES = 1 << 2 * _STEP_BITS + _LEVEL_BITS
"""How many entries the table has: red, green and blue, from the lowest byte on, below `_KNOWN`; 0 is not known yet."""
PAGE_ENTRIES = 1024
"""So many entries the operating system gives memory to at a time (4 KiB), once one of them is known."""
_KNOWN = _u4(1 << 24)
# The index of pixels whose a or b the table does not reach; what would be there is never kept.
_BEYOND = _u4(0)
_STEPS, _ZERO_STEP = _u4(1 << _STEP_BITS), _f4(1 << _STEP_BITS - 1)
_A_SHIFT, _B_SHIFT = _u4(_STEP_BITS + _LEVEL_BITS), _u4(_LEVEL_BITS)
_STEP_MASK = _STEPS - _u4(1)
_X_PER_STEP, _Z_PER_STEP = _f4(1 / 500 / STEPS_PER_UNIT), _f4(-1 / 200 / STEPS_PER_UNIT)
# So many pixels are looked up before it is asked whether all of them were known.
_GROUP = 512
# So many pixels at a time the compiled loops of `colour_levels` take; what is left over, they do one by one.
_BLOCK = 64


def in_steps(planes: F4s) -> F4s:
    """Return what `join` takes for ab (2, h, w), or ab at black and its rise up to white (4, h, w), in raw units.

    a and b are counted in steps from the table's first, and are rounded when fractions are cut off; the rise (4, h, w)
    is by gray level.
    """
    rise = planes[2:] / np.float32(255) if len(planes) == 4 else np.zeros_like(planes)
    steps: F4s = np.concatenate([planes[:2], rise]) * np.float32(STEPS_PER_UNIT)
    steps[:2] += _ZERO_STEP + HALF
    return steps


@vector_part
def _entry(gray: int, a: np.float32, b: np.float32, rise_a: np.float32, rise_b: np.float32) -> np.uint32:
    """Return the index of a gray level with the a and b that it has there, or `_BEYOND`."""
    level = _f4(gray)
    # What is below zero becomes a large number, too.
    step_a, step_b = _u4(a + level * rise_a), _u4(b + level * rise_b)
    index = (step_a << _A_SHIFT) | (step_b << _B_SHIFT) | _u4(gray)
    return index if (step_a | step_b) < _STEPS else _BEYOND


@vector_part
def _locate(
    grays: tuple[Pixels, Pixels], upper: F4s, lower: F4s, down: tuple[np.float32, np.float32], index: U4s
) -> None:
    """Fill `index` (2, w) for two rows of gray levels, which lie `down` of the way from `upper` to `lower` (4, w).

    Two at a time, because the planes of a row are more than the nearest cache holds.
    """
    (gray, other_gray), (here, there), own, other = grays, down, index[0], index[1]
    for x in range(gray.size):
        a, b, rise_a, rise_b = upper[0, x], upper[1, x], upper[2, x], upper[3, x]
        to_a, to_b, to_rise_a, to_rise_b = lower[0, x] - a, lower[1, x] - b, lower[2, x] - rise_a, lower[3, x] - rise_b
        own[x] = _entry(gray[x], a + here * to_a, b + here * to_b, rise_a + here * to_rise_a, rise_b + here * to_rise_b)
        other[x] = _entry(
            *(other_gray[x], a + there * to_a, b + there * to_b),
            *(rise_a + there * to_rise_a, rise_b + there * to_rise_b),
        )


@part
def _look_up(index: U4s, table: U4s, words: U4s, unknown: U4s) -> int:
    """Fill `words` with the entries at `index`; return how many are not known, and fill `unknown` with their places.

    There may be fewer words than places; the rest counts as not known.
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
def _between(upper: np.float32, lower: np.float32, down: np.float32) -> np.float32:
    return upper + down * (lower - upper)


@part
def _shift(
    entry: np.uint32, x: int, level: np.float32, upper: F4s, lower: F4s, down: np.float32
) -> tuple[np.float32, np.float32]:
    """Return by how much a and b move f(X) and f(Z) away from f(Y): those of an entry, or beyond, those of column x."""
    if entry == _BEYOND:
        a = _between(upper[0, x], lower[0, x], down) + level * _between(upper[2, x], lower[2, x], down) - HALF
        b = _between(upper[1, x], lower[1, x], down) + level * _between(upper[3, x], lower[3, x], down) - HALF
    else:
        a, b = _f4(entry >> _A_SHIFT), _f4((entry >> _B_SHIFT) & _STEP_MASK)
    return (a - _ZERO_STEP) * _X_PER_STEP, (b - _ZERO_STEP) * _Z_PER_STEP


@part
def _keep(index: U4s, places: U4s, levels: I4s, table: U4s, pages: _Bytes, result: Pixels) -> int:
    """Fill `places` of `result` (3 n) with `levels` (3, m), and their entries; return how many pages are new."""
    new = 0
    for k in range(places.size):
        place, red, green, blue = places[k], levels[0, k], levels[1, k], levels[2, k]
        result[3 * place], result[3 * place + 1], result[3 * place + 2] = red, green, blue
        entry = index[place]
        if entry != _BEYOND:
            table[entry] = _KNOWN | _u4(red) | (_u4(green) << _u4(8)) | (_u4(blue) << _u4(16))
            page = entry // _u4(PAGE_ENTRIES)
            new += 1 - pages[page]
            pages[page] = 1
    return new


@kernel(
    types.int64(
        *(array(types.uint8, 2), array(types.float32, 3), array(types.int32, 1), array(types.float32, 1)),
        *(array(types.float32, 1), array(types.float32, 2)),
        *(array(types.int32, 2), array(types.int32, 1), array(types.int32, 1)),
        *(array(types.uint32, 1, readonly=False), array(types.uint8, 1, readonly=False)),
        *(types.Array(types.uint32, 1, "A", aligned=False), array(types.uint8, 1, readonly=False)),
    )
)
def join(
    gray: Pixels,
    wide: F4s,
    at: I4s,
    down: F4s,
    lab_f: F4s,
    gamut: F4s,
    weighted: I4s,
    least: I4s,
    bound: I4s,
    table: U4s,
    pages: _Bytes,
    words: U4s,
    result: Pixels,
) -> int:
    """Fill `result` (3 h w) with the colours of `wide` (n, 4, w) for the gray levels `gray` (h, w).

    `wide` is made by `in_steps`. `words` are the 4 bytes from each pixel of `result` on, but for the last. `lab_f` to
    `bound` are what `colour_levels` takes. Entries of `table` (ENTRIES) become known, and their `pages` 1; return how
    many pages did.
    """
    height, width = gray.shape
    index, unknown = np.empty((2, width), np.uint32), np.empty(2 * width, np.uint32)
    room = 2 * width + _BLOCK
    own, shift, levels = np.zeros(room, np.int32), np.zeros((2, room), np.float32), np.empty((3, room), np.int32)
    new_pages = 0
    y = 0
    while y < height:
        upper, lower = wide[at[y]], wide[at[y] + 1]
        # A row that has no partner is its own.
        other = y + 1 if y + 1 < height and at[y + 1] == at[y] else y
        _locate((gray[y], gray[other]), upper, lower, (down[y], down[other]), index)
        begin, end = y * width, (other + 1) * width
        entries, grays = index.reshape(-1)[: end - begin], gray[y : other + 1].reshape(-1)
        count = _look_up(entries, table, words[begin:end], unknown)
        for k in range(count):
            place = unknown[k]
            x, share = (place, down[y]) if place < width else (place - width, down[other])
            own[k] = grays[place]
            shift[0, k], shift[1, k] = _shift(entries[place], x, _f4(own[k]), upper, lower, share)
        if count:
            # Of whole blocks; what they hold besides is of no use, and no harm.
            size = (count + _BLOCK - 1) // _BLOCK * _BLOCK
            colour_levels(size, own, shift, lab_f, gamut, weighted, least, bound, levels)
            new_pages += _keep(entries, unknown[:count], levels, table, pages, result[3 * begin : 3 * end])
        y = other + 1
    return new_pages
