"""Matrix products of Winograd convolutions, which take most of their time.

Products are computed in small blocks whose sums stay in vector registers from the first term to the last, as in Goto
and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication". numba keeps no array in registers, so the
inner loop is written in LLVM's intermediate language. It reaches the speed of oneDNN's convolutions; PyTorch's `bmm`
(MKL) takes a third longer on matrices of this size.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import config, types
from numba.extending import intrinsic

from colorizers.kernels.jit import F4s, array, kernel
from colorizers.kernels.winograd.transforms import FUSED, INT32, LANES, VECTOR, splat

# The features that numba compiles for: those of NUMBA_CPU_FEATURES, else those of this processor.
_CHOSEN = vars(config)["CPU_FEATURES"]
_FEATURES = binding.get_host_cpu_features().flatten() if _CHOSEN is None else _CHOSEN
# Size of a block of sums: rows, and vectors across. AVX-512 has 32 registers of sixteen numbers, AVX2 16 of eight, NEON
# 32 of four; some must be left for the terms.
_ROWS, _ACROSS = (13, 2) if "+avx512f" in _FEATURES.split(",") else (6, 1)
PANEL = LANES * _ACROSS
"""Columns of a block; the number of columns is a multiple of it."""
FEWEST_ROWS = _ROWS
"""The least number of rows, used or not."""

_F4 = types.float32
# Weights are prefetched so many numbers ahead.
_AHEAD = 16 * PANEL
_INT64 = ir.IntType(64)


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
    """Write the product of `_ROWS` rows of `terms` numbers and a panel (terms, PANEL) to `out`.

    `row`, `column` and `at` are the offsets of rows, panel and result in their arrays, taken as flat; `apart` and
    `out_apart` are the distances between rows.
    """
    signature = types.void(rows, row, apart, panel, column, terms, out, at, out_apart)

    def build(context: Any, builder: Any, call: Any, values: Any) -> Any:
        rows, row, apart, panel, column, terms, out, at, out_apart = values
        begin, weights, result = (
            builder.gep(context.make_array(call.args[number])(context, builder, array).data, [place])
            for number, array, place in ((0, rows, row), (3, panel, column), (6, out, at))
        )
        begins = [builder.gep(begin, [builder.mul(apart, _INT64(k))]) for k in range(_ROWS)]
        for number, sums in enumerate(_build_loop(builder, begins, weights, terms)):
            target = builder.gep(result, [builder.mul(out_apart, _INT64(number))])
            for k, total in enumerate(sums):
                builder.store(total, _vector_at(builder, target, k), align=4)
        return context.get_dummy_value()

    return signature, build


def _build_loop(builder: Any, begins: list[Any], weights: Any, terms: Any) -> list[list[Any]]:
    """Build the loop over the terms; return the sums of each row; `begins` are pointers to the rows."""
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    place = builder.phi(_INT64)
    place.add_incoming(_INT64(0), before)
    sums = [[builder.phi(VECTOR) for _ in range(_ACROSS)] for _ in begins]
    here = builder.gep(weights, [builder.mul(place, _INT64(PANEL))])
    across = [builder.load(_vector_at(builder, here, k), align=4) for k in range(_ACROSS)]
    for k in range(_ACROSS):
        _prefetch(builder, _vector_at(builder, here, _AHEAD // LANES + k))
    results = []
    for begin, row_sums in zip(begins, sums, strict=True):
        factor = splat(builder, builder.load(builder.gep(begin, [place])))
        products = [builder.fmul(factor, weight, flags=FUSED) for weight in across]
        results.append([builder.fadd(total, one, flags=FUSED) for total, one in zip(row_sums, products, strict=True)])
        for total, increased in zip(row_sums, results[-1], strict=True):
            total.add_incoming(ir.Constant(VECTOR, None), before)
            total.add_incoming(increased, loop)
    following = builder.add(place, _INT64(1))
    place.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, terms), loop, after)
    builder.position_at_end(after)
    return results


def _vector_at(builder: Any, address: Any, number: int) -> Any:
    return builder.bitcast(builder.gep(address, [_INT64(LANES * number)]), VECTOR.as_pointer())


def _prefetch(builder: Any, address: Any) -> None:
    """Prefetch the memory at `address`; past the end of an array that does no harm."""
    byte = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, INT32, INT32, INT32])
    function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
    builder.call(function, [builder.bitcast(address, byte), INT32(0), INT32(3), INT32(1)])


_multiply: Callable[..., None] = intrinsic(_multiply_block)


@kernel(types.void(array(_F4, 2), array(_F4, 4), types.int64, types.int64, array(_F4, 2, readonly=False)))
def multiply(tiles: F4s, weights: F4s, start: int, end: int, products: F4s) -> None:
    """Fill numbers `start` to `end` of `products` with `tiles` times `weights`, all float32.

    A row of tiles holds `c` terms for each number, a row of products `c'` results. Rows may be longer, since rows whose
    distance is a power of two would share few places in the processor's cache. `weights` (numbers, c' / PANEL, c,
    PANEL) holds a matrix (c, c') for each number, cut into panels. `tiles` and `products` have the same number of rows,
    `FEWEST_ROWS` at least.
    """
    rows, apart, out_apart = tiles.shape[0], tiles.shape[1], products.shape[1]
    _, panels, terms, _ = weights.shape
    for number in range(start, end):
        for panel in range(number * panels, (number + 1) * panels):
            for block in range(0, rows, _ROWS):
                # The last block may overlap the one before.
                row = min(block, rows - _ROWS)
                place, target = row * apart + number * terms, row * out_apart + panel * PANEL
                _multiply(tiles, place, apart, weights, panel * terms * PANEL, terms, products, target, out_apart)
