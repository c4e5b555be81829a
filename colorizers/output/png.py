"""Encoding of PNG files of 8 or 16 bits with their metadata (PNG, third edition, W3C 2025)."""

import struct
import zlib

import imagecodecs

from colorizers.colorspace.lab import Pixels
from colorizers.metadata.read import as_text
from colorizers.output.metadata import Carried

# The pixels follow the signature and the header chunk; the metadata chunks have to come before them.
_METADATA_AT = 8 + 25
_METRES_PER_INCH = 0.0254
_MOST = 0x7FFFFFFF
# Fast settings for photographs: a fifth of the time of zlib's default, files a tenth larger.
_LEVEL, _RUN_LENGTHS, _FILTER_SUB = 1, 3, 16


def png_bytes(samples: Pixels, carried: Carried) -> bytes:
    """Return a PNG file of RGB (h, w, 3) or RGBA (h, w, 4) samples, uint8 or uint16."""
    plain = bytes(imagecodecs.png_encode(samples, level=_LEVEL, strategy=_RUN_LENGTHS, filter=_FILTER_SUB))
    chunks = [_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(carried.profile))]
    if carried.dpi is not None:
        x, y = (min(round(value / _METRES_PER_INCH), _MOST) for value in carried.dpi)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    elif carried.density is not None:
        x, y = (min(round(value * 1000), _MOST) for value in carried.density)
        chunks.append(_chunk(b"pHYs", struct.pack(">IIB", x, y, 0)))
    if carried.exif is not None:
        chunks.append(_chunk(b"eXIf", carried.exif))
    if carried.resources is not None:
        chunks.append(_chunk(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(_hexadecimal(carried.resources))))
    chunks.append(_text(b"XML:com.adobe.xmp", carried.xmp))
    chunks += [_text(_keyword(key), as_text(text).encode()) for key, text in carried.comments]
    return plain[:_METADATA_AT] + b"".join(chunks) + plain[_METADATA_AT:]


def _hexadecimal(data: bytes) -> bytes:
    """Return data as ImageMagick writes a profile that PNG has no chunk for: name, length, lines of digits."""
    digits = data.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return f"\niptc\n{len(data):8}\n{lines}\n".encode()


def _keyword(text: str) -> bytes:
    """Return `text` as PNG wants a keyword: 1 to 79 printable Latin-1 characters, single spaces within."""
    printable = "".join(letter for letter in text if letter.isprintable()).encode("latin-1", "ignore")
    return b" ".join(printable.split())[:79].strip() or b"Comment"


def _text(keyword: bytes, text: bytes) -> bytes:
    """Return a chunk with international text, not compressed, of no language."""
    return _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text.replace(b"\0", b""))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
