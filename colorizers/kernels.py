"""Rows of pixels and small ab planes in, rows of RGB out: the compiled inside of the colour pass.

A row goes through short loops without branches, which the compiler turns into vector instructions; only pixels outside
the gamut, or whose gray would change, are looked at one by one. numba compiles these functions for fixed types and
keeps them on disk. It renews that cache by the file a function stands in, so everything compiled is in this one file.
What the tables hold is said in `colorizers.colour`.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from colorizers.lab import LAB_LINEAR_BELOW, LAB_LINEAR_OFFSET, LAB_LINEAR_SLOPE, RGB_TO_XYZ, Y_WEIGHTS, Pixels

HUES = 512
"""How many hues the gamut table tells apart."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
_F4s = NDArray[np.float32]
_F8s = NDArray[np.float64]
_I4s = NDArray[np.int32]
_U4s = NDArray[np.uint32]
_F4, _F8, _I4 = types.float32, types.float64, types.int32
_Light = tuple[np.float32, np.float32, np.float32]

_f4 = np.float32
_ZERO, _HALF, _ONE, _WHITE = _f4(0), _f4(0.5), _f4(1), _f4(255)
# White is what r = g = b = 1 gives with this matrix, so that ab = 0 is exactly neutral.
_XYZ_TO_RGB = (np.linalg.inv(RGB_TO_XYZ) * RGB_TO_XYZ.sum(axis=1)).astype(np.float32)
_RX, _RY, _RZ = _XYZ_TO_RGB[0]
_GX, _GY, _GZ = _XYZ_TO_RGB[1]
_BX, _BY, _BZ = _XYZ_TO_RGB[2]
_A_TO_FX, _B_TO_FZ = _f4(1 / 500), _f4(1 / 200)
_CUBE_ABOVE = _f4(6 / 29)
_LINE_OFFSET, _LINE_SLOPE = _f4(LAB_LINEAR_OFFSET), _f4(1 / LAB_LINEAR_SLOPE)
_LINE_BELOW, _LINE_RISE = _f4(LAB_LINEAR_BELOW), _f4(LAB_LINEAR_SLOPE)
_R_WEIGHT, _G_WEIGHT, _B_WEIGHT = Y_WEIGHTS.astype(np.float32)
# The bits of a positive float, divided by three and taken from this, are nearly those of its inverse cube root.
_CUBE_ROOT_BITS = _f4(0x54A2FA8C)
_THIRD, _TWO_NINTHS, _FOURTEEN_81STS = _f4(1 / 3), _f4(2 / 9), _f4(14 / 81)
# Single precision leaves this share of the brightest and of the pixel's own luminance uncertain.
_UNCERTAIN = _f4(1e-6)
_TINY = _f4(1e-9)
_HUES = _f4(HUES)
_FARTHEST = _f4(0.2)
_NEXT = np.uint32(1)
# No colour of sRGB has |a| + |b| above 190.
_LARGEST_SIZE, _SIZE_STEP, _BISECTIONS = _f4(200), _f4(4), 12
# The sRGB curve above its straight part, fitted to 1, x, x**2 and x to the 1/2, 1/4, 1/8 and 3/2: three square roots
# instead of a power. At most 2.4e-6 off, a seventh of a 16-bit level.
_LINEAR_BELOW, _LINEAR_RISE = _f4(0.0031308), _f4(12.92)
_CURVE = (-0.0266091116, -0.077763333, -0.0069774704, 0.756616996, 0.530903682, -0.206881508, 0.0307085524)
_C_1, _C_X, _C_XX, _C_2ND, _C_4TH, _C_8TH, _C_X2ND = (_f4(value) for value in _CURVE)
# For 8 bits the curve is looked up by exponent and first bits of the light, a twentieth of a level at most from where
# it is; darker than this, all is black.
DARKEST, KEY_BITS = _f4(2.0**-13), 10
_KEY_SHIFT = 23 - KEY_BITS
_FIRST_KEY = int(DARKEST.view(np.int32)) >> _KEY_SHIFT


def _array(kind: Any, dimensions: int, readonly: bool = True) -> Any:
    return types.Array(kind, dimensions, "C", readonly=readonly)


def _kernel(*signatures: tuple[Any, ...]) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles for these arguments at import, or takes the machine code from disk."""
    decorator = njit([types.void(*arguments) for arguments in signatures], cache=True, nogil=True)
    return cast(Callable[[_Function], _Function], decorator)


def _part(function: _Function) -> _Function:
    """Mark a function as part of the kernels below; it is compiled into them."""
    return cast(_Function, njit(function))


def _vector_part(function: _Function) -> _Function:
    """Mark a function as a part whose arithmetic, on finite numbers, may be rearranged into vector instructions."""
    return cast(_Function, njit(function, fastmath={"contract", "nsz", "arcp", "nnan", "ninf"}))


@_vector_part
def _cube(f: np.float32) -> np.float32:
    """Return the inverse of CIELAB's f."""
    return f * f * f if f > _CUBE_ABOVE else (f - _LINE_OFFSET) * _LINE_SLOPE


@_vector_part
def _linear_rgb(f: np.float32, a: np.float32, b: np.float32) -> _Light:
    """Return linear r, g, b for f = f(Y) and ab; beyond 0..1 where that is out of gamut."""
    x, y, z = _cube(f + a * _A_TO_FX), _cube(f), _cube(max(f - b * _B_TO_FZ, _ZERO))
    return _RX * x + _RY * y + _RZ * z, _GX * x + _GY * y + _GZ * z, _BX * x + _BY * y + _BZ * z


@_vector_part
def _is_beyond(luminance: np.float32, r: np.float32, g: np.float32, b: np.float32) -> bool:
    """Return whether linear r, g, b are outside the gamut."""
    return bool((min(r, g, b) < -_UNCERTAIN * luminance) | (max(r, g, b) > _ONE + _UNCERTAIN))


@_vector_part
def _encoded(light: np.float32) -> np.float32:
    """Return the sRGB-encoded value, 0..1, of linear light; what is beyond 0..1 is clamped."""
    x = min(max(light, _ZERO), _ONE)
    second = np.sqrt(x)
    fourth = np.sqrt(second)
    eighth = np.sqrt(fourth)
    curve = _C_1 + _C_2ND * second + _C_4TH * fourth + _C_8TH * eighth + x * (_C_X + _C_X2ND * second + _C_XX * x)
    return x * _LINEAR_RISE if x < _LINEAR_BELOW else curve


@_part
def _limit(f: np.float32, a: np.float32, b: np.float32) -> np.float32:
    """Return the largest size up to which (a, b), of size |a| + |b| = 1, may grow in the gamut.

    Rays of bright yellow leave the gamut by a hair and enter it again; the outermost exit counts, or colours would
    change in steps.
    """
    outside = _LARGEST_SIZE
    inside = outside - _SIZE_STEP
    while inside > _ZERO and _is_beyond(_cube(f), *_linear_rgb(f, a * inside, b * inside)):
        outside = inside
        inside = max(outside - _SIZE_STEP, _ZERO)
    for _ in range(_BISECTIONS):
        middle = (inside + outside) * _HALF
        if _is_beyond(_cube(f), *_linear_rgb(f, a * middle, b * middle)):
            outside = middle
        else:
            inside = middle
    return inside


@_part
def _source(i: int, size: int, small_size: int) -> tuple[int, int, np.float32]:
    """Return the two source positions and the weight of the second, for target position i (half-pixel centres)."""
    source = max((i + 0.5) * small_size / size - 0.5, 0.0)
    first = int(source)
    return first, min(first + 1, small_size - 1), _f4(source - first)


@_part
def _column_sources(width: int, small_width: int) -> tuple[_I4s, _I4s, _F4s]:
    x0 = np.empty(width, np.int32)
    x1 = np.empty(width, np.int32)
    weight = np.empty(width, np.float32)
    for x in range(width):
        x0[x], x1[x], weight[x] = _source(x, width, small_width)
    return x0, x1, weight


@_part
def _widen(small: _F4s, y: int, x0: _I4s, x1: _I4s, weight: _F4s, wide: _F4s) -> None:
    """Fill `wide` (planes, w) with row y of `small` (planes, h', w'), interpolated along the row."""
    for plane in range(small.shape[0]):
        for x in range(weight.size):
            left = small[plane, y, x0[x]]
            wide[plane, x] = left + weight[x] * (small[plane, y, x1[x]] - left)


@_vector_part
def _blend(f: _F4s, upper: _F4s, lower: _F4s, weight: np.float32, ab: _F4s) -> None:
    """Fill `ab` (2, w) from the rows of the planes above and below: ab, or ab at f = 0 and their rise with f."""
    if upper.shape[0] == 2:
        for x in range(f.size):
            ab[0, x] = upper[0, x] + weight * (lower[0, x] - upper[0, x])
            ab[1, x] = upper[1, x] + weight * (lower[1, x] - upper[1, x])
    else:
        for x in range(f.size):
            a = upper[0, x] + weight * (lower[0, x] - upper[0, x])
            b = upper[1, x] + weight * (lower[1, x] - upper[1, x])
            ab[0, x] = a + f[x] * (upper[2, x] + weight * (lower[2, x] - upper[2, x]))
            ab[1, x] = b + f[x] * (upper[3, x] + weight * (lower[3, x] - upper[3, x]))


@_vector_part
def _uncolour(f: _F4s, ab: _F4s) -> None:
    """Make `ab` (2, w) 0 where f is that of black or white: the gamut table says the same, but takes its time."""
    for x in range(f.size):
        share = _ONE if (f[x] > _LINE_OFFSET) & (f[x] < _ONE) else _ZERO
        ab[0, x] *= share
        ab[1, x] *= share


@_vector_part
def _shine(f: _F4s, ab: _F4s, light: _F4s, beyond: NDArray[np.uint8]) -> None:
    """Fill `light` (3, w) with linear r, g, b; `beyond` is 1 where they are out of gamut."""
    for x in range(f.size):
        r, g, b = _linear_rgb(f[x], ab[0, x], ab[1, x])
        light[0, x], light[1, x], light[2, x] = r, g, b
        beyond[x] = np.uint8(_is_beyond(_cube(f[x]), r, g, b))


@_part
def _collect(f: _F4s, ab: _F4s, gray: Pixels, beyond: NDArray[np.uint8], which: _U4s, found: _F4s) -> int:
    """Return how many pixels are beyond the gamut; fill `which` with their columns, `found` with f, a, b and level."""
    count = 0
    for x in range(beyond.size):
        which[count] = x
        count += beyond[x]
    for k in range(count):
        x = which[k]
        found[0, k], found[1, k], found[2, k], found[3, k] = f[x], ab[0, x], ab[1, x], gray[x]
    return count


@_vector_part
def _hue(a: np.float32, b: np.float32, per_size: np.float32) -> np.float32:
    """Return the hue of (a, b), 1 / (|a| + |b|) being `per_size`: the position around a diamond, 0.._HUES."""
    along = _ONE - a * per_size if b >= _ZERO else _f4(3) + a * per_size
    return along * _HUES * _f4(0.25)


@_vector_part
def _reduce_chroma(count: int, rows_per_level: np.float32, gamut: _F4s, found: _F4s) -> None:
    """Reduce ab of the first `count` columns of `found` (f, a, b, level) to what the gamut table allows there."""
    limits = gamut.reshape(-1)
    width, last_row = np.uint32(gamut.shape[1]), _f4(gamut.shape[0] - 2)
    for k in range(count):
        a, b = found[1, k], found[2, k]
        per_size = _ONE / max(abs(a) + abs(b), _TINY)
        hue, level = _hue(a, b, per_size), found[3, k] * rows_per_level
        i, j = np.uint32(min(level, last_row)), np.uint32(min(hue, _HUES - _ONE))
        down, along, at = level - _f4(i), hue - _f4(j), i * width + j
        upper = limits[at] + along * (limits[at + _NEXT] - limits[at])
        lower = limits[at + width] + along * (limits[at + width + _NEXT] - limits[at + width])
        share = min((upper + down * (lower - upper)) * per_size, _ONE)
        found[1, k], found[2, k] = a * share, b * share


@_vector_part
def _reduce_chroma_at_levels(count: int, gamut: _F4s, found: _F4s) -> None:
    """Do what `_reduce_chroma` does where every level has its row in the gamut table."""
    limits = gamut.reshape(-1)
    width = np.uint32(gamut.shape[1])
    for k in range(count):
        a, b = found[1, k], found[2, k]
        per_size = _ONE / max(abs(a) + abs(b), _TINY)
        hue = _hue(a, b, per_size)
        j = np.uint32(min(hue, _HUES - _ONE))
        at = np.uint32(found[3, k]) * width + j
        share = min((limits[at] + (hue - _f4(j)) * (limits[at + _NEXT] - limits[at])) * per_size, _ONE)
        found[1, k], found[2, k] = a * share, b * share


@_vector_part
def _slope(f: np.float32) -> np.float32:
    """Return the slope of `_cube`."""
    return _f4(3) * f * f if f > _CUBE_ABOVE else _LINE_SLOPE


@_vector_part
def _exit(light: np.float32, rise: np.float32) -> np.float32:
    """Return how much further light goes that rises so quickly until it is below black or above white."""
    way = (_ONE - light) / max(rise, _TINY) if rise > _ZERO else light / max(-rise, _TINY)
    return min(max(way, -_FARTHEST), _FARTHEST)


@_vector_part
def _approach_limits(count: int, found: _F4s) -> None:
    """Take the chroma of the first `count` columns of `found` (f, a, b) a step nearer to the edge of the gamut.

    The gamut table is straight between its hues, the edge is not: Newton's step for whichever of red, green and blue
    leaves first.
    """
    for k in range(count):
        f, a, b = found[0, k], found[1, k], found[2, k]
        fx, fz = f + a * _A_TO_FX, max(f - b * _B_TO_FZ, _ZERO)
        x, y, z = _cube(fx), _cube(f), _cube(fz)
        # By how much x and z rise with the share of ab that is taken.
        dx, dz = _slope(fx) * a * _A_TO_FX, -_slope(fz) * b * _B_TO_FZ
        red = _exit(_RX * x + _RY * y + _RZ * z, _RX * dx + _RZ * dz)
        green = _exit(_GX * x + _GY * y + _GZ * z, _GX * dx + _GZ * dz)
        blue = _exit(_BX * x + _BY * y + _BZ * z, _BX * dx + _BZ * dz)
        share = _ONE + min(red, green, blue)
        found[1, k], found[2, k] = a * share, b * share


@_vector_part
def _shine_within(count: int, found: _F4s) -> None:
    """Turn f, a, b in the first `count` columns of `found` into linear r, g, b of the same luminance, within 0..1.

    What is still outside by a hair is cut off and mixed with as much white or black as restores the luminance.
    """
    for k in range(count):
        f = found[0, k]
        r, g, b = _linear_rgb(f, found[1, k], found[2, k])
        r, g, b = min(max(r, _ZERO), _ONE), min(max(g, _ZERO), _ONE), min(max(b, _ZERO), _ONE)
        wanted, has = _cube(f), _R_WEIGHT * r + _G_WEIGHT * g + _B_WEIGHT * b
        white = max((wanted - has) / max(_ONE - has, _TINY), _ZERO)
        rest = (_ONE - white) * min(wanted / max(has, _TINY), _ONE)
        found[0, k], found[1, k], found[2, k] = white + rest * r, white + rest * g, white + rest * b


@_vector_part
def _encode(light: _F4s, white: np.float32) -> None:
    """Turn `light` (3, w), linear, into sRGB levels with `white` as the highest, plus one half."""
    for channel in range(3):
        for x in range(light.shape[1]):
            light[channel, x] = _encoded(light[channel, x]) * white + _HALF


@_vector_part
def _find_keys(light: _F4s, keys: NDArray[np.uint16]) -> None:
    """Fill `keys` (n, w) with where to look up the levels of `light` (n, w), which is cut off at black and white."""
    bits = light.view(np.int32)
    for channel in range(light.shape[0]):
        for x in range(light.shape[1]):
            light[channel, x] = min(max(light[channel, x], DARKEST), _ONE)
        for x in range(light.shape[1]):
            keys[channel, x] = (bits[channel, x] >> _KEY_SHIFT) - _FIRST_KEY


@_part
def _store_looked_up(keys: NDArray[np.uint16], levels: NDArray[np.uint8], result: Pixels) -> None:
    """Fill `result` (w, 3) with the levels at `keys` (3, w)."""
    for x in range(keys.shape[1]):
        for channel in range(3):
            result[x, channel] = levels[keys[channel, x]]


@_part
def _store(light: _F4s, result: Pixels) -> None:
    """Fill `result` (w, 3) with the whole levels of `light` (3, w)."""
    for x in range(light.shape[1]):
        for channel in range(3):
            result[x, channel] = light[channel, x]


@_part
def _allowed_neighbour(
    r: np.float32, g: np.float32, b: np.float32, weighted: _I4s, least: int, bound: int, reach: int
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
def _exact(
    level: int, r: np.float32, g: np.float32, b: np.float32, weighted: _I4s, least: int, bound: int
) -> tuple[int, int, int]:
    """Return the whole levels nearest to r, g, b whose Y is allowed, or the gray itself where none are near."""
    for reach in range(1, 5):
        i, j, k = _allowed_neighbour(r, g, b, weighted, least, bound, reach)
        if i >= 0:
            return i, j, k
    return level, level, level


@_part
def _store_and_check(
    gray: Pixels,
    keys: NDArray[np.uint16],
    shares: _I4s,
    surely: _I4s,
    which: _U4s,
    result: Pixels,
) -> int:
    """Fill `result` (w, 3) with the levels at `keys` (3, w); return how many have a Y that may not be allowed.

    Their columns fill `which`.
    """
    count = 0
    for x in range(gray.size):
        level = gray[x]
        red, green, blue = shares[0, keys[0, x]], shares[1, keys[1, x]], shares[2, keys[2, x]]
        result[x, 0], result[x, 1], result[x, 2] = np.uint8(red), np.uint8(green), np.uint8(blue)
        luminance = red + green + blue
        # Few are not, so that a branch is quicker than counting without one.
        if luminance < surely[level, 0] or luminance >= surely[level, 1]:
            which[count] = x
            count += 1
    return count


@_part
def _store_exact(
    gray: Pixels,
    light: _F4s,
    weighted: _I4s,
    least: _I4s,
    bound: _I4s,
    which: _U4s,
    found: _F4s,
    result: Pixels,
) -> None:
    """Fill columns `which` of `result` (w, 3) with levels near `light` (3, w) whose Y is allowed."""
    for k in range(which.size):
        for channel in range(3):
            found[channel, k] = light[channel, which[k]]
    _encode(found[:3, : which.size], _WHITE)
    for k in range(which.size):
        x = which[k]
        level = gray[x]
        r, g, b = found[0, k] - _HALF, found[1, k] - _HALF, found[2, k] - _HALF
        chosen = _exact(int(level), r, g, b, weighted, least[level], bound[level])
        result[x, 0], result[x, 1], result[x, 2] = chosen


@_kernel((_array(_F4, 1), _array(_F4, 2, readonly=False)))
def fill_gamut(lab_f: _F4s, gamut: _F4s) -> None:
    """Fill the gamut table (256, HUES + 1): the largest |a| + |b| inside sRGB, by gray level and hue."""
    for level in range(gamut.shape[0]):
        for hue in range(gamut.shape[1]):
            along = _f4(4) * _f4(hue) / _HUES
            upper_half = hue <= HUES // 2
            a = _ONE - along if upper_half else along - _f4(3)
            b = _ONE - abs(a) if upper_half else abs(a) - _ONE
            gamut[level, hue] = _limit(lab_f[level], a, b)


@_part
def _bring_rows(
    planes: _F4s, at: int, have: int, x0: _I4s, x1: _I4s, along: _F4s, upper: _F4s, lower: _F4s
) -> tuple[_F4s, _F4s]:
    """Return rows `at` and the next of `planes`, widened, where `upper` and `lower` hold rows `have` and the next."""
    if at == have:
        return upper, lower
    if at == have + 1:
        upper, lower = lower, upper
    else:
        _widen(planes, at, x0, x1, along, upper)
    _widen(planes, min(at + 1, planes.shape[1] - 1), x0, x1, along, lower)
    return upper, lower


def _join_signature(depth: Any) -> tuple[Any, ...]:
    lookups = (_array(_F4, 1), _array(_F4, 2))
    grays = (_array(_I4, 2), _array(_I4, 2), _array(_I4, 2), _array(_I4, 1), _array(_I4, 1))
    place = (types.int64, types.int64)
    return (_array(depth, 2), _array(_F4, 3), *place, *lookups, types.boolean, *grays, _array(depth, 3, readonly=False))


@_kernel(_join_signature(types.uint8), _join_signature(types.uint16))
def join(
    gray: Pixels,
    planes: _F4s,
    top: int,
    height: int,
    lab_f: _F4s,
    gamut: _F4s,
    exact: bool,
    shares: _I4s,
    surely: _I4s,
    weighted: _I4s,
    least: _I4s,
    bound: _I4s,
    result: Pixels,
) -> None:
    """Fill `result` (h, w, 3) with the colours of `planes` for the gray levels `gray` (h, w).

    These are rows `top` and on of a picture `height` rows high. `exact`, for 8 bits, takes levels whose Y lies
    between `least` and `bound` of the gray level.
    """
    width = gray.shape[1]
    x0, x1, along = _column_sources(width, planes.shape[2])
    upper, lower = np.empty((planes.shape[0], width), np.float32), np.empty((planes.shape[0], width), np.float32)
    ab, light, keys = (
        np.empty((2, width), np.float32),
        np.empty((3, width), np.float32),
        np.empty((3, width), np.uint16),
    )
    f, beyond = np.empty(width, np.float32), np.empty(width, np.uint8)
    which, found = np.empty(width, np.uint32), np.empty((4, width), np.float32)
    rows_per_level = _f4(gamut.shape[0] - 1) / _f4(lab_f.size - 1)
    have = -2
    for y in range(gray.shape[0]):
        at, _, down = _source(top + y, height, planes.shape[1])
        upper, lower = _bring_rows(planes, at, have, x0, x1, along, upper, lower)
        have = at
        for x in range(width):
            f[x] = lab_f[gray[y, x]]
        _blend(f, upper, lower, down, ab)
        _uncolour(f, ab)
        _shine(f, ab, light, beyond)
        count = _collect(f, ab, gray[y], beyond, which, found)
        if rows_per_level == _ONE:
            _reduce_chroma_at_levels(count, gamut, found)
        else:
            _reduce_chroma(count, rows_per_level, gamut, found)
        _approach_limits(count, found)
        _shine_within(count, found)
        for k in range(count):
            light[0, which[k]], light[1, which[k]], light[2, which[k]] = found[0, k], found[1, k], found[2, k]
        if exact:
            _find_keys(light, keys)
            count = _store_and_check(gray[y], keys, shares, surely, which, result[y])
            _store_exact(gray[y], light, weighted, least, bound, which[:count], found, result[y])
        else:
            _encode(light, _f4(lab_f.size - 1))
            _store(light, result[y])


@_vector_part
def _cube_roots(y: _F4s, f: _F4s) -> None:
    """Fill `f` with CIELAB's f of luminances `y`.

    The bits of y give a first guess of its inverse cube root, at most a thirtieth off; then two steps along the series
    of (1 - rest) to the -1/3, of four and two terms, leave what single precision leaves. Nothing is divided.
    """
    guess, bits = f.view(np.int32), y.view(np.int32)
    for x in range(y.size):
        guess[x] = np.int32(_CUBE_ROOT_BITS - _THIRD * _f4(bits[x]))
    for x in range(y.size):
        light, root = max(y[x], _TINY), f[x]
        rest = _ONE - light * root * root * root
        root += root * rest * (_THIRD + rest * (_TWO_NINTHS + rest * _FOURTEEN_81STS))
        root += root * _THIRD * (_ONE - light * root * root * root)
        f[x] = light * root * root if y[x] > _LINE_BELOW else y[x] * _LINE_RISE + _LINE_OFFSET


def _clip_signature(depth: Any) -> tuple[Any, ...]:
    tables = (_array(_F8, 2), _array(types.uint8, 1))
    place = (types.int64, types.int64)
    return (_array(depth, 3), _array(_F4, 3), *place, *tables, _array(depth, 3, readonly=False))


@_kernel(_clip_signature(types.uint8), _clip_signature(types.uint16))
def join_clipped(
    pixels: Pixels, planes: _F4s, top: int, height: int, weighted: _F8s, levels: NDArray[np.uint8], result: Pixels
) -> None:
    """Fill `result` (h, w, 3) as `join` does for gray (h, w, 1) or RGB (h, w, 3), but clip what is out of gamut."""
    width = pixels.shape[1]
    x0, x1, along = _column_sources(width, planes.shape[2])
    upper, lower = np.empty((planes.shape[0], width), np.float32), np.empty((planes.shape[0], width), np.float32)
    ab, light, keys = (
        np.empty((2, width), np.float32),
        np.empty((3, width), np.float32),
        np.empty((3, width), np.uint16),
    )
    luminance, f = np.empty(width, np.float32), np.empty(width, np.float32)
    beyond = np.empty(width, np.uint8)
    red, green, blue = (0, 1, 2) if pixels.shape[2] == 3 else (0, 0, 0)
    have = -2
    for y in range(pixels.shape[0]):
        at, _, down = _source(top + y, height, planes.shape[1])
        upper, lower = _bring_rows(planes, at, have, x0, x1, along, upper, lower)
        have = at
        for x in range(width):
            r, g, b = pixels[y, x, red], pixels[y, x, green], pixels[y, x, blue]
            luminance[x] = weighted[0, r] + weighted[1, g] + weighted[2, b]
        _cube_roots(luminance, f)
        _blend(f, upper, lower, down, ab)
        _shine(f, ab, light, beyond)
        if weighted.shape[1] == 256:
            _find_keys(light, keys)
            _store_looked_up(keys, levels, result[y])
        else:
            _encode(light, _f4(weighted.shape[1] - 1))
            _store(light, result[y])


@_vector_part
def _guess_levels(luminance: _F8s, white: np.float32, guess: _F4s) -> None:
    """Fill `guess` with the levels that luminances have by the fitted curve, plus one half."""
    for x in range(luminance.size):
        guess[x] = _encoded(_f4(luminance[x])) * white + _HALF


def _gray_signature(depth: Any) -> tuple[Any, ...]:
    tables = (_array(_F8, 2), _array(_F8, 1), _array(types.uint8, 1))
    return (_array(depth, 3), *tables, _array(depth, 2, readonly=False))


@_kernel(_gray_signature(types.uint8), _gray_signature(types.uint16))
def gray_of(rgb: Pixels, weighted: _F8s, boundaries: _F8s, levels: NDArray[np.uint8], result: Pixels) -> None:
    """Fill `result` (h, w) with the gray levels of RGB (h, w, 3): those whose boundaries enclose Y.

    For 8 bits `levels` gives a first guess.
    """
    width = rgb.shape[1]
    luminance, guess = np.empty(width, np.float64), np.empty((1, width), np.float32)
    keys = np.empty((1, width), np.uint16)
    white = boundaries.size - 2
    for y in range(rgb.shape[0]):
        for x in range(width):
            luminance[x] = weighted[0, rgb[y, x, 0]] + weighted[1, rgb[y, x, 1]] + weighted[2, rgb[y, x, 2]]
        if white == 255:
            for x in range(width):
                guess[0, x] = luminance[x]
            _find_keys(guess, keys)
            for x in range(width):
                level = int(levels[keys[0, x]])
                result[y, x] = level + (luminance[x] >= boundaries[level + 1]) - (luminance[x] < boundaries[level])
        else:
            _guess_levels(luminance, _f4(white), guess[0])
            for x in range(width):
                level = int(guess[0, x])
                while luminance[x] < boundaries[level]:
                    level -= 1
                while luminance[x] >= boundaries[level + 1]:
                    level += 1
                result[y, x] = level
