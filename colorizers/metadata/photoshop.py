"""Photoshop's image resources, the IPTC data among them, and their adaptation to a coloured upright copy.

Resources stand one after the other: `8BIM`, a number, a name, a length and contents (Adobe Photoshop File Formats
Specification, "Image Resource Blocks"). Number 0x0404 is IPTC's Information Interchange Model (IIM 4.2).
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

IPTC = 0x0404
_RESOLUTION, _IPTC_DIGEST = 0x03ED, 0x0425
# Two kinds of thumbnails, the colour profile, and copies of EXIF and XMP: they describe the original's pixels.
_STALE = frozenset({0x0409, 0x040C, 0x040F, 0x0422, 0x0423, 0x0424})
_SIGNATURES = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
_MARKER = 0x1C
# Far more than anyone has, and few enough for those who read them.
_MOST = 10_000
# IIM record 2: content location code and name, city, sublocation, province, country code and name.
_PLACES = frozenset({26, 27, 90, 92, 95, 100, 101})


@dataclass(frozen=True)
class Resource:
    """One image resource; `name` is as stored, a length byte and that many more, padded to an even number."""

    signature: bytes
    number: int
    name: bytes
    contents: bytes


@dataclass(frozen=True)
class DataSet:
    """One entry of IPTC data: the numbers of its record and of its kind, its contents, and all its bytes."""

    record: int
    number: int
    contents: bytes
    whole: bytes


def read_data_sets(iim: bytes) -> Iterator[DataSet]:
    """Yield the data sets of IPTC data, up to the first that is broken."""
    at, found = 0, 0
    while found < _MOST and len(iim) >= at + 5 and iim[at] == _MARKER:
        record, number, size = struct.unpack_from(">BBH", iim, at + 1)
        start = at + 5
        if size & 0x8000:  # An extended data set: these are so many bytes of length.
            start += size & 0x7FFF
            size = int.from_bytes(iim[at + 5 : start], "big")
        end = start + size
        if end > len(iim):
            return
        yield DataSet(record, number, iim[start:end], iim[at:end])
        at, found = end, found + 1


def read_resources(data: bytes) -> tuple[Resource, ...]:
    """Return the resources in `data`, up to the first that is broken."""
    return tuple(islice(_read(data), _MOST))


def write_resources(resources: Iterable[Resource]) -> bytes:
    """Return the resources as bytes; nothing for none."""
    return b"".join(
        resource.signature
        + struct.pack(">H", resource.number)
        + resource.name
        + struct.pack(">I", len(resource.contents))
        + resource.contents
        + bytes(len(resource.contents) % 2)
        for resource in resources
    )


def iptc_resource(iim: bytes) -> Resource:
    """Return the resource that holds the IPTC data `iim`."""
    return Resource(b"8BIM", IPTC, b"\0\0", iim)


def for_upright_copy(resources: Iterable[Resource], turned: bool) -> tuple[Resource, ...]:
    """Return the resources without those that describe the original's pixels; `turned` swaps the resolutions."""
    kept = []
    for resource in resources:
        if resource.number == _RESOLUTION and turned:
            kept.append(replace(resource, contents=resource.contents[8:16] + resource.contents[:8]))
        elif resource.number not in _STALE:
            kept.append(resource)
    return tuple(kept)


def without_location(data: bytes) -> bytes:
    """Return image resources without the names of places in their IPTC data."""
    kept = []
    for resource in read_resources(data):
        if resource.number == IPTC:
            kept.append(replace(resource, contents=_without_places(resource.contents)))
        elif resource.number != _IPTC_DIGEST:
            kept.append(resource)
    return write_resources(kept)


def _read(data: bytes) -> Iterator[Resource]:
    at = 0
    while data[at : at + 4] in _SIGNATURES and len(data) >= at + 12:
        signature, number = data[at : at + 4], int.from_bytes(data[at + 4 : at + 6], "big")
        name_end = at + 6 + (data[at + 6] + 2) // 2 * 2
        start = name_end + 4
        size = int.from_bytes(data[name_end:start], "big")
        if start + size > len(data):
            return
        yield Resource(signature, number, data[at + 6 : name_end], data[start : start + size])
        at = start + size + size % 2


def _without_places(iim: bytes) -> bytes:
    """Return IPTC data without the data sets that name places; what cannot be read is cut off."""
    kept = (entry for entry in read_data_sets(iim) if not (entry.record == 2 and entry.number in _PLACES))
    return b"".join(entry.whole for entry in kept)
