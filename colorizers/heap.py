"""How processes of many photos get memory, keep it and give it back.

GNU's C library gives every large block that is freed back to the system, which then has to clear the pages of the next
one: a twentieth of the time that a photo of 12 megapixels takes, and a quarter of that of rendering it again.
"""

import ctypes
import mmap
import sys

import numpy as np
from numpy.typing import NDArray

# Of <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# The pixels of a photo of 21 megapixels.
_LARGEST_BLOCK = 64 * 2**20
_MOST_KEPT = 128 * 2**20


def keep_freed_memory() -> None:
    """Keep blocks of up to 64 MiB that are freed for what is allocated next, but no more than 128 MiB at the end.

    Does nothing where the C library is not GNU's.
    """
    if library := _gnu():
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK)
        library.mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT)


def give_freed_memory_back() -> None:
    """Give what is kept back to the system, for a process that has nothing to do at present."""
    if library := _gnu():
        library.malloc_trim(0)


def sparse_zeros(count: int) -> NDArray[np.uint32]:
    """Return so many zeros, which take memory page by page of some KiB as something else is written to them."""
    if sys.platform == "win32":
        return np.zeros(count, np.uint32)
    memory = mmap.mmap(-1, 4 * count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, np.uint32)


def _gnu() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
