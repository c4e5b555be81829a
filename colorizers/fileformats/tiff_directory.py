"""Directories of a TIFF file, classic or BigTIFF: what each of its pages declares; nothing is decoded.

Every reader of TIFF structures in this package, EXIF blocks included, goes through `read_directory`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from mmap import mmap

SUBFILE_TYPE, WIDTH, HEIGHT, PHOTOMETRIC, SAMPLES = 254, 256, 257, 262, 277
_COMPRESSION, _TILE_WIDTH, _TILE_HEIGHT, _SUBDIRECTORIES, _DNG_VERSION = 259, 322, 323, 330, 50706
# A reduced picture of another page, or a mask.
_NO_PAGE = 1 | 4
# How sensors' samples are stored: a color filter array, or linear; and what cameras compress them with.
_RAW_PHOTOMETRICS, _RAW_COMPRESSIONS = (32803, 34892), (32767, 34713, 65535)
_MOST_SUBDIRECTORIES = 8
KIND_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBER_CODES = {1: "B", 3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L", 16: "Q", 17: "q", 18: "Q"}
# Where pixels are, strip by strip, and Photoshop's layers: these are not carried over, so their size does no harm.
_PIECES = frozenset({273, 279, 324, 325})
_PLACES_OF_PIXELS = _PIECES | {37724}
MOST_DIRECTORIES = 10_000
# No writer comes near it; BigTIFF could declare more than anyone can wait for.
_MOST_ENTRIES = 1 << 16
# What an entry costs whoever reads it, at the least.
_ENTRY_BYTES = 64
Bytes = bytes | bytearray | mmap


@dataclass(frozen=True)
class PageHeader:
    """What a page declares: `index` among all directories of the file, sizes in pixels, samples a pixel.

    `pieces` are the strips or tiles that its pixels are stored in, `metadata_bytes` what its tags take, without the
    places of its pixels. `is_page` is false for reduced pictures of other pages and for masks.
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

    order: str
    offset: str
    count: str
    entry: str
    entry_bytes: int


@dataclass(frozen=True)
class Entry:
    """One tag of a directory: its type, how many values it has, and where the entry itself is."""

    tag: int
    kind: int
    count: int
    at: int

    @property
    def value_bytes(self) -> int:
        """How many bytes its values take."""
        return KIND_BYTES.get(self.kind, 1) * self.count


@dataclass(frozen=True)
class Directory:
    """The entries of a directory, where it starts, and where its link to the next one is."""

    data: Bytes
    layout: _Layout
    entries: tuple[Entry, ...]
    start: int
    link: int

    @property
    def order(self) -> str:
        """The struct code of the byte order."""
        return self.layout.order

    def find(self, tag: int) -> Entry | None:
        """Return the entry of `tag`, None where there is none."""
        return next((entry for entry in self.entries if entry.tag == tag), None)

    def place(self, entry: Entry) -> slice:
        """Return where the values of an entry are, cut off at the end of the file."""
        field = entry.at + struct.calcsize(self.layout.entry)
        room = struct.calcsize(self.layout.offset)
        start = field if entry.value_bytes <= room else struct.unpack_from(self.layout.offset, self.data, field)[0]
        return slice(start, min(start + entry.value_bytes, len(self.data)))

    def raw(self, tag: int) -> bytes:
        """Return the bytes of a tag's values as they are in the file; nothing where there are none."""
        entry = self.find(tag)
        return b"" if entry is None else bytes(self.data[self.place(entry)])

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the whole numbers of a tag; none where it holds something else."""
        entry = self.find(tag)
        code = None if entry is None else _NUMBER_CODES.get(entry.kind)
        if code is None:
            return ()
        raw = self.raw(tag)
        size = struct.calcsize("=" + code)
        return struct.unpack(f"{self.order}{len(raw) // size}{code}", raw[: len(raw) // size * size])

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first whole number of a tag."""
        return next(iter(self.numbers(tag)), default)

    def below(self, tag: int) -> "Directory | None":
        """Return the directory that a tag points to, None where there is none that can be read."""
        try:
            return _read(self.data, self.number(tag), self.layout) if self.number(tag) else None
        except struct.error:
            return None


def pages(data: Bytes) -> Iterator[PageHeader]:
    """Yield the file's pages; ends where the chain of directories is broken or leads back.

    Where all directories are reduced pictures or masks, the first is the page.
    """
    first, found = None, False
    for header in directories(data):
        first = first or header
        if header.is_page:
            found = True
            yield header
    if first is not None and not found:
        yield first


def directories(data: Bytes) -> Iterator[PageHeader]:
    """Yield what all directories of the file declare, pages or not; ends as `pages` does."""
    return (_declared(directory, index) for index, directory in enumerate(_chain(data)))


def is_camera_raw(data: Bytes) -> bool:
    """Return whether one of the first directories, or one below them, holds what a camera's sensor recorded."""
    return any(
        _is_raw(directory) or any(map(_is_raw, _subdirectories(directory)))
        for directory in islice(_chain(data), _MOST_SUBDIRECTORIES)
    )


def read_directory(data: Bytes, index: int = 0) -> Directory:
    """Return directory number `index` of a TIFF structure; raises `ValueError` where there is none."""
    for number, directory in enumerate(_chain(data)):
        if number == index:
            return directory
    raise ValueError("not a TIFF structure, or it has no such directory")


def directory_at(data: Bytes, start: int) -> Directory:
    """Return the directory at `start` of a TIFF structure; raises `ValueError` or `struct.error`."""
    return _read(data, start, _layout(data)[0])


def _layout(data: Bytes) -> tuple[_Layout, int]:
    """Return how numbers are stored, and where the link to the first directory is; raises `ValueError`."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    if order is None:
        raise ValueError("not a TIFF structure")
    if data[2:4] in (b"+\0", b"\0+"):
        return _Layout(order, order + "Q", order + "Q", order + "HHQ", 20), 8
    return _Layout(order, order + "L", order + "H", order + "HHL", 12), 4


def _chain(data: Bytes) -> Iterator[Directory]:
    try:
        layout, link = _layout(data)
    except ValueError:
        return
    seen: set[int] = set()
    try:
        (at,) = struct.unpack_from(layout.offset, data, link)
        while at and at not in seen and len(seen) < MOST_DIRECTORIES:
            seen.add(at)
            directory = _read(data, at, layout)
            yield directory
            (at,) = struct.unpack_from(layout.offset, data, directory.link)
    except struct.error:
        return


def _read(data: Bytes, at: int, layout: _Layout) -> Directory:
    """Return the directory at `at`. Raises `struct.error` where it is broken."""
    (count,) = struct.unpack_from(layout.count, data, at)
    if count > _MOST_ENTRIES:
        raise struct.error("no directory has so many entries")
    start = at + struct.calcsize(layout.count)
    link = start + count * layout.entry_bytes
    if link > len(data):  # The link itself may be missing behind the last directory of a file.
        raise struct.error("the directory is cut off")
    entries = []
    for entry in range(start, link, layout.entry_bytes):
        tag, kind, values = struct.unpack_from(layout.entry, data, entry)
        entries.append(Entry(tag, kind, values, entry))
    return Directory(data, layout, tuple(entries), at, link)


def _declared(directory: Directory, index: int) -> PageHeader:
    entries = directory.entries
    return PageHeader(
        index=index,
        is_page=not _first(directory, SUBFILE_TYPE) & _NO_PAGE,
        width=_first(directory, WIDTH),
        height=_first(directory, HEIGHT),
        samples=_first(directory, SAMPLES, 1),
        pieces=max((entry.count for entry in entries if entry.tag in _PIECES), default=0),
        tile_width=_first(directory, _TILE_WIDTH),
        tile_height=_first(directory, _TILE_HEIGHT),
        metadata_bytes=sum(
            _ENTRY_BYTES + (0 if entry.tag in _PLACES_OF_PIXELS else entry.value_bytes) for entry in entries
        ),
    )


def _first(directory: Directory, tag: int, default: int = 0) -> int:
    """Return the first number of a tag that stands in its entry; numbers that stand elsewhere say nothing here."""
    entry = directory.find(tag)
    if entry is None or entry.kind not in (3, 4, 16):
        return default
    field = entry.at + struct.calcsize(directory.layout.entry)
    return int(struct.unpack_from(directory.order + _NUMBER_CODES[entry.kind], directory.data, field)[0])


def _is_raw(directory: Directory) -> bool:
    return (
        directory.find(_DNG_VERSION) is not None
        or _first(directory, PHOTOMETRIC) in _RAW_PHOTOMETRICS
        or _first(directory, _COMPRESSION) in _RAW_COMPRESSIONS
    )


def _subdirectories(directory: Directory) -> Iterator[Directory]:
    entry = directory.find(_SUBDIRECTORIES)
    if entry is None:
        return
    for start in directory.numbers(_SUBDIRECTORIES)[:_MOST_SUBDIRECTORIES]:
        try:
            yield _read(directory.data, start, directory.layout)
        except struct.error:
            continue
