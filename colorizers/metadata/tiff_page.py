"""Metadata of a TIFF page: its tags as an EXIF block, and what it holds for other standards."""

import math
import struct

from colorizers.fileformats.tiff_directory import Directory

# Tags that describe how pixels are stored, or that travel by other ways (resolution, XMP, ICC, IPTC, Photoshop).
STORAGE_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291}
    | {292, 293, 296, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340}
    | {341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 34675, 34377, 33723, 37724}
)
# Tags that hold directories, and those that hold directories inside these.
SUBDIRECTORIES = {0x8769: {0xA005: {}}, 0x8825: {}}  # type: dict[int, dict[int, dict[int, object]]]
XMP, IPTC, PHOTOSHOP, ICC = 700, 33723, 34377, 34675
_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION, _UNIT = 274, 282, 283, 296
_RATIONAL, _NO_UNIT, _PER_INCH, _PER_CENTIMETRE = 5, 1, 2, 3
_LONG, _LONG8, _SLONG, _SLONG8, _IFD8 = 4, 16, 9, 17, 18


def orientation(page: Directory) -> int:
    """Return the orientation 1..8 of the page; 1 where it states none that is valid."""
    value = page.number(_ORIENTATION, 1)
    return value if 1 <= value <= 8 else 1


def resolution_dpi(page: Directory) -> tuple[float, float] | None:
    """Return pixels per inch, horizontal and vertical as stored, None where the page states none."""
    per_inch = {_PER_INCH: 1.0, _PER_CENTIMETRE: 2.54}.get(page.number(_UNIT, _PER_INCH))
    x, y = (_fraction(page, tag) for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    if per_inch is None or not (x and y):
        return None
    return x * per_inch, y * per_inch


def density(page: Directory) -> tuple[float, float] | None:
    """Return pixels across and down a length that is not said, as stored, None where both are the same."""
    x, y = (_fraction(page, tag) for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    return (x, y) if page.number(_UNIT, _PER_INCH) == _NO_UNIT and x and y and x != y else None


def exif_block(page: Directory) -> bytes | None:
    """Return the tags that do not describe storage as a classic TIFF structure without prefix; None without any."""
    block = _block(page, 8, STORAGE_TAGS, SUBDIRECTORIES)
    if block is None:
        return None
    return (b"II*\0" if page.order == "<" else b"MM\0*") + struct.pack(page.order + "L", 8) + block


def _block(
    directory: Directory, at: int, without: frozenset[int], inside: dict[int, dict[int, dict[int, object]]]
) -> bytes | None:
    """Return the directory, to stand at `at`, with all its values behind it."""
    entries = {entry.tag: entry for entry in directory.entries if entry.tag not in without}
    order = directory.order
    fields, values = [], bytearray()
    values_at = at + 2 + 12 * len(entries) + 4
    for tag, entry in sorted(entries.items()):
        place = values_at + len(values)
        if tag in inside:
            below = directory.below(tag)
            inner = None if below is None else _block(below, place, frozenset(), inside[tag])  # type: ignore[arg-type]
            if inner is None:
                continue
            kind, count, field = _LONG, 1, struct.pack(order + "L", place)
            values += inner + bytes(len(inner) % 2)
        else:
            raw = directory.raw(tag)
            if len(raw) < entry.value_bytes or not raw:
                continue
            kind, raw = _classic(entry.kind, raw, order)
            count, field = entry.count, raw.ljust(4, b"\0")
            if len(raw) > 4:
                field = struct.pack(order + "L", place)
                values += raw + bytes(len(raw) % 2)
        fields.append(struct.pack(order + "HHL", tag, kind, count) + field)
    if not fields:
        return None
    # Entries that were left out have left room behind the link, which nobody reads.
    room = bytes(12 * (len(entries) - len(fields)))
    return struct.pack(order + "H", len(fields)) + b"".join(fields) + bytes(4) + room + bytes(values)


def _classic(kind: int, raw: bytes, order: str) -> tuple[int, bytes]:
    """Return values of BigTIFF's own types as those of classic TIFF, cut to 32 bits; others as they are."""
    if kind not in (_LONG8, _SLONG8, _IFD8):
        return kind, raw
    code = "q" if kind == _SLONG8 else "Q"
    numbers = struct.unpack(f"{order}{len(raw) // 8}{code}", raw)
    short = struct.pack(f"{order}{len(numbers)}L", *(number & 0xFFFFFFFF for number in numbers))
    return (_SLONG if kind == _SLONG8 else _LONG), short


def _fraction(page: Directory, tag: int) -> float:
    """Return the value of a RATIONAL, or of a whole number; 0 where there is none that is positive."""
    entry = page.find(tag)
    if entry is None:
        return 0.0
    if entry.kind != _RATIONAL:
        return float(max(page.number(tag), 0))
    raw = page.raw(tag)
    if len(raw) < 8:
        return 0.0
    above, below = struct.unpack_from(page.order + "LL", raw)
    value = above / below if below else 0.0
    return value if math.isfinite(value) else 0.0
