"""Gray levels and rows of planes in, RGB out: the colour pass for ordinary pixels, in vector arithmetic alone.

With f for CIELAB's f(Y), p = f(X) / f(Y) and q = f(Z) / f(Y), the linear red of a pixel is Y times a ratio that depends
on p and q only, RX p**3 + RY + RZ q**3, and so are green and blue; ratios weighted as Y is always add up to 1. The
sRGB curve is s Y**(5/12) - o, so the level of red is (level of gray + o) times the ratio to the 5/12, minus o: no table
is looked up, and how well p and q are known touches the colour, but never the luminance. Where the curve of sRGB or f
is straight, or a ratio is far from 1, that does not hold; such pixels are left to `colorizers.careful_pass`.

Red and blue are rounded first, and green is moved by as much luminance as that has taken or given. What green is then
rounded by changes the gray by less than half a level: 0.7152 of the half that green may be off, as brighter levels
count for more up to 1.21 times that much where red and blue are next to nothing, together 0.435, and 0.03 for what is
fitted here. That is why grays need not be checked.
"""

import numpy as np
from numba import types
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray

from colorizers.compiling import F4s, I4s, U4s, array, kernel, part, vector_part
from colorizers.lab import Y_WEIGHTS, Pixels
from colorizers.light import HALF, ONE, XYZ_TO_RGB, ZERO

_Bytes = NDArray[np.uint8]
_Three = tuple[np.float32, np.float32, np.float32]
_F4, _U1 = types.float32, types.uint8

# So many columns are worked on at a time at most: fewer cost more calls, more would not stay in the second cache.
_TILE = 4096
# Rows of working memory stand so many numbers further apart than they are long. With whole pages between them, all
# would want the same lines of the nearest cache, and a load would wait for a store of another row.
_APART = 68
# Where a pixel of such a block needs another look, the whole block gets it; lengths are a multiple of it.
_BLOCK = 32
LEAST_WIDTH = _BLOCK
"""Pictures have at least so many columns."""

_f4 = np.float32
_TWO, _THREE = _f4(2), _f4(3)
_RX, _RY, _RZ = XYZ_TO_RGB[0]
_GX, _GY, _GZ = XYZ_TO_RGB[1]
_BX, _BY, _BZ = XYZ_TO_RGB[2]
_R_PER_G, _B_PER_G = _f4(Y_WEIGHTS[0] / Y_WEIGHTS[1]), _f4(Y_WEIGHTS[2] / Y_WEIGHTS[1])
# f is a straight line below this, and so is the sRGB curve below that level.
_LINE = _f4(6 / 29)
_DARKEST, _BRIGHTEST = _f4(10.4), _f4(255.4)
_OFFSET, _SCALE = _f4(0.055 * 255), _f4(1.055 * 255)
# How far a ratio may be from white's; and from where Newton's step should have brought it.
_UNCERTAIN, _INEXACT = _f4(1e-5), _f4(2e-4)
_NEAR = _f4(1e-4)
# So many levels may green be moved by; as many and its rounding are still less than one.
_FARTHEST = _f4(0.45)


def _fitted(power: float, low: float, high: float, degree: int) -> tuple[np.float32, ...]:
    """Return the coefficients, from the constant one on, of a polynomial near x**power between `low` and `high`."""
    polynomial = Chebyshev.interpolate(lambda x: x**power, degree, domain=[low, high]).convert(kind=Polynomial)
    return tuple(_f4(coefficient) for coefficient in polynomial.coef)


# x to the 5/12 for ratios; small ones are made larger before, and the result smaller after: at most 0.03 levels off.
# The ratio of green is never above 1.4, and seldom small.
_LEAST, _MOST = _f4(0.056), _f4(2.6)
_SPLIT, _LARGER, _BACK = _f4(0.38), _f4(2.6 / 0.38), _f4((2.6 / 0.38) ** (-5 / 12))
_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7 = _fitted(5 / 12, 0.38, 2.6, 7)
_LEAST_GREEN = _f4(0.38)
_N0, _N1, _N2, _N3, _N4, _N5 = _fitted(5 / 12, 0.38, 1.4, 5)
# 1 / f(Y) from the level, as a share of the range of the sRGB curve, in the same way.
_INVERSE_SPLIT, _INVERSE_LARGER, _INVERSE_BACK = _f4(0.375), _f4(1 / 0.375), _f4(0.375**-0.8)
_I0, _I1, _I2, _I3, _I4, _I5, _I6, _I7 = _fitted(-0.8, 0.375, 1, 7)
# How quickly luminance rises with the level, beside gray's, from a ratio to the 5/12; and its inverse for green.
_S0, _S1, _S2 = _fitted(1.4, 0.3, 1.5, 2)
_B0, _B1 = _fitted(1.4, 0.3, 1.5, 1)
_G0, _G1, _G2 = _fitted(-1.4, 0.668, 1.151, 2)


@vector_part
def _invert(gray: Pixels, scale: F4s, inverse: F4s) -> None:
    """Fill `scale` with gray levels plus the sRGB curve's offset, and `inverse` with 1 / f(Y)."""
    for x in range(gray.size):
        scale[x] = _f4(gray[x]) + _OFFSET
        share = scale[x] * (ONE / _SCALE)
        small = share < _INVERSE_SPLIT
        t = share * _INVERSE_LARGER if small else share
        fitted = _I0 + t * (_I1 + t * (_I2 + t * (_I3 + t * (_I4 + t * (_I5 + t * (_I6 + t * _I7))))))
        inverse[x] = fitted * _INVERSE_BACK if small else fitted


@vector_part
def _ratios(p: np.float32, q: np.float32) -> _Three:
    """Return the ratios of linear r, g, b to Y."""
    x, z = p * p * p, q * q * q
    return _RY + _RX * x + _RZ * z, _GY + _GX * x + _GZ * z, _BY + _BX * x + _BZ * z


@vector_part
def _is_odd(
    inverse: np.float32, p: np.float32, q: np.float32, green: np.float32, least: np.float32, most: np.float32
) -> bool:
    """Return whether powers do not hold for p and q, or fitted ones not for the ratios: `green` and all the others."""
    odd = (green <= _LEAST_GREEN) | (least <= _LEAST) | (most >= _MOST)
    return bool((min(min(p, q), ONE) <= _LINE * inverse) | odd)


@vector_part
def _relate(
    scale: F4s,
    inverse: F4s,
    planes: F4s,
    down: np.float32,
    chroma: F4s,
    ratios: F4s,
    flags: _Bytes,
) -> None:
    """Fill `chroma` with p - 1 and q - 1, `ratios` with what they make; `flags` is 1 where that is odd or too bright.

    Black and white have no chroma.
    """
    for x in range(scale.size):
        share = ONE if (scale[x] > _OFFSET) & (scale[x] < _SCALE) else ZERO
        x0, x1 = planes[0, x] + down * planes[4, x], planes[2, x] + down * planes[6, x]
        z0, z1 = planes[1, x] + down * planes[5, x], planes[3, x] + down * planes[7, x]
        by_x, by_z = (x1 + x0 * inverse[x]) * share, (z1 + z0 * inverse[x]) * share
        r, g, b = _ratios(ONE + by_x, ONE + by_z)
        chroma[0, x], chroma[1, x] = by_x, by_z
        ratios[0, x], ratios[1, x], ratios[2, x] = r, g, b
        least, most = min(min(r, g), b), max(max(r, g), b)
        odd = _is_odd(inverse[x], ONE + by_x, ONE + by_z, g, least, most)
        odd |= most - inverse[x] * inverse[x] * inverse[x] > _UNCERTAIN
        flags[x] = np.uint8(odd & (share > ZERO))


@vector_part
def _reduce_chroma(inverse: F4s, chroma: F4s, blocks: U4s, count: int, ratios: F4s, flags: _Bytes) -> None:
    """Reduce the chroma in the first `count` of `blocks` to what white allows; fill `ratios` and `flags` anew.

    The brightest ratio is a cubic polynomial in the share of the chroma that is taken; one of Newton's steps from
    where a straight line would meet white is nearly always enough.
    """
    for k in range(count):
        first = blocks[k]
        for i in range(_BLOCK):
            x = first + i
            by_x, by_z, r, g, b = chroma[0, x], chroma[1, x], ratios[0, x], ratios[1, x], ratios[2, x]
            room = inverse[x] * inverse[x] * inverse[x] - ONE
            most = max(max(r, g), b)
            of_x = _RX if r == most else (_GX if g == most else _BX)
            of_z = _RZ if r == most else (_GZ if g == most else _BZ)
            c1, d1 = of_x * by_x, of_z * by_z
            c2, d2 = c1 * by_x, d1 * by_z
            first_power, second_power, third_power = _THREE * (c1 + d1), _THREE * (c2 + d2), c2 * by_x + d2 * by_z
            share = room / max(most - ONE, _NEAR)
            slope = first_power + share * (_TWO * second_power + share * _THREE * third_power)
            per_slope = ONE / max(slope, _NEAR)
            share -= (share * (first_power + share * (second_power + share * third_power)) - room) * per_slope
            beyond = most - ONE - room > _UNCERTAIN
            share = min(max(share, ZERO), ONE) if beyond else ONE
            p, q = ONE + share * by_x, ONE + share * by_z
            r, g, b = _ratios(p, q)
            ratios[0, x], ratios[1, x], ratios[2, x] = r, g, b
            least, most = min(min(r, g), b), max(max(r, g), b)
            inexact = beyond & (abs(most - ONE - room) > _INEXACT)
            odd = _is_odd(inverse[x], p, q, g, least, most) & ((by_x != ZERO) | (by_z != ZERO))
            flags[x] = np.uint8(odd | inexact)


@vector_part
def _raise(ratios: F4s, size: int) -> None:
    """Raise the first `size` of each of the three `ratios` to the 5/12."""
    for channel in (0, 2):
        line = ratios[channel]
        for x in range(size):
            small = line[x] < _SPLIT
            t = line[x] * _LARGER if small else line[x]
            low = _P0 + t * (_P1 + t * (_P2 + t * (_P3 + t * (_P4 + t * (_P5 + t * (_P6 + t * _P7))))))
            line[x] = low * _BACK if small else low
    green = ratios[1]
    for x in range(size):
        t = green[x]
        green[x] = _N0 + t * (_N1 + t * (_N2 + t * (_N3 + t * (_N4 + t * _N5))))


@vector_part
def _round(scale: F4s, powers: F4s, levels: _Bytes, flags: _Bytes) -> None:
    """Fill `levels` (3, n) with whole levels of the same gray; add to `flags` where that cannot be."""
    for x in range(scale.size):
        r, g, b = powers[0, x], powers[1, x], powers[2, x]
        red, green, blue = scale[x] * r - _OFFSET, scale[x] * g - _OFFSET, scale[x] * b - _OFFSET
        whole_red, whole_blue = np.floor(red + HALF), np.floor(blue + HALF)
        of_red, of_blue = _R_PER_G * (_S0 + r * (_S1 + r * _S2)), _B_PER_G * (_B0 + b * _B1)
        taken = of_red * (whole_red - red) + of_blue * (whole_blue - blue)
        moved = taken * (_G0 + g * (_G1 + g * _G2))
        green -= moved
        levels[0, x], levels[1, x], levels[2, x] = whole_red, green + HALF, whole_blue
        odd = (min(min(red, green), blue) <= _DARKEST) | (max(max(red, green), blue) >= _BRIGHTEST)
        flags[x] |= np.uint8((odd | (abs(moved) > _FARTHEST)) & (scale[x] > _OFFSET))


@part
def _store(levels: _Bytes, result: Pixels) -> None:
    """Fill `result` (3 n), pixel by pixel, with `levels` (3, n)."""
    red, green, blue = levels[0], levels[1], levels[2]
    for x in range(red.size):
        result[3 * x] = red[x]
        result[3 * x + 1] = green[x]
        result[3 * x + 2] = blue[x]


@part
def _flagged(flags: _Bytes, blocks: U4s) -> int:
    """Return how many blocks have a flag; fill `blocks` with their first columns."""
    words = flags.view(np.uint64)
    count = 0
    for block in range(flags.size // _BLOCK):
        found = np.uint64(0)
        for i in range(_BLOCK // 8):
            found |= words[block * (_BLOCK // 8) + i]
        blocks[count] = block * _BLOCK
        count += found != 0
    return count


@part
def _take_rows(wide: F4s, at: int, first: int, size: int, planes: F4s) -> None:
    """Fill `planes` with `size` columns, from `first` on, of row `at` of `wide`, and with the step to the next row."""
    for i in range(4):
        upper, lower = wide[at, i], wide[at + 1, i]
        for x in range(size):
            planes[i, x] = upper[first + x]
            planes[i + 4, x] = lower[first + x] - upper[first + x]


def most_left(height: int, width: int) -> int:
    """Return how many places `join` may leave, those that are met twice, and one more that is not counted."""
    return height * (width + min(width, _TILE)) + 1


@part
def _tile_size(width: int) -> int:
    """Return how many columns a tile has: a multiple of `_BLOCK`, and no more of them than the picture has."""
    tiles = (width + _TILE - 1) // _TILE
    wanted = (width + tiles - 1) // tiles
    return min((wanted + _BLOCK - 1) // _BLOCK, width // _BLOCK) * _BLOCK


@kernel(
    types.int64(
        *(array(_U1, 2), array(_F4, 3), array(types.int32, 1), array(_F4, 1)),
        *(array(types.uint32, 1, readonly=False), array(_U1, 2, readonly=False)),
    )
)
def join(gray: Pixels, wide: F4s, at: I4s, down: F4s, left: U4s, result: Pixels) -> int:
    """Fill `result` (h, 3 w) with the colours of `wide` (n, 4, w) for the gray levels `gray` (h, w).

    w is at least `LEAST_WIDTH`. Return how many pixels are not ordinary, and fill `left`, which has room for as many as
    `most_left` says, with their places, counted along the rows of `gray`.
    """
    width = gray.shape[1]
    size = _tile_size(width)
    work = np.empty((15, size + _APART), np.float32)
    planes, chroma, ratios = work[:8], work[8:10], work[10:13]
    scale, inverse = work[13, :size], work[14, :size]
    levels, flags, blocks = np.empty((3, size), np.uint8), np.empty(size, np.uint8), np.empty(size, np.uint32)
    count = 0
    for tile in range((width + size - 1) // size):
        # The last tile is as long as the others, and so begins where one before it has been already.
        first = min(tile * size, width - size)
        have = -1
        for y in range(gray.shape[0]):
            if at[y] != have:
                have = at[y]
                _take_rows(wide, have, first, size, planes)
            _invert(gray[y, first : first + size], scale, inverse)
            _relate(scale, inverse, planes, down[y], chroma, ratios, flags)
            _reduce_chroma(inverse, chroma, blocks, _flagged(flags, blocks), ratios, flags)
            _raise(ratios, size)
            _round(scale, ratios, levels, flags)
            _store(levels, result[y, 3 * first : 3 * (first + size)])
            for k in range(_flagged(flags, blocks)):
                for x in range(blocks[k], blocks[k] + _BLOCK):
                    left[count] = y * width + first + x
                    count += flags[x] != 0
    return count
