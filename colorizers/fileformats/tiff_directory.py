"""Directories of a TIFF file, classic or BigTIFF: what each of its pages declares; nothing is decoded."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _SAMPLES, _TILE_WIDTH, _TILE_HEIGHT = 254, 256, 257, 277, 322, 323
# A reduced picture of another page, or a mask.
_NO_PAGE = 1 | 4
_KIND_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Where pixels are, strip by strip, and Photoshop's layers: these are not carried over, so their size does no harm.
_PIECES = frozenset({273, 279, 324, 325})
_PLACES_OF_PIXELS = _PIECES | {37724}
MOST_DIRECTORIES = 10_000
# No writer comes near it; BigTIFF could declare more than anyone can wait for.
_MOST_ENTRIES = 1 << 16
# What an entry costs whoever reads it, at the least.
_ENTRY_BYTES = 64


@dataclass(frozen=True)
class PageHeader:
    """What a page declares: `index` among all directories of the file, sizes in pixels, samples a pixel.

    `pieces` are the strips or tiles that its pixels are stored in, `metadata_bytes` what its tags take, without the
    places of its pixels. `is_page` is false for reduced pictures of other pages and for masks, unless the file begins
    with one.
    """

    index: int
    is_page: bool
    width: int
    height: int
    samples: int
    pieces: int
    tile_width: int
    tile_height: int
    metadata_bytes: int


@dataclass(frozen=True)
class _Layout:
    """How numbers are stored: struct codes of offsets, of the number of entries, and of an entry's tag to value."""

    offset: str
    count: str
    entry: str
    entry_bytes: int


def pages(data: bytes | mmap) -> Iterator[PageHeader]:
    """Yield the file's pages; ends where the chain of directories is broken or leads back."""
    return (header for header in directories(data) if header.is_page)


def directories(data: bytes | mmap) -> Iterator[PageHeader]:
    """Yield what all directories of the file declare, pages or not; ends as `pages` does."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\0", b"\0+"):
        layout, link = _Layout(order + "Q", order + "Q", order + "HHQ", 20), 8
    else:
        layout, link = _Layout(order + "L", order + "H", order + "HHL", 12), 4
    seen: set[int] = set()
    try:
        (at,) = struct.unpack_from(layout.offset, data, link)
        while at and at not in seen and len(seen) < MOST_DIRECTORIES:
            seen.add(at)
            header, link = _read(data, at, layout, len(seen) - 1)
            yield header
            (at,) = struct.unpack_from(layout.offset, data, link)
    except struct.error:
        return


def _read(data: bytes | mmap, at: int, layout: _Layout, index: int) -> tuple[PageHeader, int]:
    """Return what the directory at `at` declares, and where its link to the next directory is.

    Raises `struct.error` where it is broken.
    """
    (count,) = struct.unpack_from(layout.count, data, at)
    if count > _MOST_ENTRIES:
        raise struct.error("no directory has so many entries")
    start = at + struct.calcsize(layout.count)
    link = start + count * layout.entry_bytes
    struct.unpack_from(layout.offset, data, link)
    values: dict[int, int] = {}
    metadata_bytes, pieces = _ENTRY_BYTES * count, 0
    for entry in range(start, link, layout.entry_bytes):
        tag, kind, number = struct.unpack_from(layout.entry, data, entry)
        if tag not in _PLACES_OF_PIXELS:
            metadata_bytes += _KIND_BYTES.get(kind, 1) * number
        if tag in _PIECES:
            pieces = max(pieces, number)
        if kind in (3, 4, 16):
            code = {3: "H", 4: "L", 16: "Q"}[kind]
            (value,) = struct.unpack_from(layout.offset[0] + code, data, entry + struct.calcsize(layout.entry))
            values.setdefault(tag, value)
    header = PageHeader(
        index=index,
        is_page=index == 0 or not values.get(_SUBFILE_TYPE, 0) & _NO_PAGE,
        width=values.get(_WIDTH, 0),
        height=values.get(_HEIGHT, 0),
        samples=values.get(_SAMPLES, 1),
        pieces=pieces,
        tile_width=values.get(_TILE_WIDTH, 0),
        tile_height=values.get(_TILE_HEIGHT, 0),
        metadata_bytes=metadata_bytes,
    )
    return header, link
