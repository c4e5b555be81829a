"""Decoding of pictures of more than 8 bits a sample; TIFF has a module of its own.

Pillow cuts most such pictures to 8 bits; here other decoders read them. 10 and 12 bits are stretched to 16, so that
white is 65535 whatever the depth was.
"""

from io import BytesIO

import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image

from colorizers.fileformats import jp2_boxes
from colorizers.photo.channels import Samples, split
from colorizers.photo.levels import from_bits

_PNG_DEPTH_AT = 24
_PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I;16")


def deep_samples(image: Image.Image, data: bytes) -> Samples | None:
    """Return the samples, uint16, of `image`, opened from `data`.

    None where it has 8 bits or fewer, or is of a kind that Pillow reads as well. Raises what the decoders raise where
    the data are broken.
    """
    if image.format == "PNG" and data[_PNG_DEPTH_AT] == 16:
        return split(imagecodecs.png_decode(data))
    if image.format == "JPEG2000" and image.mode in _PLAIN_MODES:
        return _jpeg2000(data)
    # Of an animation imagecodecs cannot decode one frame: it writes beyond its memory. Pillow reads these with 8 bits.
    is_animated = int(getattr(image, "n_frames", 1)) > 1
    if image.format == "AVIF" and not is_animated and (depth := _avif_depth(data)) > 8:
        return split(from_bits(imagecodecs.avif_decode(data, index=0), depth))
    if image.format == "HEIF" and (depth := image.info.get("bit_depth", 8)) > 8:
        deep = pillow_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=False)
        return split(from_bits(np.asarray(deep, np.uint16) >> np.uint16(16 - depth), depth))
    return None


def _jpeg2000(data: bytes) -> Samples | None:
    depth = jp2_boxes.bit_depth(data)
    if not 8 < depth <= 16:
        return None
    try:
        samples = imagecodecs.jpeg2k_decode(data)
    except imagecodecs.Jpeg2kError:  # Components of different sizes, for example.
        return None
    return split(from_bits(samples, depth)) if samples.dtype == np.uint16 else None


def _avif_depth(data: bytes) -> int:
    """Return the bits of a sample, as the configuration of the first AV1 item says (AV1-ISOBMFF, section 2.3.3)."""
    at = data.find(b"av1C", 0, 1 << 16)
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    high_bit_depth, twelve_bit = flags & 0x40, flags & 0x20
    return (12 if twelve_bit else 10) if high_bit_depth else 8
