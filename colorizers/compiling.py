"""Compilation of kernels by numba, with machine code cached on disk.

numba discards cached machine code when the file of its function changes, but not when a function or constant that it
uses from another file does. Ours is therefore cached in a folder named after a hash of all the files involved, so that
a change in any of them leads to another folder.
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
    *("quick_pass.py", "careful_pass.py", "clipped_pass.py", "graying.py"),
    *("winograd_kernels.py", "winograd_products.py"),
)
"""The files of this package that define kernels, their parts or their constants."""

F4s = NDArray[np.float32]
F8s = NDArray[np.float64]
I4s = NDArray[np.int32]
U4s = NDArray[np.uint32]
Function = TypeVar("Function", bound=Callable[..., Any])

# Assumes finite numbers, so that the compiler can vectorize arithmetic and comparisons.
_FINITE = {"contract", "nsz", "arcp", "nnan", "ninf"}


def array(kind: Any, dimensions: int, readonly: bool = True) -> Any:
    """Return the numba type of C-contiguous arrays of `kind`."""
    return types.Array(kind, dimensions, "C", readonly=readonly)


def named_tuple(kind: type, *fields: Any) -> Any:
    """Return the numba type of the named tuple `kind`, whose fields have the types `fields`.

    numba converts no fields: arrays that are writable must have a writable type.
    """
    return types.NamedTuple(fields, kind)  # type: ignore[no-untyped-call]


def kernel(*signatures: Any, **options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles for these signatures at import, or loads the machine code from disk."""
    decorator = njit(list(signatures), cache=True, nogil=True, **options)

    def compiled(function: Function) -> Function:
        with _folder():
            return cast(Function, decorator(function))

    return compiled


def part(function: Function) -> Function:
    """Decorate a function that kernels call; it is compiled into them."""
    return cast(Function, njit(function))


def vector_part(function: Function) -> Function:
    """Decorate a part whose arithmetic, on finite numbers, may be rearranged into vector instructions."""
    return cast(Function, njit(function, fastmath=_FINITE))


@contextmanager
def _folder() -> Iterator[None]:
    """Let numba cache in the folder of these sources, below NUMBA_CACHE_DIR where that is set."""
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
