"""Python functions in, functions in machine code out, kept on disk for the next process.

numba keeps machine code until the file of its function changes, and does not see that a part of it, or a number in it,
stands in another file. Ours is therefore kept in a folder named after the contents of all files that anything of it
stands in: with a change in any of them the folder is another one, and nothing old can be found.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba import njit, types
from numpy.typing import NDArray

_HERE = Path(__file__).parent
SOURCES = (
    *("compiling.py", "lab.py", "light.py", "gamut.py", "widening.py"),
    *("quick_pass.py", "careful_pass.py", "clipped_pass.py", "graying.py", "resampling.py"),
    *("winograd_kernels.py", "winograd_products.py"),
)
"""The files of this package that kernels, their parts and the numbers in them stand in."""

F4s = NDArray[np.float32]
F8s = NDArray[np.float64]
I4s = NDArray[np.int32]
U4s = NDArray[np.uint32]
Function = TypeVar("Function", bound=Callable[..., Any])

# Of finite numbers, so that the compiler may turn arithmetic and comparisons into vector instructions.
_FINITE = {"contract", "nsz", "arcp", "nnan", "ninf"}


def array(kind: Any, dimensions: int, readonly: bool = True) -> Any:
    """Return the type of arrays, contiguous in memory, as kernels take them."""
    return types.Array(kind, dimensions, "C", readonly=readonly)


def kernel(*signatures: Any, **options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles for these signatures at import, or takes the machine code from disk."""
    decorator = njit(list(signatures), cache=True, nogil=True, **options)

    def compiled(function: Function) -> Function:
        with _folder():
            return cast(Function, decorator(function))

    return compiled


def part(function: Function) -> Function:
    """Mark a function as part of kernels; it is compiled into them."""
    return cast(Function, njit(function))


def vector_part(function: Function) -> Function:
    """Mark a function as a part whose arithmetic, on finite numbers, may be rearranged into vector instructions."""
    return cast(Function, njit(function, fastmath=_FINITE))


@contextmanager
def _folder() -> Iterator[None]:
    """Let numba keep what is compiled meanwhile in the folder of these sources, unless NUMBA_CACHE_DIR names one."""
    config = cast(Any, numba.config)
    before = config.CACHE_DIR
    config.CACHE_DIR = str(Path(before or _HERE / "__pycache__") / f"kernels-{_digest()}")
    try:
        yield
    finally:
        config.CACHE_DIR = before


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()[:16]
