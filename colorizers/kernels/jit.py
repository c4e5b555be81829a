"""Compilation of kernels by numba, with machine code cached on disk.

numba discards cached machine code when the file of its function changes, but not when a function or constant that it
uses from another file does. Ours is therefore cached in a folder named after a hash of all the files involved, so that
a change in any of them leads to another folder.

Of several processes that need a kernel at the same time, one compiles it and the others wait for that. A folder that
cannot be written serves too, once `colorizers.kernels.compile_all` has compiled everything into it.
"""

import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from pickle import UnpicklingError  # nosec B403 # only the error that numba raises
from typing import Any, TypeVar, cast

import llvmlite
import numba
import numpy as np
from llvmlite import binding
from numba import njit, types
from numba.core.caching import UserProvidedCacheLocator
from numpy.typing import NDArray

_PACKAGE = Path(__file__).parents[1]
SOURCES = (
    *(
        "kernels/jit.py",
        "colorspace/lab.py",
        "kernels/linear_light.py",
        "kernels/gamut.py",
        "kernels/row_interpolation.py",
        "kernels/gray_level.py",
    ),
    *("kernels/exact_pass.py", "kernels/lut_pass.py", "kernels/clipped_pass.py"),
    *("kernels/winograd/transforms.py", "kernels/winograd/matmul.py"),
)
"""The files of this package that define kernels, their parts or their constants, none before what it imports."""

F4s = NDArray[np.float32]
F8s = NDArray[np.float64]
I4s = NDArray[np.int32]
U4s = NDArray[np.uint32]
Function = TypeVar("Function", bound=Callable[..., Any])

# Assumes finite numbers, so that the compiler can vectorize arithmetic and comparisons.
_FINITE = {"contract", "nsz", "arcp", "nnan", "ninf"}


class KernelLocator(UserProvidedCacheLocator):
    """numba's way to the folder that `kernel_folder` names; unlike its own, it does not have to be writable."""

    def ensure_cache_path(self) -> None:
        """Create the folder. Raises `OSError`."""
        Path(self.get_cache_path()).mkdir(parents=True, exist_ok=True)  # type: ignore[no-untyped-call]


def array(kind: Any, dimensions: int, readonly: bool = True) -> Any:
    """Return the numba type of C-contiguous arrays of `kind`."""
    return types.Array(kind, dimensions, "C", readonly=readonly)


def named_tuple(kind: type, *fields: Any) -> Any:
    """Return the numba type of the named tuple `kind`, whose fields have the types `fields`.

    numba converts no fields: arrays that are writable must have a writable type.
    """
    return types.NamedTuple(fields, kind)  # type: ignore[no-untyped-call]


def kernel(*signatures: Any, **options: Any) -> Callable[[Function], Function]:
    """Return a decorator that compiles for these signatures at import, or takes the machine code from disk."""

    def compiled(function: Function) -> Function:
        def compile_it(is_kept: bool) -> Function:
            return cast(Function, njit(list(signatures), cache=is_kept, nogil=True, **options)(function))

        folder = kernel_folder()
        if folder is None:
            return compile_it(is_kept=False)
        with _turn(folder), _numba_keeps_in(folder):
            try:
                return compile_it(is_kept=True)
            except (OSError, EOFError, UnpicklingError):
                # A full disk, or files that a power cut has shortened, must not keep anybody from working.
                _forget(function, folder)
                return compile_it(is_kept=False)

    return compiled


def part(function: Function) -> Function:
    """Decorate a function that kernels call; it is compiled into them."""
    return cast(Function, njit(function))


def vector_part(function: Function) -> Function:
    """Decorate a part whose arithmetic, on finite numbers, may be rearranged into vector instructions."""
    return cast(Function, njit(function, fastmath=_FINITE))


@cache
def kernel_folder() -> Path | None:
    """Return the folder of the machine code, None where it can be kept nowhere.

    It is in `NUMBA_CACHE_DIR` if that is set, else beside this file, or, where that cannot be written and is not
    complete for this machine, among the user's cached files.
    """
    name = f"kernels-{_digest()}"
    chosen = vars(numba.config)["CACHE_DIR"]
    folders = [Path(chosen or _PACKAGE / "__pycache__") / name]
    if not chosen:
        with suppress(RuntimeError):  # A user without a home.
            folders.append(Path.home() / ".cache" / "photo-colorizer" / name)
    return next((folder for folder in folders if _is_writable(folder) or is_complete(folder)), None)


def is_complete(folder: Path) -> bool:
    """Return whether `folder` holds the machine code of all kernels for this machine."""
    return _mark(folder).exists()


def mark_complete(folder: Path) -> None:
    """Record that `folder` holds the machine code of all kernels for this machine. Raises `OSError`."""
    _mark(folder).touch()


def _forget(function: Callable[..., Any], folder: Path) -> None:
    """Remove the machine code of `function` from `folder`, so that the next process compiles it anew."""
    files = f"*/{function.__module__.rpartition('.')[2]}.{function.__qualname__}-*.nb[ci]"
    for path in [*folder.glob("complete-*"), *folder.glob(files)]:
        with suppress(OSError):
            path.unlink()


def _mark(folder: Path) -> Path:
    """Return the file that says so: named after all that machine code depends on, beside its sources."""
    chosen = vars(numba.config)
    cpu = chosen["CPU_NAME"] or binding.get_host_cpu_name()
    features = chosen["CPU_FEATURES"]
    if features is None:
        features = binding.get_host_cpu_features().flatten()
    depends_on = (sys.version_info[:2], numba.__version__, llvmlite.__version__, cpu, features, str(_PACKAGE))
    return folder / f"complete-{hashlib.sha256(repr(depends_on).encode()).hexdigest()[:16]}"


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Let one process at a time into the block; all at once where the folder cannot be written anyway."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@contextmanager
def _numba_keeps_in(folder: Path) -> Iterator[None]:
    """Let numba keep what is compiled meanwhile in `folder`."""
    config = cast(Any, numba.config)
    before = config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES
    config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = str(folder), f"{__name__}.{KernelLocator.__name__}"
    try:
        yield
    finally:
        config.CACHE_DIR, config.CACHE_LOCATOR_CLASSES = before


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((_PACKAGE / name).read_bytes())
    return digest.hexdigest()[:16]
