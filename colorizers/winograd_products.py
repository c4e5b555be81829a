"""Tiles in Winograd's domain in, their products with the transformed weights out: where most of the time goes.

A product of matrices in small blocks, whose sums stay in the processor's vector registers from the first term to the
last, as in Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication". numba keeps no array in
registers, so the inner loop is written in LLVM's own words. It reaches the speed of oneDNN's convolutions, where
PyTorch's `bmm` (MKL) takes a third longer on matrices of this size; weights are laid out for it once.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import config, types
from numba.extending import intrinsic

from colorizers.compiling import F4s, array, kernel

_LANES = 16
# What numba compiles for: what NUMBA_CPU_FEATURES says, else what this processor has.
_CHOSEN = vars(config)["CPU_FEATURES"]
_FEATURES = binding.get_host_cpu_features().flatten() if _CHOSEN is None else _CHOSEN
# How many sums are kept at a time: rows, and lanes across. AVX-512 has 32 registers of sixteen numbers, AVX2 16 of
# eight, NEON 32 of four; some have to be left for the terms.
_ROWS, _ACROSS = (13, 2) if "+avx512f" in _FEATURES.split(",") else (6, 1)
PANEL = _LANES * _ACROSS
"""Columns that are computed together; the number of columns is a multiple of it."""
FEWEST_ROWS = _ROWS
"""Rows that there must be, used or not."""

_F4 = types.float32
# So many numbers ahead of where they are needed, weights are asked for.
_AHEAD = 16 * PANEL
_VECTOR, _INT, _INT32 = ir.VectorType(ir.FloatType(), _LANES), ir.IntType(64), ir.IntType(32)
# LLVM may make one operation of a product and a sum.
_MAY = ("contract", "nsz")


def _multiply_block(
    _typing: Any,
    rows: Any,
    row: Any,
    apart: Any,
    panel: Any,
    column: Any,
    terms: Any,
    out: Any,
    at: Any,
    out_apart: Any,
) -> tuple[Any, Callable[..., Any]]:
    """Write to `out` the product of `_ROWS` rows of `terms` numbers and a panel (terms, PANEL).

    `row`, `column` and `at` say where in the arrays, seen as flat, each begins, `apart` how far it is to the next row.
    """
    signature = types.void(rows, row, apart, panel, column, terms, out, at, out_apart)

    def build(context: Any, builder: Any, call: Any, values: Any) -> Any:
        rows, row, apart, panel, column, terms, out, at, out_apart = values
        begin, weights, result = (
            builder.gep(context.make_array(call.args[number])(context, builder, array).data, [place])
            for number, array, place in ((0, rows, row), (3, panel, column), (6, out, at))
        )
        begins = [builder.gep(begin, [builder.mul(apart, _INT(k))]) for k in range(_ROWS)]
        for number, sums in enumerate(_summed_up(builder, begins, weights, terms)):
            target = builder.gep(result, [builder.mul(out_apart, _INT(number))])
            for k, total in enumerate(sums):
                builder.store(total, _lanes_at(builder, target, k), align=4)
        return context.get_dummy_value()

    return signature, build


def _summed_up(builder: Any, begins: list[Any], weights: Any, terms: Any) -> list[list[Any]]:
    """Write the loop over the terms; return the sums of each row, which begins at one of `begins`."""
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    place = builder.phi(_INT)
    place.add_incoming(_INT(0), before)
    sums = [[builder.phi(_VECTOR) for _ in range(_ACROSS)] for _ in begins]
    here = builder.gep(weights, [builder.mul(place, _INT(PANEL))])
    across = [builder.load(_lanes_at(builder, here, k), align=4) for k in range(_ACROSS)]
    for k in range(_ACROSS):
        _ask_for(builder, _lanes_at(builder, here, _AHEAD // _LANES + k))
    results = []
    for begin, row_sums in zip(begins, sums, strict=True):
        factor = _in_all_lanes(builder, builder.load(builder.gep(begin, [place])))
        products = [builder.fmul(factor, weight, flags=_MAY) for weight in across]
        results.append([builder.fadd(total, one, flags=_MAY) for total, one in zip(row_sums, products, strict=True)])
        for total, increased in zip(row_sums, results[-1], strict=True):
            total.add_incoming(ir.Constant(_VECTOR, None), before)
            total.add_incoming(increased, loop)
    following = builder.add(place, _INT(1))
    place.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, terms), loop, after)
    builder.position_at_end(after)
    return results


def _lanes_at(builder: Any, address: Any, number: int) -> Any:
    return builder.bitcast(builder.gep(address, [_INT(_LANES * number)]), _VECTOR.as_pointer())


def _in_all_lanes(builder: Any, value: Any) -> Any:
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), value, _INT32(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_INT32, _LANES), None))


def _ask_for(builder: Any, address: Any) -> None:
    """Have the processor bring what is at `address` near; past the end of an array that does no harm."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, _INT32, _INT32, _INT32])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
    builder.call(function, [builder.bitcast(address, byte), _INT32(0), _INT32(3), _INT32(1)])


_multiply: Callable[..., None] = intrinsic(_multiply_block)


@kernel(types.void(array(_F4, 2), array(_F4, 4), types.int64, types.int64, array(_F4, 2, readonly=False)))
def multiply(tiles: F4s, weights: F4s, start: int, end: int, products: F4s) -> None:
    """Fill numbers `start` to `end` of `products` with those of `tiles` times `weights`, all float32.

    A row of tiles holds number after number, each with `c` terms; a row of products likewise, each with `c'` results.
    Rows may be longer than that: a power of two apart, they would share few places in the processor's cache. `weights`
    are (numbers, c' / PANEL, c, PANEL), for each number a matrix (c, c') cut into panels. Both have the same number of
    rows, `FEWEST_ROWS` at least.
    """
    rows, apart, out_apart = tiles.shape[0], tiles.shape[1], products.shape[1]
    _, panels, terms, _ = weights.shape
    for number in range(start, end):
        for panel in range(number * panels, (number + 1) * panels):
            for block in range(0, rows, _ROWS):
                # What the last block has in common with the one before is computed twice.
                row = min(block, rows - _ROWS)
                place, target = row * apart + number * terms, row * out_apart + panel * PANEL
                _multiply(tiles, place, apart, weights, panel * terms * PANEL, terms, products, target, out_apart)
