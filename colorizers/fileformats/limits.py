"""Limits of what a picture file may declare: frames, metadata, pixels of TIFF pages, parts that take time to read.

All of it is read from headers; nothing is decoded or unpacked. Of TIFF, GIF and WebP files Pillow, or the library
behind it, makes room for pixels as soon as it opens them: their sizes are judged here. Those of other formats are left
to the caller, who has them from Pillow.
"""

import struct
from collections.abc import Iterator
from mmap import mmap

from colorizers.errors import TooManyFramesError, TooManyPixelsError, TooMuchMetadataError, UndecodableError
from colorizers.fileformats import jpeg_segments, tiff_directory
from colorizers.fileformats.isobmff_boxes import check_boxes
from colorizers.fileformats.jp2_boxes import has_too_many_boxes
from colorizers.fileformats.plain_headers import check_bmp, check_netpbm

MOST_FRAMES = 1000
# Profiles of presses have a few megabytes, phones add as much of depth maps.
MOST_METADATA_BYTES = 16_000_000
# All pages of a TIFF file together may have so many times the pixels that a single picture may have.
ALL_PAGES = 4
Bytes = bytes | mmap
_MEGABYTE = 1_000_000
_MOST_SAMPLES = 8
# Strips or tiles. A picture of 120 megapixels has so many if its tiles have 22 pixels a side; most have 256.
_MOST_PIECES = 250_000
# What a chunk or segment takes of those who walk over it, however empty it is; and of GIF's blocks, which have at most
# 255 bytes, as many as the largest files can have.
_CHUNK_COSTS_BYTES = 64
_MOST_BLOCKS = 400_000
_PIXEL_CHUNKS = (b"IDAT", b"fdAT", b"IEND")


def check_limits(data: Bytes, format_: str, max_megapixels: float) -> None:
    """Raise `TooManyFramesError`, `TooMuchMetadataError` or `TooManyPixelsError` where `data` declares too much.

    `format_` is Pillow's name of the file's format. A TIFF file is also judged by its tiles and samples. Raises
    `UndecodableError` where a TIFF file has no directory that can be read, or a file has more parts than a photograph.
    """
    if format_ == "TIFF":
        _check_pages(data, max_megapixels)
    elif format_ == "GIF":
        _check_gif(data, max_megapixels)
    elif format_ == "WEBP":
        check_pixels(*_webp_size(data), max_megapixels)
        _check_metadata_sizes(_webp_metadata(data))
    elif format_ == "PNG":
        _check_metadata_sizes(_png_metadata(data))
    elif format_ in ("JPEG", "MPO"):
        _check_metadata_sizes(jpeg_segments.metadata_costs(data))
        if sum(1 for _ in jpeg_segments.scans(data)) > jpeg_segments.MOST_SCANS:
            raise UndecodableError("This JPEG file has more scans than a photograph has.", format="JPEG")
    elif format_ == "JPEG2000" and has_too_many_boxes(data):
        raise UndecodableError("This JPEG 2000 file has more parts than a photograph has.", format="JPEG 2000")
    elif format_ in ("AVIF", "HEIF"):
        check_boxes(data, "HEIC/HEIF" if format_ == "HEIF" else format_)
    elif format_ == "PPM":
        check_netpbm(data)
    elif format_ == "BMP":
        check_bmp(data)


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


def _check_metadata_sizes(sizes: Iterator[int]) -> None:
    total = 0
    for size in sizes:
        total += size + _CHUNK_COSTS_BYTES
        if total > MOST_METADATA_BYTES:
            raise _too_much_metadata()


def _check_pages(data: Bytes, max_megapixels: float) -> None:
    count, pixels, metadata_bytes = 0, 0, 0
    # What is checked after each directory need not wait for the last one.
    for header in tiff_directory.directories(data):
        metadata_bytes += header.metadata_bytes
        if metadata_bytes > MOST_METADATA_BYTES:
            raise _too_much_metadata()
        if header.index + 1 == tiff_directory.MOST_DIRECTORIES:
            raise _too_many_frames()
        # Where no directory is a page, the first is taken for one.
        if not header.is_page and header.index > 0:
            continue
        count += 1
        if count > MOST_FRAMES:
            raise _too_many_frames()
        check_pixels(header.width, header.height, max_megapixels)
        check_pixels(header.tile_width, header.tile_height, max_megapixels)
        if header.samples > _MOST_SAMPLES:
            raise UndecodableError("This TIFF file has more samples a pixel than a photograph has.", format="TIFF")
        if header.pieces > _MOST_PIECES:
            raise UndecodableError("This TIFF file has more strips or tiles than a photograph has.", format="TIFF")
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


def _webp_metadata(data: Bytes) -> Iterator[int]:
    """Yield the size of every chunk that holds metadata. Raises `TooManyFramesError`."""
    at, frames = 12, 0
    while len(data) >= at + 8:
        name, size = struct.unpack_from("<4sI", data, at)
        frames += name == b"ANMF"
        if frames > MOST_FRAMES:
            raise _too_many_frames()
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
        while at < len(data) and data[at] and blocks <= _MOST_BLOCKS:
            at += 1 + data[at]
            blocks += 1
        at += 1
        blocks += 1
        if blocks > _MOST_BLOCKS:
            raise _too_much_metadata()


def _gif_colours(data: Bytes, flags_at: int) -> int:
    """Return the bytes of the colour table that the flags at that place announce."""
    flags = data[flags_at] if flags_at < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
