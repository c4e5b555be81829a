"""Code points by which PNG, AVIF and HEIF files say what their colours mean (ITU-T H.273)."""

import struct
from dataclasses import dataclass

from colorizers.fileformats import png_chunks
from colorizers.fileformats.boxes import walk

_FULL_BOX = 4


@dataclass(frozen=True)
class ColorCodes:
    """Code points of H.273: color primaries (section 8.1) and transfer characteristics (8.2)."""

    primaries: int
    transfer: int


def png_codes(data: bytes) -> ColorCodes | None:
    """Return what a PNG file's cICP chunk says, None where it has none (PNG, third edition, section 11.3.2.6)."""
    for kind, start, end in png_chunks.chunks(data):
        if kind == b"cICP" and end - start >= 2:
            return ColorCodes(data[start], data[start + 1])
        if kind in (b"IDAT", b"IEND"):
            break
    return None


def isobmff_codes(data: bytes) -> ColorCodes | None:
    """Return what the primary picture of an AVIF or HEIF file says by a `colr` box of kind nclx, None without one."""
    meta = next((box for box in walk(data, 0, len(data)) if box[0] == b"meta"), None)
    if meta is None:
        return None
    boxes = {name: (start, end) for name, start, end in walk(data, meta[1] + _FULL_BOX, meta[2])}
    if not {b"pitm", b"iprp"} <= boxes.keys():
        return None
    properties: list[tuple[bytes, int, int]] = []
    numbers: list[int] = []
    try:
        primary = _item(data, boxes[b"pitm"][0])
        for name, start, end in walk(data, *boxes[b"iprp"]):
            if name == b"ipco":
                properties = list(walk(data, start, end))
            elif name == b"ipma":
                numbers += _properties_of(data, start, primary)
    except struct.error:
        return None
    for number in numbers:
        name, start, end = properties[number - 1] if 0 < number <= len(properties) else (b"", 0, 0)
        if name == b"colr" and data[start : start + 4] == b"nclx" and end - start >= 8:
            return ColorCodes(*struct.unpack_from(">HH", data, start + 4))
    return None


def _item(data: bytes, start: int) -> int:
    return int(struct.unpack_from(">H" if data[start] == 0 else ">I", data, start + _FULL_BOX)[0])


def _properties_of(data: bytes, start: int, item: int) -> list[int]:
    """Return the numbers, from 1 on, of the properties that an item has by an `ipma` box."""
    id_code, is_wide = (">H" if data[start] == 0 else ">I"), data[start + 3] & 1
    (count,) = struct.unpack_from(">I", data, start + _FULL_BOX)
    at = start + _FULL_BOX + 4
    for _ in range(count):
        (found,) = struct.unpack_from(id_code, data, at)
        at += struct.calcsize(id_code)
        (associations,) = struct.unpack_from(">B", data, at)
        code = f">{associations}{'H' if is_wide else 'B'}"
        numbers = struct.unpack_from(code, data, at + 1)
        if found == item:
            return [number & (0x7FFF if is_wide else 0x7F) for number in numbers]
        at += 1 + struct.calcsize(code)
    return []
