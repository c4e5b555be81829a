"""Chunks of a PNG file (PNG, third edition, W3C 2025, section 5.3)."""

import struct
import zlib
from collections.abc import Iterator
from mmap import mmap

_SIGNATURE_BYTES = 8
_ANCILLARY = 0x20  # The first letter is a small one.


def chunks(data: bytes | mmap) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the contents of every chunk, up to what is broken."""
    at = _SIGNATURE_BYTES
    while len(data) >= at + 12:
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            return
        yield kind, at + 8, at + 8 + size
        at += 12 + size


def size(data: bytes | mmap) -> tuple[int, int]:
    """Return the width and height that the header declares; raises `struct.error` where it is cut off."""
    width, height = struct.unpack_from(">II", data, _SIGNATURE_BYTES + 8)
    return int(width), int(height)


def without_damaged_extras(data: bytes) -> bytes:
    """Return the file without chunks beside its picture whose checksums are wrong, as browsers read it."""
    damaged = [
        (start - 8, end + 4)
        for kind, start, end in chunks(data)
        if kind[0] & _ANCILLARY and zlib.crc32(data[start - 4 : end]) != int.from_bytes(data[end : end + 4], "big")
    ]
    kept, at = [], 0
    for start, end in damaged:
        kept.append(data[at:start])
        at = end
    return b"".join([*kept, data[at:]]) if damaged else data
