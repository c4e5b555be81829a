"""Walk over the segments and scans of a JPEG file (ITU-T T.81, annex B), without decoding."""

import re
from collections.abc import Iterator
from mmap import mmap

MOST_SCANS = 200
"""Each passes over the whole picture, however few bytes it has; encoders make ten."""

_PROGRESSIVE_FRAME, _START_OF_SCAN, _END_OF_IMAGE, _COMMENT = 0xC2, 0xDA, 0xD9, 0xFE
# Without a length behind them, or passed over as if they had none.
_BARE = frozenset({0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})
# What ends anything that is no segment: no stuffed byte, no filling.
_MARKER = re.compile(rb"\xff[^\x00\xff]")
# And what ends the packed pixels of a scan: no restart either.
_MARKER_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SEGMENT_COST, _BYTE_COST = 1000, 64
# Nobody needs to know exactly how much more there is between two segments.
_FAR_BYTES = 1_000_000


def metadata_costs(data: bytes | mmap) -> Iterator[int]:
    """Yield what every segment before the pixels costs its readers, in bytes: its size, and more for being one.

    Readers look at the bytes between two segments one by one, which costs more than bytes of metadata.
    """
    at = 2
    while (found := _MARKER.search(data, at, at + _FAR_BYTES)) is not None:
        yield (found.start() - at) * _BYTE_COST + _SEGMENT_COST
        marker, at = data[found.start() + 1], found.end()
        if marker == _START_OF_SCAN:
            return
        if marker not in _BARE:
            size = int.from_bytes(data[at : at + 2], "big")
            yield size
            at += max(size, 2)
    yield max(0, min(len(data) - at, _FAR_BYTES)) * _BYTE_COST


def comments(data: bytes | mmap) -> list[bytes]:
    """Return the contents of all comment segments before the pixels."""
    ends = {
        at: at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") for kind, at in _headers(data) if kind == _COMMENT
    }
    return [bytes(data[at + 4 : end]) for at, end in ends.items()]


def has_all_scans(data: bytes) -> bool:
    """Return whether the scans of a progressive file bring every bit of every coefficient; true for other files."""
    frame = next((at for marker, at in _headers(data) if marker == _PROGRESSIVE_FRAME), None)
    if frame is None:
        return True
    missing = {data[frame + 10 + 3 * number]: set(range(64)) for number in range(data[frame + 9])}
    for at in scans(data):
        count = data[at + 4]
        first, last, bits_left = data[at + 5 + 2 * count], data[at + 6 + 2 * count], data[at + 7 + 2 * count] & 15
        for component in data[at + 5 : at + 5 + 2 * count : 2]:
            if not bits_left:
                missing.get(component, set()).difference_update(range(first, last + 1))
    return not any(missing.values())


def _headers(data: bytes | mmap) -> Iterator[tuple[int, int]]:
    """Yield marker and place of each segment before the pixels."""
    at = 2
    while len(data) >= at + 4 and data[at] == 0xFF and data[at + 1] not in (_START_OF_SCAN, _END_OF_IMAGE):
        yield data[at + 1], at
        at += 2 + max(int.from_bytes(data[at + 2 : at + 4], "big"), 2)


def scans(data: bytes | mmap) -> Iterator[int]:
    """Yield where every scan of the first picture starts, up to one more than there may be.

    Segments between two scans count as scans where there are hundreds of them.
    """
    at, found, between = 2, 0, 0
    while found <= MOST_SCANS and len(data) >= at + 4 and data[at] == 0xFF and data[at + 1] != _END_OF_IMAGE:
        is_scan = data[at + 1] == _START_OF_SCAN
        between = 0 if is_scan or not found else between + 1
        if is_scan or between > MOST_SCANS:
            yield at
            found += 1
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if is_scan:
            end = _MARKER_BEHIND_SCAN.search(data, at)
            at = len(data) if end is None else end.start()
