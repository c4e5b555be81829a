"""Makers of picture files that keep a parser busy: a tiny photo in as many bytes as are asked for.

Without limits, what they declare or how their pixels are stored takes parsers between seconds and minutes.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO

import imagecodecs
import numpy as np
import pillow_heif
from numpy.typing import DTypeLike
from PIL import Image

pillow_heif.register_heif_opener()

_PIXELS = (np.add.outer(np.arange(16) * 13, np.arange(24) * 7) % 256).astype(np.uint8)
_AVIF_ITEMS = 350_000
_WIDTH, _HEIGHT = 24, 16


def box(name: bytes, body: bytes) -> bytes:
    """Return a box of the ISO base media file format, or of JPEG 2000."""
    return struct.pack(">I4s", 8 + len(body), name) + body


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _saved(format_: str, **options: object) -> bytes:
    file = BytesIO()
    picture = _PIXELS if format_ not in ("AVIF", "HEIF") else np.zeros((64, 64, 3), np.uint8)
    Image.fromarray(picture).save(file, format_, **options)
    return file.getvalue()


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        yield name, data[at + 8 : at + (size or len(data))]
        at += size or len(data)


def _with_meta(change: Callable[[dict[bytes, bytes]], dict[bytes, bytes]]) -> bytes:
    """Return an AVIF file with the boxes of its `meta` box, by their names, changed."""
    parts = []
    for name, body in _boxes(_saved("AVIF")):
        if name == b"meta":
            inside = change(dict(_boxes(body[4:])))
            body = body[:4] + b"".join(box(inner, contents) for inner, contents in inside.items())
        parts.append(box(name, body))
    return b"".join(parts)


def _numbered(count: int, fields: list[tuple[str, DTypeLike]], values: dict[str, int]) -> bytes:
    """Return that many big-endian records, each with another `id`."""
    records = np.zeros(count, fields)
    for name, value in values.items():
        records[name] = value
    records["id"] = np.arange(2, count + 2)
    return records.tobytes()


def avif_item_places(_: int) -> bytes:
    fields: list[tuple[str, DTypeLike]] = [("id", ">u4"), ("method", ">u2"), ("reference", ">u2"), ("extents", ">u2")]
    places = _numbered(_AVIF_ITEMS, fields, {})
    iloc = struct.pack(">IHI", 2 << 24, 0, _AVIF_ITEMS) + places
    return _with_meta(lambda inside: {**inside, b"iloc": iloc})


def avif_items(_: int) -> bytes:
    fields: list[tuple[str, DTypeLike]] = [
        *(("size", ">u4"), ("name", "S4"), ("version", ">u4"), ("id", ">u4"), ("protection", ">u2")),
        *(("kind", "S4"), ("title", "u1")),
    ]
    items = np.frombuffer(_numbered(_AVIF_ITEMS, fields, {"size": 23, "version": 3 << 24}), fields).copy()
    items["name"], items["kind"] = b"infe", b"Exif"

    def add(inside: dict[bytes, bytes]) -> dict[bytes, bytes]:
        (count,) = struct.unpack_from(">H", inside[b"iinf"], 4)
        body = struct.pack(">II", 1 << 24, count + _AVIF_ITEMS) + inside[b"iinf"][6:] + items.tobytes()
        return {**inside, b"iinf": body}

    return _with_meta(add)


def avif_references(_: int) -> bytes:
    fields: list[tuple[str, DTypeLike]] = [
        *(("size", ">u4"), ("name", "S4"), ("id", ">u4"), ("count", ">u2"), ("to", ">u4")),
    ]
    references = np.frombuffer(_numbered(_AVIF_ITEMS, fields, {"size": 18, "count": 1}), fields).copy()
    references["name"], references["to"] = b"dimg", references["id"] + 1
    return _with_meta(lambda inside: {**inside, b"iref": struct.pack(">I", 1 << 24) + references.tobytes()})


def avif_associations(_: int) -> bytes:
    fields: list[tuple[str, DTypeLike]] = [("id", ">u4"), ("count", "u1"), ("property", "u1")]
    ipma = struct.pack(">II", 1 << 24, _AVIF_ITEMS) + _numbered(_AVIF_ITEMS, fields, {"count": 1, "property": 1})

    def add(inside: dict[bytes, bytes]) -> dict[bytes, bytes]:
        properties = {**dict(_boxes(inside[b"iprp"])), b"ipma": ipma}
        return {**inside, b"iprp": b"".join(box(name, body) for name, body in properties.items())}

    return _with_meta(add)


def avif_empty_boxes(size: int) -> bytes:
    first, *others = _boxes(_saved("AVIF"))
    return box(*first) + box(b"free", b"") * (size // 8) + b"".join(box(*part) for part in others)


def heic_nested_boxes(size: int) -> bytes:
    first, *others = _boxes(_saved("HEIF"))
    nested = np.zeros(size // 12, [("size", ">u4"), ("name", "S4"), ("version", ">u4")])
    nested["size"], nested["name"] = 12 * np.arange(len(nested), 0, -1), b"meta"
    return box(*first) + nested.tobytes() + b"".join(box(*part) for part in others)


def pgm_comment(size: int) -> bytes:
    return b"P5\n#" + b"a" * size + b"\n24 16 255\n" + _PIXELS.tobytes()


def pgm_blanks(size: int) -> bytes:
    return b"P5\n" + b" " * size + b"24 16 255\n" + _PIXELS.tobytes()


def pgm_comments_among_pixels(size: int) -> bytes:
    return b"P2\n24 16 255\n" + b"#\n" * (size // 2) + b" 1" * _PIXELS.size


def jp2_empty_boxes(size: int) -> bytes:
    signature, kind, *others = _boxes(_jp2())
    return box(*signature) + box(*kind) + box(b"free", b"") * (size // 8) + b"".join(box(*part) for part in others)


def jp2_empty_header_boxes(size: int) -> bytes:
    more = box(b"free", b"") * (size // 8)
    return b"".join(box(name, more + body if name == b"jp2h" else body) for name, body in _boxes(_jp2()))


def _jp2() -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(_PIXELS, level=0, codecformat="jp2"))


def jpeg_junk(size: int) -> bytes:
    plain = _saved("JPEG")
    return plain[:20] + b"a" * size + plain[20:]


def jpeg_extended_xmp(size: int) -> bytes:
    plain, contents = _saved("JPEG"), b"http://ns.adobe.com/xmp/extension/\0".ljust(65_533, b"a")
    return plain[:2] + (b"\xff\xe1\xff\xff" + contents) * (size // 65_537) + plain[2:]


def _tiff(entries: list[tuple[int, int, int, int]], link: int, rest: bytes) -> bytes:
    directory = b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<LH", 8, len(entries)) + directory + struct.pack("<L", link) + rest


def _tiff_entries(*more: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    usual = [(256, _WIDTH), (257, _HEIGHT), (258, 8), (259, 1), (262, 1), (277, 1), (278, _HEIGHT)]
    return sorted([*((tag, 4, 1, value) for tag, value in usual), *more])


def tiff_strips(size: int) -> bytes:
    entries = _tiff_entries((273, 4, size // 4, 200), (279, 4, size // 4, 200))
    return _tiff(entries, 0, bytes(size + 200))


def tiff_directories(size: int) -> bytes:
    """Return a TIFF file with one page and a long chain of masks, which lead back to its beginning."""
    entries = _tiff_entries((273, 4, 1, 200), (279, 4, 1, 384))
    start, one = 8 + 2 + 12 * len(entries) + 4, 2 + 12 + 4
    masks = np.zeros(size // one, [("count", "<u2"), ("tag", "<u2"), ("kind", "<u2"), *((f, "<u4") for f in "nvl")])
    masks["count"], masks["tag"], masks["kind"], masks["n"], masks["v"] = 1, 254, 4, 1, 4
    masks["l"] = start + one * np.arange(1, len(masks) + 1)
    masks["l"][-1] = start
    return _tiff(entries, start, masks.tobytes())


def png_empty_chunks(size: int) -> bytes:
    plain = _saved("PNG")
    return plain[:33] + chunk(b"teXt", b"") * (size // 12) + plain[33:]


def gif_empty_extensions(size: int) -> bytes:
    plain = _saved("GIF")
    return plain[:-1] + b"!\xfe\0" * (size // 3) + plain[-1:]


def gif_frames(size: int) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0x80) + bytes(6) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + frame * (size // len(frame)) + b";"


def webp_frames(size: int) -> bytes:
    picture = _saved("WEBP")[12:]
    canvas = (_WIDTH - 1).to_bytes(3, "little") + (_HEIGHT - 1).to_bytes(3, "little")
    frame = b"ANMF" + struct.pack("<I", 16 + len(picture)) + bytes(6) + canvas + bytes(4) + picture
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\2\0\0\0" + canvas + b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    body += frame * (size // len(frame))
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp_empty_runs(size: int) -> bytes:
    pixels_at = 54 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, _WIDTH, _HEIGHT, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, pixels_at) + header + bytes(1024) + b"\0\2\0\0" * (size // 4)


HOSTILE_FILES: dict[str, Callable[[int], bytes]] = {
    make.__name__.replace("_", " "): make
    for make in (
        *(avif_item_places, avif_items, avif_references, avif_associations, avif_empty_boxes, heic_nested_boxes),
        *(pgm_comment, pgm_blanks, pgm_comments_among_pixels, jp2_empty_boxes, jp2_empty_header_boxes),
        *(jpeg_junk, jpeg_extended_xmp, tiff_strips, tiff_directories, png_empty_chunks),
        *(gif_empty_extensions, gif_frames, webp_frames, bmp_empty_runs),
    )
}
"""The makers by what their files are full of; each takes the number of bytes, which those with items do not heed."""

REFUSALS = frozenset({"undecodable", "too_much_metadata", "too_many_frames"})
"""The codes of the errors that refuse these files."""
