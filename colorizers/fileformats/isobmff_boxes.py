"""Size limits of the box structure of AVIF and HEIF files (ISO base media file format, ISO/IEC 14496-12).

Decoders compare every item with every other one, so that a few megabytes of items keep them busy for minutes.
"""

from mmap import mmap

from colorizers.errors import UndecodableError
from colorizers.fileformats.boxes import walk

MOST_ITEMS = 5000
"""A picture of 120 megapixels in tiles of 512 pixels has 458, and as many again for its alpha."""

_MOST_BOXES = 4 * MOST_ITEMS
_MOST_DEPTH = 8
# Tables of references between items, and of the frames of a sequence.
_MOST_TABLE_BYTES = 1 << 18
_TABLES = frozenset({b"iref", b"stts", b"ctts", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"sdtp", b"sbgp"})
# Boxes that hold boxes, with the bytes before these; `iinf` has a number, of one of two sizes.
_CONTAINERS = {b"meta": 4, b"iref": 4, b"grpl": 0, b"dinf": 0} | dict.fromkeys(
    (b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"), 0
)
_SIZES_OF_LOCATIONS_BYTES = 2


def check_boxes(data: bytes | mmap, title: str) -> None:
    """Raise `UndecodableError`, which calls the format `title`, where the file has more boxes or items than it may."""
    try:
        _count(data, 0, len(data), 0, 0)
    except _TooManyError:
        raise UndecodableError(f"This {title} file has more parts than a photograph has.", format=title) from None


class _TooManyError(Exception):
    """There is more of something than decoders get through."""


def _count(data: bytes | mmap, at: int, end: int, depth: int, found: int) -> int:
    """Return `found` and the number of boxes from `at` to `end`, those inside them included, up to what is broken."""
    for name, start, box_end in walk(data, at, end):
        found += 1
        if found > _MOST_BOXES or depth > _MOST_DEPTH:
            raise _TooManyError
        _check_tables(data, name, start, box_end)
        inside = _inside(data, name, start)
        if inside is not None:
            found = _count(data, inside, box_end, depth + 1, found)
    return found


def _inside(data: bytes | mmap, name: bytes, start: int) -> int | None:
    """Return where the boxes inside a box begin, None where it holds none."""
    if name == b"iinf":
        return start + 4 + (2 if data[start : start + 1] == b"\0" else 4)
    return None if name not in _CONTAINERS else start + _CONTAINERS[name]


def _check_tables(data: bytes | mmap, name: bytes, start: int, end: int) -> None:
    if name in _TABLES and end - start > _MOST_TABLE_BYTES:
        raise _TooManyError
    if name == b"iloc":
        at = start + 4 + _SIZES_OF_LOCATIONS_BYTES
        number = data[at : at + (4 if data[start : start + 1] == b"\2" else 2)]
    elif name == b"ipma":
        number = data[start + 4 : start + 8]
    else:
        return
    if int.from_bytes(number, "big") > MOST_ITEMS:
        raise _TooManyError
