"""Limits of formats that readers go through byte by byte: PBM, PGM, PPM and PFM files, and packed BMP files."""

import re
import struct
from mmap import mmap

from colorizers.errors import UndecodableError

# Comments are somebody's name, or a program's.
_MOST_HEADER_BYTES = 1 << 16
_BLANK = rb"(?:[ \t-\r]|#[^\r\n]*+[\r\n])*+"
_NUMBER = _BLANK + rb"(\d{1,10})"
# Bitmaps state no largest value; that of a PFM file is its scale.
_NETPBM = re.compile(rb"P(?:[14]" + _NUMBER * 2 + rb"|[2356Ff]" + _NUMBER * 2 + _BLANK + rb"([-+.\deE]{1,32}))")
_AS_TEXT, _COLOR_AS_TEXT = (b"P1", b"P2", b"P3"), b"P3"
# A sample as text, with its blank; some people align the columns, and some add comments.
_MOST_TEXT_BYTES_PER_SAMPLE = 32
_RUN_LENGTHS = (1, 2)
_MOST_BYTES_PER_PACKED_PIXEL = 4
_BMP_SIZES_AT, _BMP_PACKING_AT = 18, 30


def netpbm_size(data: bytes | mmap) -> tuple[int, int]:
    """Return width and height of a PBM, PGM, PPM or PFM file; raises `UndecodableError` where it states none."""
    return _netpbm_header(data)[1]


def with_plain_header(data: bytes) -> bytes:
    """Return the file with a header of one line, without the comments that some readers do not expect."""
    found, (width, height) = _netpbm_header(data)
    return b" ".join([data[:2], b"%d %d" % (width, height), found[5] or b""]).rstrip() + data[found.end() :]


def check_netpbm(data: bytes | mmap) -> None:
    """Raise `UndecodableError` where the header is longer than anyone's, or text is far more than its samples need."""
    found, (width, height) = _netpbm_header(data)
    samples = width * height * (3 if found[0].startswith(_COLOR_AS_TEXT) else 1)
    if found[0].startswith(_AS_TEXT) and len(data) > _MOST_HEADER_BYTES + samples * _MOST_TEXT_BYTES_PER_SAMPLE:
        raise _undecodable("PBM/PGM/PPM")


def _netpbm_header(data: bytes | mmap) -> tuple[re.Match[bytes], tuple[int, int]]:
    found = _NETPBM.match(data[:_MOST_HEADER_BYTES])
    if found is None:
        raise _undecodable("PBM/PGM/PPM")
    width, height = (int(side) for side in found.groups()[:4] if side)
    return found, (width, height)


def check_bmp(data: bytes | mmap) -> None:
    """Raise `UndecodableError` where packed pixels are far more bytes than the picture needs."""
    if len(data) < _BMP_PACKING_AT + 4:
        return
    width, height = struct.unpack_from("<ii", data, _BMP_SIZES_AT)
    (packing,) = struct.unpack_from("<I", data, _BMP_PACKING_AT)
    most = _MOST_HEADER_BYTES + abs(width * height) * _MOST_BYTES_PER_PACKED_PIXEL
    if packing in _RUN_LENGTHS and len(data) > most:
        raise _undecodable("BMP")


def _undecodable(title: str) -> UndecodableError:
    return UndecodableError(f"This {title} file has more bytes than its picture needs.", format=title)
