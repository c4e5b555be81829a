"""Boxes of a JPEG 2000 file: its bit depth, its metadata, how many there are (ISO/IEC 15444-1, annexes A and I)."""

import uuid
from collections.abc import Iterator
from itertools import islice
from mmap import mmap
from typing import Literal

from colorizers.fileformats.boxes import walk

_CODESTREAM = b"\xff\x4f\xff\x51"
_MOST_BOXES = 1000
# After the start marker and, in the size segment: marker, length, capabilities, eight sizes, number of components.
_FIRST_DEPTH_AT = 2 + 2 + 2 + 2 + 8 * 4 + 2
_UUIDS: dict[Literal["xmp", "exif", "iptc"], bytes] = {
    "xmp": uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes,
    "exif": b"JpgTiffExif->JP2",
    "iptc": uuid.UUID("33c7a4d2-b81d-4723-a0ba-f1a3e097ad38").bytes,
}


def metadata_box(data: bytes, kind: Literal["xmp", "exif", "iptc"]) -> bytes | None:
    """Return the contents of the file's box for that kind of metadata, None where there is none."""
    for name, start, end in boxes(data):
        if name == b"uuid" and data[start : start + 16] == _UUIDS[kind]:
            return data[start + 16 : end]
    return None


def bit_depth(data: bytes) -> int:
    """Return the bits of the first component's samples, 8 where they are signed or the file has no such header."""
    start = next((start for name, start, _ in boxes(data) if name == b"jp2c"), 0)
    depth_at = start + _FIRST_DEPTH_AT
    if data[start : start + 4] != _CODESTREAM or len(data) <= depth_at or data[depth_at] & 0x80:
        return 8
    return data[depth_at] + 1


def has_too_many_boxes(data: bytes | mmap) -> bool:
    """Whether the file, or a box of its header, has more boxes than `boxes` yields."""
    count = 0
    for name, start, end in boxes(data):
        count += 1
        if name == b"jp2h":
            for inner, inner_start, inner_end in _walk(data, start, end):
                count += 1 + (sum(1 for _ in _walk(data, inner_start, inner_end)) if inner == b"res " else 0)
    return count >= _MOST_BOXES


def boxes(data: bytes | mmap) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the boxes of the outermost level, up to a number; nothing for a bare codestream."""
    return _walk(data, 0, len(data)) if data[:4] != _CODESTREAM else iter(())


def _walk(data: bytes | mmap, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of the boxes from `at` to `end`, up to a number."""
    return islice(walk(data, at, end), _MOST_BOXES)
