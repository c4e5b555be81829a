"""Compilation of all kernels ahead of their use, so that no photo waits for it. Loads no torch."""

from collections.abc import Callable
from importlib import import_module

from numba.core.dispatcher import Dispatcher

from colorizers.kernels import jit

_MODULES = tuple(source.removesuffix(".py").replace("/", ".") for source in jit.SOURCES if source != "kernels/jit.py")


def compile_kernels(report: Callable[[str], None]) -> int:
    """Compile the kernels that are not on disk yet; return how many those are.

    `report` gets a line before each step; it gets none where everything is there. Of several processes that do this at
    the same time, each compiles some.
    """
    folder = jit.kernel_folder()
    if folder is None:
        report("Compiled kernels cannot be kept here: neither the program's folder nor the user's can be written.")
        return 0
    if jit.is_complete(folder):
        return 0
    report(f"Compiling the kernels for this processor into {folder} (once; this takes half a minute or more)")
    compiled = 0
    for number, name in enumerate(_MODULES, 1):
        report(f"  {number} of {len(_MODULES)}: {name}")
        compiled += _compiled_in(name)
    jit.mark_complete(folder)
    return compiled


def _compiled_in(name: str) -> int:
    """Import a module of this package; return how many of its kernels had to be compiled."""
    module = import_module(f"colorizers.{name}")
    found = [value for value in vars(module).values() if isinstance(value, Dispatcher)]
    # Parts of kernels have no place on disk.
    kernels = [value for value in found if value.__module__ == module.__name__ and value.stats.cache_path]
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels)
