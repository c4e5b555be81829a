"""An EXIF block in, its orientation out, and the block as it may be carried over to an upright copy.

A block is a small TIFF file (EXIF 2.32, section 4.5). Only its first directory is touched, in place, so everything
else stays byte for byte, maker notes with their absolute offsets included.
"""

import struct

PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_SHORT = 3


def strip_prefix(block: bytes) -> bytes:
    """Return the block without the `Exif` marker that JPEG puts before it."""
    return block.removeprefix(PREFIX)


def read_orientation(block: bytes) -> int:
    """Return the orientation 1..8 that the block states; 1 where it states none, or none that is valid."""
    try:
        order, entry, _ = _find(block)
    except (struct.error, ValueError):
        return 1
    if entry is None:
        return 1
    value = int(struct.unpack_from(order + "H", block, entry + 8)[0])
    return value if 1 <= value <= 8 else 1


def for_upright_copy(block: bytes) -> bytes | None:
    """Return the block with orientation 1 and without its thumbnail, which shows the original; None if unreadable."""
    try:
        order, entry, next_directory = _find(block)
    except (struct.error, ValueError):
        return None
    patched = bytearray(block)
    if entry is not None:
        struct.pack_into(order + "H", patched, entry + 8, 1)
    struct.pack_into(order + "L", patched, next_directory, 0)
    return bytes(patched)


def _find(block: bytes) -> tuple[str, int | None, int]:
    """Return byte order, offset of the orientation entry (or None) and offset of the link to the next directory.

    Raises `ValueError` or `struct.error` where the block is not a TIFF structure or ends too early.
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        raise ValueError("not a TIFF structure")
    (start,) = struct.unpack_from(order + "L", block, 4)
    (count,) = struct.unpack_from(order + "H", block, start)
    next_directory = start + 2 + 12 * count
    struct.unpack_from(order + "L", block, next_directory)
    found = None
    for entry in range(start + 2, next_directory, 12):
        tag, kind = struct.unpack_from(order + "HH", block, entry)
        if (tag, kind) == (_ORIENTATION, _SHORT):
            found = entry
            break
    return order, found, next_directory
