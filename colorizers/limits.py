"""The bytes of a picture file in, nothing out unless it declares too much: frames, metadata, pixels of TIFF pages.

All of it is read from headers; nothing is decoded or unpacked. Of TIFF, GIF and WebP files Pillow, or the library
behind it, makes room for pixels as soon as it opens them: their sizes are judged here. Those of other formats are left
to the caller, who has them from Pillow.
"""

import re
import struct
from collections.abc import Iterator
from mmap import mmap

from colorizers import tiff_header
from colorizers.errors import TooManyFramesError, TooManyPixelsError, TooMuchMetadataError, UndecodableError

MOST_FRAMES = 1000
# Profiles of presses have a few megabytes, phones add as much of depth maps.
MOST_METADATA_BYTES = 16_000_000
# All pages of a TIFF file together may have so many times the pixels that a single picture may have.
ALL_PAGES = 4
Bytes = bytes | mmap
_MEGABYTE = 1_000_000
_MOST_SAMPLES = 8
# What a chunk or segment takes of those who walk over it, however empty it is; and of GIF's blocks, which have at most
# 255 bytes, as many as the largest files can have.
_CHUNK_COSTS_BYTES = 64
_MOST_BLOCKS = 1_000_000
# Each passes over the whole picture, however few bytes it has; encoders make ten.
_MOST_SCANS = 200
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# What ends the packed pixels of a scan: no stuffed byte, no restart, no filling.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_PIXEL_CHUNKS = (b"IDAT", b"fdAT", b"IEND")


def check_limits(data: Bytes, format_: str, max_megapixels: float) -> None:
    """Raise `TooManyFramesError`, `TooMuchMetadataError` or `TooManyPixelsError` where `data` declares too much.

    `format_` is Pillow's name of the file's format. A TIFF file is also judged by its tiles and samples. Raises
    `UndecodableError` where a TIFF file has no directory that can be read, or a JPEG file too many scans.
    """
    if format_ == "TIFF":
        _check_pages(data, max_megapixels)
        return
    if format_ == "GIF":
        _check_gif(data, max_megapixels)
    if format_ == "WEBP":
        width, height = _webp_size(data)
        check_pixels(width, height, max_megapixels)
    walk = {"PNG": _png_metadata, "JPEG": _jpeg_metadata, "MPO": _jpeg_metadata, "WEBP": _webp_metadata}.get(format_)
    total = 0
    for size in walk(data) if walk else ():
        total += size + _CHUNK_COSTS_BYTES
        if total > MOST_METADATA_BYTES:
            raise _too_much_metadata()
    if format_ in ("JPEG", "MPO") and sum(1 for _ in _jpeg_scans(data)) > _MOST_SCANS:
        raise UndecodableError("This JPEG file has more scans than a photograph has.", format="JPEG")


def check_pixels(width: int, height: int, max_megapixels: float) -> None:
    """Raise `TooManyPixelsError` where a picture of `width` x `height` has more than `max_megapixels`."""
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise TooManyPixelsError(
            f"The picture has {megapixels:,.1f} megapixels; the limit is {max_megapixels:g}.",
            megapixels=megapixels,
            limit=max_megapixels,
        )


def check_metadata(*parts: bytes | None) -> None:
    """Raise `TooMuchMetadataError` where metadata that have been read are more than anyone can go on with."""
    if sum(len(part or b"") for part in parts) > MOST_METADATA_BYTES:
        raise _too_much_metadata()


def _check_pages(data: Bytes, max_megapixels: float) -> None:
    count, pixels, metadata_bytes = 0, 0, 0
    # What is checked after each directory need not wait for the last one.
    for header in tiff_header.directories(data):
        metadata_bytes += header.metadata_bytes
        if metadata_bytes > MOST_METADATA_BYTES:
            raise _too_much_metadata()
        if not header.is_page:
            continue
        count += 1
        if count > MOST_FRAMES:
            raise _too_many_frames()
        check_pixels(header.width, header.height, max_megapixels)
        check_pixels(header.tile_width, header.tile_height, max_megapixels)
        if header.samples > _MOST_SAMPLES:
            raise UndecodableError("This TIFF file has more samples a pixel than a photograph has.", format="TIFF")
        pixels += header.width * header.height
        check_pixels(pixels, 1, max_megapixels * ALL_PAGES)
    if not count:
        raise UndecodableError(
            "This TIFF file cannot be decoded: it is broken, cut off or of an unusual kind.", format="TIFF"
        )


def _too_many_frames() -> TooManyFramesError:
    return TooManyFramesError(f"The file has more than {MOST_FRAMES} pages or frames.", limit=MOST_FRAMES)


def _too_much_metadata() -> TooMuchMetadataError:
    limit = MOST_METADATA_BYTES // _MEGABYTE
    return TooMuchMetadataError(f"The file has more than {limit} MB of metadata besides the picture.", limit_mb=limit)


def _png_metadata(data: Bytes) -> Iterator[int]:
    """Yield the size of every chunk that holds no pixels."""
    at = 8
    while len(data) >= at + 8:
        size, name = struct.unpack_from(">I4s", data, at)
        # A broken file's next "chunk" is noise that announces anything; only bytes that are there can be a burden.
        yield 0 if name in _PIXEL_CHUNKS else min(size, len(data) - at)
        at += 12 + size


def _jpeg_metadata(data: Bytes) -> Iterator[int]:
    """Yield the size of every segment before the pixels."""
    at = 2
    while len(data) >= at + 4 and data[at] == 0xFF and data[at + 1] != 0xDA:
        (size,) = struct.unpack_from(">H", data, at + 2)
        yield size
        at += 2 + size


def _jpeg_scans(data: Bytes) -> Iterator[int]:
    """Yield where every scan of the first picture starts, up to one more than there may be.

    Segments between two scans count as scans where there are hundreds of them.
    """
    at, found, between = 2, 0, 0
    while found <= _MOST_SCANS and len(data) >= at + 4 and data[at] == 0xFF and data[at + 1] != _END_OF_IMAGE:
        is_scan = data[at + 1] == _START_OF_SCAN
        between = 0 if is_scan or not found else between + 1
        if is_scan or between > _MOST_SCANS:
            yield at
            found += 1
        (size,) = struct.unpack_from(">H", data, at + 2)
        at += 2 + size
        if is_scan:
            end = _MARKER.search(data, at)
            at = len(data) if end is None else end.start()


def _webp_metadata(data: Bytes) -> Iterator[int]:
    """Yield the size of every chunk that holds metadata."""
    at = 12
    while len(data) >= at + 8:
        name, size = struct.unpack_from("<4sI", data, at)
        yield size if name in (b"ICCP", b"EXIF", b"XMP ") else 0
        at += 8 + size + size % 2


def _webp_size(data: Bytes) -> tuple[int, int]:
    """Return the width and height of the canvas (RFC 9649, sections 2.5 to 2.7), zeros where none is declared."""
    name, head = bytes(data[12:16]), bytes(data[20:30]).ljust(10, b"\0")
    if name == b"VP8X":
        return 1 + int.from_bytes(head[4:7], "little"), 1 + int.from_bytes(head[7:10], "little")
    if name == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", head, 6)
    return width & 0x3FFF, height & 0x3FFF


def gif_size(data: Bytes) -> tuple[int, int]:
    """Return width and height of a GIF file's screen, which its first frame may enlarge; zeros where it is cut off."""
    if len(data) < 10:
        return 0, 0
    width, height = struct.unpack_from("<HH", data, 6)
    right, bottom = next(_gif_frames(data), (0, 0))
    return max(width, right), max(height, bottom)


def _check_gif(data: Bytes, max_megapixels: float) -> None:
    width, height = gif_size(data)
    check_pixels(width, height, max_megapixels)
    for number, (right, bottom) in enumerate(_gif_frames(data)):
        if number >= MOST_FRAMES:
            raise _too_many_frames()
        check_pixels(max(right, width), max(bottom, height), max_megapixels)


def _gif_frames(data: Bytes) -> Iterator[tuple[int, int]]:
    """Yield how far to the right and down each frame reaches; stops where the file is broken.

    Raises `TooMuchMetadataError` where it has more blocks than anyone can walk over.
    """
    at, blocks = 6 + 7 + _gif_colours(data, 10), 0
    while at < len(data) and data[at] in (0x21, 0x2C):
        if data[at] == 0x2C:
            if len(data) < at + 9:
                return
            left, top, width, height = struct.unpack_from("<4H", data, at + 1)
            yield left + width, top + height
            at += 10 + _gif_colours(data, at + 9) + 1
        else:
            at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
            blocks += 1
            if blocks > _MOST_BLOCKS:
                raise _too_much_metadata()
        at += 1


def _gif_colours(data: Bytes, flags_at: int) -> int:
    """Return the bytes of the colour table that the flags at that place announce."""
    flags = data[flags_at] if flags_at < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
