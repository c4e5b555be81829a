"""Kernels for the input and output transforms of Winograd convolutions.

The transforms are those of Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks". F(4x4, 3x3): tiles
of 6x6 pixels, four apart, give 4x4 results each; a dilated convolution is one convolution for each of its phases, the
pixels on every `dilation`-th row and column. F(3x3, 2x2), for transposed convolutions: tiles of 4x4, three apart, give
3x3 results in each of four phases. Features are (n, h, w, c), c a multiple of `LANES`. Rows of tiles and products hold
36 or 16 numbers for all channels, and may be longer (see `matmul`).

Sixteen channels at a time are kept in vector registers, of whatever width. LLVM does not vectorize the 36 streams of a
transform by itself, so there is a numba type for sixteen numbers, `_LanesType`, with +, - and *.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from colorizers.kernels.jit import F4s, array, kernel, part

LANES = 16
"""Numbers in a vector."""

_F4 = types.float32
_Lanes = Any
_f4 = np.float32
_TWO, _FOUR, _FIVE, _EIGHT = _f4(2), _f4(4), _f4(5), _f4(8)
VECTOR, INT32 = ir.VectorType(ir.FloatType(), LANES), ir.IntType(32)


class _LanesType(types.Type):
    """A vector of sixteen float32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


FUSED = ("contract", "nsz")
"""Flags that let LLVM fuse a product and a sum into one operation."""
_lanes = _LanesType()
_model: Callable[..., Any] = models.PrimitiveModel
register_model(_LanesType)(lambda manager, kind: _model(manager, kind, VECTOR))


def _vector_pointer(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """Return a pointer to the vector at index `at` of `array`, taken as flat."""
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), VECTOR.as_pointer())


def _build_load(_typing: Any, array: Any, at: Any) -> tuple[Any, Callable[..., Any]]:
    """Load a vector from index `at` of `array`, taken as flat."""

    def build(context: Any, builder: Any, call: Any, values: Any) -> Any:
        return builder.load(_vector_pointer(context, builder, call.args[0], *values), align=4)

    return _lanes(array, at), build


def _build_store(_typing: Any, array: Any, at: Any, lanes: Any) -> tuple[Any, Callable[..., Any]]:
    """Store `lanes` at index `at` of `array`, taken as flat."""

    def build(context: Any, builder: Any, call: Any, values: Any) -> Any:
        builder.store(values[2], _vector_pointer(context, builder, call.args[0], *values[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, at, lanes), build


def splat(builder: Any, value: Any) -> Any:
    """Build a vector with `value` in all lanes."""
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, INT32(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(INT32, LANES), None))


def _build_splat(_typing: Any, number: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a vector with `number` in all lanes."""
    return _lanes(number), lambda _context, builder, _call, values: splat(builder, values[0])


def _build_maximum(_typing: Any, first: Any, second: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the lane-wise maximum."""

    def build(_context: Any, builder: Any, _call: Any, values: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *values), *values)

    return _lanes(first, second), build


_load: Callable[..., _Lanes] = intrinsic(_build_load)
_store: Callable[..., None] = intrinsic(_build_store)
_splat: Callable[..., _Lanes] = intrinsic(_build_splat)
_maximum: Callable[..., _Lanes] = intrinsic(_build_maximum)


def _define_operator(operation: Callable[..., Any], instruction: str) -> None:
    """Define `operation` for two vectors, and for a number and a vector, by LLVM's `instruction`."""

    def build(_context: Any, builder: Any, _call: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*values, flags=FUSED)

    do: Callable[..., _Lanes] = intrinsic(lambda _typing, x, y: (_lanes(x, y), build))

    def choose(x: Any, y: Any) -> Callable[..., Any] | None:
        if (x, y) == (_lanes, _lanes):
            return lambda x, y: do(x, y)
        if (x, y) == (types.float32, _lanes):
            return lambda x, y: do(_splat(x), y)
        return None

    overload(operation, strict=False)(choose)


_define_operator(operator.add, "fadd")
_define_operator(operator.sub, "fsub")
_define_operator(operator.mul, "fmul")


@part
def _pixel(x: F4s, image: int, row: int, column: int, first: int) -> _Lanes:
    """Return the channels of a pixel from `first` on; 0 outside the image."""
    _, height, width, channels = x.shape
    if row < 0 or row >= height or column < 0 or column >= width:
        return _splat(_f4(0))
    return _load(x, ((image * height + row) * width + column) * channels + first)


@part
def _finish(finish: F4s, slope: np.float32, first: int, lanes: _Lanes) -> _Lanes:
    """Apply bias, ReLU and batch norm to results from channel `first` on."""
    channels = finish.shape[1]
    lanes = lanes + _load(finish, first)
    return _maximum(lanes, slope * lanes) * _load(finish, channels + first) + _load(finish, 2 * channels + first)


@part
def _load_six(x: F4s, at: int, step: int) -> tuple[_Lanes, _Lanes, _Lanes, _Lanes, _Lanes, _Lanes]:
    return (
        _load(x, at),
        _load(x, at + step),
        _load(x, at + 2 * step),
        _load(x, at + 3 * step),
        _load(x, at + 4 * step),
        _load(x, at + 5 * step),
    )


@part
def _store_input_six(out: F4s, at: int, step: int, column: tuple[_Lanes, ...]) -> None:
    """Store B^T times a column, for F(4, 3)."""
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
def _output_six(column: tuple[_Lanes, ...]) -> tuple[_Lanes, _Lanes, _Lanes, _Lanes]:
    """Return A^T times a column, for F(4, 3)."""
    a, b, c, d, e, f = column
    p, q, r, s = b + c, b - c, d + e, d - e
    return a + p + r, q + _TWO * s, p + _FOUR * r, q + _EIGHT * s + f


@part
def _corner(number: int, dilation: int, down: int, across: int) -> tuple[int, int, int]:
    """Return image, row and column of the first result of tile `number`, in order of image, phase, row, column."""
    phase, place = number // (down * across), number % (down * across)
    image, phase = phase // dilation**2, phase % dilation**2
    row, column = place // across * 4, place % across * 4
    return image, phase // dilation + row * dilation, phase % dilation + column * dilation


@kernel(types.void(array(_F4, 4), types.int64, types.int64, types.int64, types.int64, array(_F4, 2, False)))
def transform_input(x: F4s, dilation: int, down: int, across: int, start: int, out: F4s) -> None:
    """Fill `out` (tiles, 36 * c) with the transformed tiles of `x` (n, h, w, c) from number `start` on, by F(4, 3).

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
                _store_input_six(half, j * LANES, 6 * LANES, six)
            for i in range(6):
                at = number * out.shape[1] + 6 * i * channels + first
                _store_input_six(out, at, channels, _load_six(half, 6 * i * LANES, LANES))


@kernel(types.void(array(_F4, 2), array(_F4, 2), types.float32, *4 * [types.int64], array(_F4, 4, False)))
def write_output(
    products: F4s, finish: F4s, slope: np.float32, dilation: int, down: int, across: int, start: int, y: F4s
) -> None:
    """Write the results of `products` (tiles, 36 * c) to `y` (n, h, w, c); tiles are numbered as in `transform_input`.

    `finish` (3, c) holds bias, scale and shift: the output is relu(result + bias) * scale + shift, where relu
    multiplies negative values by `slope`, 0 to 1.
    """
    _, height, width, channels = y.shape
    half = np.empty(24 * LANES, np.float32)
    for number in range(products.shape[0]):
        image, top, left = _corner(start + number, dilation, down, across)
        rows, columns = -(-(height - top) // dilation), -(-(width - left) // dilation)
        for first in range(0, channels, LANES):
            for j in range(6):
                p, q, r, s = _output_six(
                    _load_six(products, number * products.shape[1] + j * channels + first, 6 * channels)
                )
                _store(half, j * LANES, p)
                _store(half, (6 + j) * LANES, q)
                _store(half, (12 + j) * LANES, r)
                _store(half, (18 + j) * LANES, s)
            for i in range(min(4, rows)):
                p, q, r, s = _output_six(_load_six(half, 6 * i * LANES, LANES))
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
def _load_four(x: F4s, at: int, step: int) -> tuple[_Lanes, _Lanes, _Lanes, _Lanes]:
    return _load(x, at), _load(x, at + step), _load(x, at + 2 * step), _load(x, at + 3 * step)


@part
def _store_input_four(out: F4s, at: int, step: int, column: tuple[_Lanes, ...]) -> None:
    """Store B^T times a column, for F(3, 2)."""
    a, b, c, d = column
    _store(out, at, a - c)
    _store(out, at + step, b + c)
    _store(out, at + 2 * step, c - b)
    _store(out, at + 3 * step, d - b)


@part
def _output_four(column: tuple[_Lanes, ...]) -> tuple[_Lanes, _Lanes, _Lanes]:
    """Return A^T times a column, for F(3, 2)."""
    a, b, c, d = column
    p = b + c
    return a + p, b - c, p + d


@kernel(types.void(array(_F4, 4), types.int64, types.int64, types.int64, array(_F4, 2, False)))
def transform_input_transposed(x: F4s, down: int, across: int, start: int, out: F4s) -> None:
    """Fill `out` (tiles, 16 * c) with the transformed tiles of `x` (n, h, w, c) from number `start` on, by F(3, 2).

    An image has `down` rows of `across` tiles; the first one begins one pixel outside the image.
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
                _store_input_four(half, j * LANES, 4 * LANES, four)
            for i in range(4):
                at = number * out.shape[1] + 4 * i * channels + first
                _store_input_four(out, at, channels, _load_four(half, 4 * i * LANES, LANES))


@kernel(types.void(array(_F4, 2), array(_F4, 2), types.float32, *3 * [types.int64], array(_F4, 4, False)))
def write_output_transposed(
    products: F4s, finish: F4s, slope: np.float32, down: int, across: int, start: int, y: F4s
) -> None:
    """Write the results of `products` (tiles, 64 * c) to `y` (n, h, w, c), as `write_output` does.

    The channels of the four phases follow one another; a phase holds the rows and columns 2 * i - 1, or 2 * i.
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
                p, q, r = _output_four(_load_four(products, at, 16 * channels))
                _store(half, j * LANES, p)
                _store(half, (4 + j) * LANES, q)
                _store(half, (8 + j) * LANES, r)
            for i in range(3):
                p, q, r = _output_four(_load_four(half, 4 * i * LANES, LANES))
                row, at = top + 2 * i, ((image * height + top + 2 * i) * width + left) * channels + first
                if row >= 0 and row < height:
                    if left >= 0 and left < width:
                        _store(y, at, _finish(finish, slope, first, p))
                    if left + 2 < width:
                        _store(y, at + 2 * channels, _finish(finish, slope, first, q))
                    if left + 4 < width:
                        _store(y, at + 4 * channels, _finish(finish, slope, first, r))
