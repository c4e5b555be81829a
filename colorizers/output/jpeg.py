"""Encoding of JPEG files with their metadata.

libjpeg-turbo reads the array as it is, where Pillow keeps a second picture of four bytes a
pixel. The pixels are the same, bit for bit.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from colorizers.metadata.exif import PREFIX

if TYPE_CHECKING:
    from colorizers.output.metadata import Carried

# A segment holds so many bytes, the name of its contents included.
_MOST = 65533
MOST_EXIF = _MOST - len(PREFIX)
_XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP_NAME = b"http://ns.adobe.com/xmp/extension/\0"
MOST_XMP = _MOST - len(_XMP_NAME)
_ICC_NAME = b"ICC_PROFILE\0"
_PHOTOSHOP_NAME = b"Photoshop 3.0\0"
# The file begins with the start marker and the JFIF segment, which is written anew; metadata follow it.
_METADATA_AT = 2 + 18
_START = b"\xff\xd8"
_APP0, _APP1, _APP2, _APP13, _COMMENT = 0xE0, 0xE1, 0xE2, 0xED, 0xFE
_MOST_DPI = 65535


def jpeg_bytes(rgb: NDArray[np.uint8], quality: int, carried: "Carried") -> bytes:
    """Return a JPEG file of RGB (h, w, 3), at most 65500 pixels a side, with colour at full resolution.

    EXIF larger than `MOST_EXIF` is left out. So are comments other than "Comment": a JPEG's have no keywords.
    """
    plain = imagecodecs.jpeg8_encode(np.ascontiguousarray(rgb), level=quality, subsampling="444")
    return b"".join([_START, *_metadata(carried), memoryview(plain)[_METADATA_AT:]])


def extension(packet: bytes) -> tuple[str, tuple[bytes, ...]]:
    """Return XMP that is too large for one segment as an extension: its name and its segments' contents.

    See Adobe's XMP specification, part 3, section 1.1.3.1; what is in the packet then refers to it by its name.
    """
    guid = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper()
    most = _MOST - len(_EXTENDED_XMP_NAME) - 40
    head = _EXTENDED_XMP_NAME + guid.encode()
    parts = (head + struct.pack(">II", len(packet), at) + packet[at : at + most] for at in range(0, len(packet), most))
    return guid, tuple(parts)


def _metadata(carried: "Carried") -> Iterator[bytes]:
    """Yield the segments that come before the picture."""
    x, y = (max(1, min(round(value), _MOST_DPI)) for value in carried.dpi or carried.density or (1, 1))
    yield _segment(_APP0, struct.pack(">5sHBHHBB", b"JFIF\0", 0x0101, carried.dpi is not None, x, y, 0, 0))
    if carried.exif is not None and len(carried.exif) <= MOST_EXIF:
        yield _segment(_APP1, PREFIX + carried.exif)
    yield _segment(_APP1, _XMP_NAME + carried.xmp)
    yield from (_segment(_APP1, part) for part in carried.extended_xmp)
    parts = list(_parts(carried.profile, _MOST - len(_ICC_NAME) - 2))
    for number, part in enumerate(parts, 1):
        yield _segment(_APP2, _ICC_NAME + bytes((number, len(parts))) + part)
    for part in _parts(carried.resources or b"", _MOST - len(_PHOTOSHOP_NAME)):
        yield _segment(_APP13, _PHOTOSHOP_NAME + part)
    for keyword, text in carried.comments:
        if keyword == "Comment":
            yield _segment(_COMMENT, text[:_MOST])


def _parts(data: bytes, most: int) -> Iterator[bytes]:
    return (data[at : at + most] for at in range(0, len(data), most))


def _segment(marker: int, contents: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(contents) + 2) + contents
