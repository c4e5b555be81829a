"""A picture's features in, its overlapping tiles in Winograd's domain out, and back, for `winograd_layers`.

The transforms are those of Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks". F(4x4, 3x3): tiles
of 6x6 pixels, four apart, give 4x4 results each; a dilated convolution is several plain ones, on every `dilation`-th
row and column. F(3x3, 2x2), for transposed convolutions: tiles of 4x4, three apart, give 3x3 results in each of four
phases. Features are (n, h, w, c), c a multiple of `LANES`. Tiles and products are rows of 36 or 16 numbers, each of all
channels, and rows may be longer than that (see `winograd_products`).

Sixteen channels at a time stay in the processor's vector registers, however wide those are. LLVM does not find out by
itself that the 36 streams of a transform may go side by side; so there is a type for sixteen numbers, `_LanesType`,
with +, - and *.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from colorizers.compiling import F4s, array, kernel, part

LANES = 16
"""Numbers side by side."""

_F4 = types.float32
_Lanes = Any
_f4 = np.float32
_TWO, _FOUR, _FIVE, _EIGHT = _f4(2), _f4(4), _f4(5), _f4(8)
_VECTOR, _INT32 = ir.VectorType(ir.FloatType(), LANES), ir.IntType(32)


class _LanesType(types.Type):
    """Sixteen float32 side by side."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


# LLVM may make one operation of a product and a sum.
_MAY = ("contract", "nsz")
_lanes = _LanesType()
_model: Callable[..., Any] = models.PrimitiveModel
register_model(_LanesType)(lambda manager, kind: _model(manager, kind, _VECTOR))


def _place(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return where number `at` of `array`, seen as flat, and those after it lie in memory."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), _VECTOR.as_pointer())


def _load_from(_typing: Any, array: Any, at: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the numbers of `array`, seen as flat, from number `at` on."""

    def build(context: Any, builder: Any, call: Any, values: Any) -> Any:
        return builder.load(_place(context, builder, call.args[0], *values), align=4)

    return _lanes(array, at), build


def _store_to(_typing: Any, array: Any, at: Any, lanes: Any) -> tuple[Any, Callable[..., Any]]:
    """Write `lanes` to `array`, seen as flat, from number `at` on."""

    def build(context: Any, builder: Any, call: Any, values: Any) -> Any:
        builder.store(values[2], _place(context, builder, call.args[0], *values[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, at, lanes), build


def _spread_out(_typing: Any, number: Any) -> tuple[Any, Callable[..., Any]]:
    """Return `number` in all lanes."""

    def build(_context: Any, builder: Any, _call: Any, values: Any) -> Any:
        one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), values[0], _INT32(0))
        return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_INT32, LANES), None))

    return _lanes(number), build


def _larger_of(_typing: Any, first: Any, second: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the larger number of every lane."""

    def build(_context: Any, builder: Any, _call: Any, values: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *values), *values)

    return _lanes(first, second), build


_load: Callable[..., _Lanes] = intrinsic(_load_from)
_store: Callable[..., None] = intrinsic(_store_to)
_spread: Callable[..., _Lanes] = intrinsic(_spread_out)
_larger: Callable[..., _Lanes] = intrinsic(_larger_of)


def _give_lanes(operation: Callable[..., Any], instruction: str) -> None:
    """Let `operation` work on lanes, and on a number and lanes, by LLVM's `instruction`."""

    def build(_context: Any, builder: Any, _call: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*values, flags=_MAY)

    do: Callable[..., _Lanes] = intrinsic(lambda _typing, x, y: (_lanes(x, y), build))

    def choose(x: Any, y: Any) -> Callable[..., Any] | None:
        if (x, y) == (_lanes, _lanes):
            return lambda x, y: do(x, y)
        if (x, y) == (types.float32, _lanes):
            return lambda x, y: do(_spread(x), y)
        return None

    overload(operation, strict=False)(choose)


_give_lanes(operator.add, "fadd")
_give_lanes(operator.sub, "fsub")
_give_lanes(operator.mul, "fmul")


@part
def _pixel(x: F4s, image: int, row: int, column: int, first: int) -> _Lanes:
    """Return a pixel's channels from `first` on; outside the picture there is 0."""
    _, height, width, channels = x.shape
    if row < 0 or row >= height or column < 0 or column >= width:
        return _spread(_f4(0))
    return _load(x, ((image * height + row) * width + column) * channels + first)


@part
def _finish(finish: F4s, slope: np.float32, first: int, lanes: _Lanes) -> _Lanes:
    """Return results from channel `first` on after bias, ReLU and norm."""
    channels = finish.shape[1]
    lanes = lanes + _load(finish, first)
    return _larger(lanes, slope * lanes) * _load(finish, channels + first) + _load(finish, 2 * channels + first)


@part
def _six(x: F4s, at: int, step: int) -> tuple[_Lanes, _Lanes, _Lanes, _Lanes, _Lanes, _Lanes]:
    return (
        _load(x, at),
        _load(x, at + step),
        _load(x, at + 2 * step),
        _load(x, at + 3 * step),
        _load(x, at + 4 * step),
        _load(x, at + 5 * step),
    )


@part
def _enter_six(out: F4s, at: int, step: int, column: tuple[_Lanes, ...]) -> None:
    """Write B^T of a column for F(4, 3)."""
    a, b, c, d, e, f = column
    p, q = e - _FOUR * c, d - _FOUR * b
    r, s = e - c, _TWO * (d - b)
    _store(out, at, _FOUR * a - _FIVE * c + e)
    _store(out, at + step, p + q)
    _store(out, at + 2 * step, p - q)
    _store(out, at + 3 * step, r + s)
    _store(out, at + 4 * step, r - s)
    _store(out, at + 5 * step, _FOUR * b - _FIVE * d + f)


@part
def _leave_six(column: tuple[_Lanes, ...]) -> tuple[_Lanes, _Lanes, _Lanes, _Lanes]:
    """Return A^T of a column for F(4, 3)."""
    a, b, c, d, e, f = column
    p, q, r, s = b + c, b - c, d + e, d - e
    return a + p + r, q + _TWO * s, p + _FOUR * r, q + _EIGHT * s + f


@part
def _corner(number: int, dilation: int, down: int, across: int) -> tuple[int, int, int]:
    """Return image, row and column of a tile's first result; tiles are in order of image, phase, row and column."""
    phase, place = number // (down * across), number % (down * across)
    image, phase = phase // dilation**2, phase % dilation**2
    row, column = place // across * 4, place % across * 4
    return image, phase // dilation + row * dilation, phase % dilation + column * dilation


@kernel(types.void(array(_F4, 4), types.int64, types.int64, types.int64, types.int64, array(_F4, 2, False)))
def enter(x: F4s, dilation: int, down: int, across: int, start: int, out: F4s) -> None:
    """Fill `out` (tiles, 36 * c) with the transformed tiles of `x` (n, h, w, c) from number `start` on, for F(4, 3).

    Each of the `dilation`**2 phases of an image has `down` rows of `across` tiles.
    """
    channels, step = x.shape[3], dilation
    half = np.empty(36 * LANES, np.float32)
    for number in range(out.shape[0]):
        image, top, left = _corner(start + number, dilation, down, across)
        top, left = top - step, left - step
        for first in range(0, channels, LANES):
            for j in range(6):
                column = left + j * step
                six = (
                    _pixel(x, image, top, column, first),
                    _pixel(x, image, top + step, column, first),
                    _pixel(x, image, top + 2 * step, column, first),
                    _pixel(x, image, top + 3 * step, column, first),
                    _pixel(x, image, top + 4 * step, column, first),
                    _pixel(x, image, top + 5 * step, column, first),
                )
                _enter_six(half, j * LANES, 6 * LANES, six)
            for i in range(6):
                at = number * out.shape[1] + 6 * i * channels + first
                _enter_six(out, at, channels, _six(half, 6 * i * LANES, LANES))


@kernel(types.void(array(_F4, 2), array(_F4, 2), types.float32, *4 * [types.int64], array(_F4, 4, False)))
def leave(
    products: F4s, finish: F4s, slope: np.float32, dilation: int, down: int, across: int, start: int, y: F4s
) -> None:
    """Write the results of `products` (tiles, 36 * c), tiles as `enter` has them, into `y` (n, h, w, c).

    `finish` (3, c) is bias, scale and shift: what is written is relu(result + bias) * scale + shift, where relu takes
    negative values times `slope`, 0 to 1.
    """
    _, height, width, channels = y.shape
    half = np.empty(24 * LANES, np.float32)
    for number in range(products.shape[0]):
        image, top, left = _corner(start + number, dilation, down, across)
        rows, columns = -(-(height - top) // dilation), -(-(width - left) // dilation)
        for first in range(0, channels, LANES):
            for j in range(6):
                p, q, r, s = _leave_six(_six(products, number * products.shape[1] + j * channels + first, 6 * channels))
                _store(half, j * LANES, p)
                _store(half, (6 + j) * LANES, q)
                _store(half, (12 + j) * LANES, r)
                _store(half, (18 + j) * LANES, s)
            for i in range(min(4, rows)):
                p, q, r, s = _leave_six(_six(half, 6 * i * LANES, LANES))
                at, step = (
                    ((image * height + top + i * dilation) * width + left) * channels + first,
                    dilation * channels,
                )
                _store(y, at, _finish(finish, slope, first, p))
                if columns > 1:
                    _store(y, at + step, _finish(finish, slope, first, q))
                if columns > 2:
                    _store(y, at + 2 * step, _finish(finish, slope, first, r))
                if columns > 3:
                    _store(y, at + 3 * step, _finish(finish, slope, first, s))


@part
def _four(x: F4s, at: int, step: int) -> tuple[_Lanes, _Lanes, _Lanes, _Lanes]:
    return _load(x, at), _load(x, at + step), _load(x, at + 2 * step), _load(x, at + 3 * step)


@part
def _enter_four(out: F4s, at: int, step: int, column: tuple[_Lanes, ...]) -> None:
    """Write B^T of a column for F(3, 2)."""
    a, b, c, d = column
    _store(out, at, a - c)
    _store(out, at + step, b + c)
    _store(out, at + 2 * step, c - b)
    _store(out, at + 3 * step, d - b)


@part
def _leave_four(column: tuple[_Lanes, ...]) -> tuple[_Lanes, _Lanes, _Lanes]:
    """Return A^T of a column for F(3, 2)."""
    a, b, c, d = column
    p = b + c
    return a + p, b - c, p + d


@kernel(types.void(array(_F4, 4), types.int64, types.int64, types.int64, array(_F4, 2, False)))
def enter_transposed(x: F4s, down: int, across: int, start: int, out: F4s) -> None:
    """Fill `out` (tiles, 16 * c) with the transformed tiles of `x` (n, h, w, c) from number `start` on, for F(3, 2).

    An image has `down` rows of `across` tiles; the first one begins one pixel outside the picture.
    """
    channels = x.shape[3]
    half = np.empty(16 * LANES, np.float32)
    for number in range(out.shape[0]):
        image, place = (start + number) // (down * across), (start + number) % (down * across)
        top, left = place // across * 3 - 1, place % across * 3 - 1
        for first in range(0, channels, LANES):
            for j in range(4):
                four = (
                    _pixel(x, image, top, left + j, first),
                    _pixel(x, image, top + 1, left + j, first),
                    _pixel(x, image, top + 2, left + j, first),
                    _pixel(x, image, top + 3, left + j, first),
                )
                _enter_four(half, j * LANES, 4 * LANES, four)
            for i in range(4):
                at = number * out.shape[1] + 4 * i * channels + first
                _enter_four(out, at, channels, _four(half, 4 * i * LANES, LANES))


@kernel(types.void(array(_F4, 2), array(_F4, 2), types.float32, *3 * [types.int64], array(_F4, 4, False)))
def leave_transposed(products: F4s, finish: F4s, slope: np.float32, down: int, across: int, start: int, y: F4s) -> None:
    """Write the results of `products` (tiles, 64 * c), tiles as `enter_transposed` has them, into `y` (n, h, w, c).

    The four phases' channels follow one another: rows and columns 2 * i - 1, or 2 * i, of each. The rest as in `leave`.
    """
    _, height, width, channels = y.shape
    half = np.empty(12 * LANES, np.float32)
    for number in range(products.shape[0]):
        image, place = (start + number) // (down * across), (start + number) % (down * across)
        for block in range(0, 4 * channels, LANES):
            phase, first = block // channels, block % channels
            top, left = place // across * 6 - 1 + phase // 2, place % across * 6 - 1 + phase % 2
            for j in range(4):
                at = number * products.shape[1] + 4 * j * channels + block
                p, q, r = _leave_four(_four(products, at, 16 * channels))
                _store(half, j * LANES, p)
                _store(half, (4 + j) * LANES, q)
                _store(half, (8 + j) * LANES, r)
            for i in range(3):
                p, q, r = _leave_four(_four(half, 4 * i * LANES, LANES))
                row, at = top + 2 * i, ((image * height + top + 2 * i) * width + left) * channels + first
                if row >= 0 and row < height:
                    if left >= 0 and left < width:
                        _store(y, at, _finish(finish, slope, first, p))
                    if left + 2 < width:
                        _store(y, at + 2 * channels, _finish(finish, slope, first, q))
                    if left + 4 < width:
                        _store(y, at + 4 * channels, _finish(finish, slope, first, r))
