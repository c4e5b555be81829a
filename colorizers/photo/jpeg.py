"""Decoding of plain JPEG files straight into an array.

Pillow would keep a second picture of four bytes a pixel. The pixels are the same, bit for bit.
"""

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizers.fileformats import jpeg_segments

_END = b"\xff\xd9"
_FILLING = bytes(range(1, 255)) * 16


def jpeg_pixels(image: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """Return the pixels, gray (h, w) or RGB (h, w, 3), of the JPEG file `data`, opened but not loaded as `image`.

    None for every file that is not of the plainest kind or may be cut off: Pillow judges those.
    """
    if image.format not in ("JPEG", "MPO") or image.mode not in ("L", "RGB"):
        return None
    if data.endswith(_END):
        pixels = _decoded(data)
    elif is_complete(data):
        pixels = _decoded(data + _END)
    else:
        return None
    expected = (image.height, image.width) + (() if image.mode == "L" else (3,))
    return pixels if pixels is not None and pixels.shape == expected else None


def is_complete(data: bytes) -> bool:
    """Return whether the JPEG file `data`, which has no end marker at its end, has all of its pixels all the same.

    Where some are missing, libjpeg makes them up from whatever follows; so two endings give two pictures.
    """
    if not jpeg_segments.has_all_scans(data):
        return False
    endings = [_decoded(data.rstrip(b"\xff") + filling + _END) for filling in (b"", _FILLING)]
    return endings[0] is not None and endings[1] is not None and bool(np.array_equal(endings[0], endings[1]))


def _decoded(data: bytes) -> NDArray[np.uint8] | None:
    try:
        pixels: NDArray[np.uint8] = imagecodecs.jpeg8_decode(data)
    except imagecodecs.Jpeg8Error:
        return None
    return pixels
