"""Decoding of plain JPEG files straight into an array.

Pillow would keep a second picture of four bytes a pixel. The pixels are the same, bit for bit.
"""

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_END = b"\xff\xd9"


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
