"""Walk over boxes: the structure of JPEG 2000, AVIF and HEIF files (ISO/IEC 15444-1 annex I, ISO/IEC 14496-12)."""

import struct
from collections.abc import Iterator
from mmap import mmap


def walk(data: bytes | mmap, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the contents of the boxes from `at` to `end`, up to what is broken."""
    while end >= at + 8:
        size, name = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1 and end >= at + 16:
            (size,) = struct.unpack_from(">Q", data, start)
            start += 8
        box_end = end if size == 0 else at + size
        if not start <= box_end <= end:
            return
        yield name, start, box_end
        at = box_end
