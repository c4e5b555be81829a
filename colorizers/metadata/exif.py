"""Reading of EXIF blocks, and their adaptation to an upright copy in sRGB.

A block is a small TIFF file (EXIF 2.32, section 4.5). It is changed in place, so that everything else stays byte for
byte, maker notes with their absolute offsets included.
"""

import struct

from colorizers.fileformats.tiff_directory import Directory, Entry, directory_at
from colorizers.metadata.places import Move

PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_RESOLUTION, _RESOLUTION_UNIT, _INCHES = (0x011A, 0x011B), 0x0128, 2
_EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_COLOUR_SPACE, _SRGB = 0xA001, 1
_WIDTH_PX, _HEIGHT_PX = 0xA002, 0xA003
_MAKER_NOTE = 0x927C
_INTEROPERABILITY_INDEX, _ADOBE_RGB_FILE, _SRGB_FILE = 0x0001, b"R03\0", b"R98\0"
_THUMBNAIL_AT, _THUMBNAIL_BYTES = 0x0201, 0x0202
# GeoTIFF's tags: pixel scale, tie points, transformation, and the three of its key directory.
GEOGRAPHIC_TAGS = frozenset({33550, 33922, 34264, 34735, 34736, 34737})
_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION = 33550, 33922, 34264
_SUBJECT = (0x9214, 0xA214)
_SHORT, _LONG, _RATIONAL, _DOUBLE = 3, 4, 5, 12


class _Block:
    """A block that can be changed in place. Its methods raise `ValueError` or `struct.error` where it is broken."""

    def __init__(self, block: bytes) -> None:
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
        if order is None:
            raise ValueError("not a TIFF structure")
        self.order = order
        self.data = bytearray(block)

    def first(self) -> Directory:
        return self.directory(self.number("L", 4))

    def directory(self, start: int) -> Directory:
        return directory_at(self.data, start)

    def below(self, directory: Directory, tag: int) -> Directory | None:
        """Return the directory that `tag` of `directory` points to, None where there is none that can be read."""
        entry = directory.find(tag)
        try:
            return None if entry is None else self.directory(self.number("L", entry.at + 8))
        except struct.error:
            return None

    def number(self, kind: str, at: int) -> int:
        return int(struct.unpack_from(self.order + kind, self.data, at)[0])

    def value(self, entry: Entry | None) -> int | None:
        """Return the whole number that an entry holds, None where it holds something else."""
        if entry is None or entry.count != 1 or entry.kind not in (_SHORT, _LONG):
            return None
        return self.number("H" if entry.kind == _SHORT else "L", entry.at + 8)

    def set_value(self, entry: Entry | None, value: int) -> None:
        """Replace the whole number that an entry holds, where it holds one and has room for this one."""
        if self.value(entry) is not None and entry is not None and (entry.kind == _LONG or value <= 0xFFFF):
            struct.pack_into(self.order + ("H" if entry.kind == _SHORT else "L"), self.data, entry.at + 8, value)

    def unlink(self, directory: Directory) -> None:
        struct.pack_into(self.order + "L", self.data, directory.link, 0)

    def blank(self, *places: slice) -> None:
        """Overwrite places with zeros, each byte once however many of them cover it."""
        done = 0
        for start, stop in sorted((place.start, place.stop) for place in places):
            start = max(start, done)
            if start < stop:
                self.data[start:stop] = bytes(stop - start)
                done = stop

    def remove(self, directory: Directory, tags: frozenset[int]) -> None:
        """Take the entries with `tags` out of a directory, and overwrite their values with zeros."""
        self.blank(*(directory.place(entry) for entry in directory.entries if entry.tag in tags))
        kept = [bytes(self.data[entry.at : entry.at + 12]) for entry in directory.entries if entry.tag not in tags]
        end = directory.link + 4
        body = struct.pack(self.order + "H", len(kept)) + b"".join(kept) + bytes(self.data[directory.link : end])
        self.data[directory.start : end] = body.ljust(end - directory.start, b"\0")


def strip_prefix(block: bytes) -> bytes:
    """Return the block without the `Exif` marker that JPEG puts before it."""
    return block.removeprefix(PREFIX)


def read_orientation(block: bytes) -> int:
    """Return the orientation 1..8 that the block states; 1 where it states none, or none that is valid."""
    try:
        opened = _Block(block)
        entry = opened.first().find(_ORIENTATION)
        value = opened.value(entry)
    except (struct.error, ValueError):
        return 1
    return value if value is not None and 1 <= value <= 8 else 1


def with_orientation(block: bytes, orientation: int) -> bytes | None:
    """Return the block with that orientation; None where it is broken or has no room for it."""
    try:
        opened = _Block(block)
        entry = opened.first().find(_ORIENTATION)
    except (struct.error, ValueError):
        return None
    opened.set_value(entry, orientation)
    return bytes(opened.data) if read_orientation(bytes(opened.data)) == orientation else None


def for_upright_copy(block: bytes, width: int, height: int) -> bytes | None:
    """Return the block as it is true of the upright photo of `width` x `height` in sRGB; None if it is unreadable.

    The orientation becomes 1, its resolutions change places with the sides; sizes and colour space are set where they
    are stated. The thumbnail is left as it was.
    """
    try:
        opened = _Block(block)
        first = opened.first()
    except (struct.error, ValueError):
        return None
    if read_orientation(block) >= 5:
        _swap_resolutions(opened, first)
    opened.set_value(first.find(_ORIENTATION), 1)
    details = opened.below(first, _EXIF)
    if details is not None:
        opened.set_value(details.find(_WIDTH_PX), width)
        opened.set_value(details.find(_HEIGHT_PX), height)
        opened.set_value(details.find(_COLOUR_SPACE), _SRGB)
        rules = opened.below(details, _INTEROPERABILITY)
        index = rules.find(_INTEROPERABILITY_INDEX) if rules else None
        if rules and index is not None and opened.data[rules.place(index)] == _ADOBE_RGB_FILE:
            opened.data[rules.place(index)] = _SRGB_FILE
    return bytes(opened.data)


def with_places_moved(block: bytes, move: Move) -> bytes:
    """Return the block with the subject where it is now, and geographic tags as they are true of the new size.

    These go where the picture was turned, which they have no way to say. A block that is broken stays as it is.
    """
    try:
        opened = _Block(block)
        first = opened.first()
        details = opened.below(first, _EXIF)
        if details is not None:
            for tag in _SUBJECT:
                _move_subject(opened, details, tag, move)
        if move.orientation != 1:
            opened.remove(first, GEOGRAPHIC_TAGS)
        else:
            _scale_geography(opened, first, move)
    except (struct.error, ValueError):
        return block
    return bytes(opened.data)


def _move_subject(opened: _Block, details: Directory, tag: int, move: Move) -> None:
    """Move a point, a circle (centre, diameter) or a box (centre, sides)."""
    numbers = details.numbers(tag)
    entry = details.find(tag)
    if entry is None or entry.kind != _SHORT or len(numbers) not in (2, 3, 4):
        return
    width, height = (numbers[2], numbers[-1]) if len(numbers) > 2 else (0, 0)
    box = move.centred(numbers[0], numbers[1], width, height, in_pixels=True)
    moved = [min(max(round(value), 0), 0xFFFF) for value in box]
    struct.pack_into(f"{opened.order}{len(numbers)}H", opened.data, details.place(entry).start, *moved[: len(numbers)])


def _scale_geography(opened: _Block, first: Directory, move: Move) -> None:
    """Scale what GeoTIFF says of pixels: their size on the ground, tie points, the columns of a transformation."""
    across, down = (after / before for before, after in zip(move.before, move.after, strict=True))
    for tag, factors in (
        (_PIXEL_SCALE, (1 / across, 1 / down, 1)),
        (_TIE_POINTS, (across, down, 1, 1, 1, 1)),
        (_TRANSFORMATION, (1 / across, 1 / down, 1, 1)),
    ):
        entry = first.find(tag)
        if entry is None or entry.kind != _DOUBLE:
            continue
        place = first.place(entry)
        code = f"{opened.order}{(place.stop - place.start) // 8}d"
        values = struct.unpack_from(code, opened.data, place.start)
        scaled = (value * factors[number % len(factors)] for number, value in enumerate(values))
        struct.pack_into(code, opened.data, place.start, *scaled)


def with_resolution(x_dpi: float, y_dpi: float) -> bytes:
    """Return a block that states a resolution in pixels per inch, and nothing else."""
    values_at = 8 + 2 + 3 * 12 + 4
    entries = struct.pack("<HHLL", _RESOLUTION[0], _RATIONAL, 1, values_at)
    entries += struct.pack("<HHLL", _RESOLUTION[1], _RATIONAL, 1, values_at + 8)
    entries += struct.pack("<HHLL", _RESOLUTION_UNIT, _SHORT, 1, _INCHES)
    values = (min(round(value * 1000), 0xFFFFFFFF) for value in (x_dpi, y_dpi))
    fractions = b"".join(struct.pack("<LL", value, 1000) for value in values)
    return b"II*\0" + struct.pack("<LH", 8, 3) + entries + bytes(4) + fractions


def thumbnail_bytes(block: bytes) -> int | None:
    """Return how many bytes the JPEG thumbnail in the block has, None where there is none."""
    try:
        place = _thumbnail(_Block(block))
    except (struct.error, ValueError):
        return None
    return None if place is None else place.stop - place.start


def with_thumbnail(block: bytes, jpeg: bytes | None) -> bytes:
    """Return the block with `jpeg`, no larger than `thumbnail_bytes`, as its thumbnail; with None, without one.

    Nothing of the old thumbnail remains. Raises `ValueError` or `struct.error` where the block is broken.
    """
    opened = _Block(block)
    first = opened.first()
    place = _thumbnail(opened)
    if place is not None:
        opened.blank(place)
    if place is None or jpeg is None or len(jpeg) > place.stop - place.start:
        opened.unlink(first)
        return bytes(opened.data)
    opened.data[place.start : place.start + len(jpeg)] = jpeg
    second = opened.directory(opened.number("L", first.link))
    opened.set_value(second.find(_THUMBNAIL_BYTES), len(jpeg))
    opened.set_value(second.find(_ORIENTATION), 1)
    return bytes(opened.data)


def without_location(block: bytes) -> bytes | None:
    """Return the block without what tells a place, None where it cannot be read to the end.

    That is the GPS directory, geographic tags, and the maker's notes, which only their maker can read.
    """
    try:
        opened = _Block(block)
        details = opened.below(opened.first(), _EXIF)
        if details is not None:
            opened.remove(details, frozenset({_MAKER_NOTE}))
        places = opened.below(opened.first(), _GPS)
        if places is not None:
            opened.remove(places, frozenset(entry.tag for entry in places.entries))
        opened.remove(opened.first(), GEOGRAPHIC_TAGS | {_GPS})
    except (struct.error, ValueError):
        return None
    return bytes(opened.data)


def _swap_resolutions(opened: _Block, directory: Directory) -> None:
    x, y = (directory.find(tag) for tag in _RESOLUTION)
    if x is not None and y is not None:
        data, at_x, at_y = opened.data, slice(x.at + 2, x.at + 12), slice(y.at + 2, y.at + 12)
        data[at_x], data[at_y] = data[at_y], data[at_x]


def _thumbnail(opened: _Block) -> slice | None:
    """Return where the JPEG thumbnail is."""
    start = opened.number("L", opened.first().link)
    if start == 0:
        return None
    second = opened.directory(start)
    at, size = (opened.value(second.find(tag)) for tag in (_THUMBNAIL_AT, _THUMBNAIL_BYTES))
    if at is None or size is None or size == 0 or at + size > len(opened.data):
        return None
    return slice(at, at + size)
