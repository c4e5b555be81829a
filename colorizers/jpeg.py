"""Pixels and metadata in, the bytes of a JPEG file out; and the bytes of a JPEG file in, its pixels out.

libjpeg-turbo writes and reads straight from and into the array, where Pillow keeps a second picture of four bytes a
pixel. The pixels are the same, bit for bit.
"""

import struct

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizers.exif import PREFIX

MOST_PX = 65535
# A segment holds 65,533 bytes, the name of its contents included.
MOST_EXIF = 65533 - len(PREFIX)
_XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"
MOST_XMP = 65533 - len(_XMP_NAME)
_ICC_NAME = b"ICC_PROFILE\0"
_MOST_ICC = 65533 - len(_ICC_NAME) - 2
# The file begins with the start marker and the JFIF segment, which is written anew; metadata follow it.
_METADATA_AT = 2 + 18
_START, _END = b"\xff\xd8", b"\xff\xd9"
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
_MOST_DPI = 65535


def jpeg_bytes(
    rgb: NDArray[np.uint8],
    quality: int,
    profile: bytes,
    xmp: bytes,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """Return a JPEG file of RGB (h, w, 3) with colour at full resolution.

    `exif` is a TIFF structure without prefix, `dpi` pixels per inch. What is larger than `MOST_PX`, `MOST_EXIF` or
    `MOST_XMP` does not fit; the caller sees to that.
    """
    plain = imagecodecs.jpeg8_encode(np.ascontiguousarray(rgb), level=quality, subsampling="444")
    x, y = (1, 1) if dpi is None else (min(round(value), _MOST_DPI) for value in dpi)
    segments = [_START, _segment(_APP0, struct.pack(">5sHBHHBB", b"JFIF\0", 0x0101, dpi is not None, x, y, 0, 0))]
    if exif is not None:
        segments.append(_segment(_APP1, PREFIX + exif))
    segments.append(_segment(_APP1, _XMP_NAME + xmp))
    parts = [profile[at : at + _MOST_ICC] for at in range(0, len(profile), _MOST_ICC)]
    segments += [
        _segment(_APP2, _ICC_NAME + bytes((number, len(parts))) + part) for number, part in enumerate(parts, 1)
    ]
    return b"".join([*segments, memoryview(plain)[_METADATA_AT:]])


def jpeg_pixels(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """Return the pixels, gray (h, w) or RGB (h, w, 3), of the JPEG file `data`, opened but not loaded as `image`.

    None for every file that is not of the plainest kind or may be cut off: Pillow judges those.
    """
    if image.format not in ("JPEG", "MPO") or image.mode not in ("L", "RGB") or not data.endswith(_END):
        return None
    try:
        pixels: NDArray[np.uint8] = imagecodecs.jpeg8_decode(data)
    except imagecodecs.Jpeg8Error:
        return None
    expected = (image.height, image.width) + (() if image.mode == "L" else (3,))
    return pixels if pixels.shape == expected else None


def _segment(marker: int, contents: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(contents) + 2) + contents
