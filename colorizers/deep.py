"""An opened picture (Pillow) of more than 8 bits a sample and its bytes in, 16-bit samples out.

Pillow cuts most such pictures to 8 bits; here other decoders read them. 10 and 12 bits are stretched to 16, so that
white is 65535 whatever the depth was.
"""

from io import BytesIO
from typing import cast

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from colorizers import jpeg2000
from colorizers.lab import Pixels
from colorizers.samples import Samples, split

_BITS_PER_SAMPLE = 258
_PNG_DEPTH_AT = 24
_PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I;16")


def deep_samples(image: Image.Image, data: bytes, page: int = 0) -> Samples | None:
    """Return the samples, uint16, of `image`, opened from `data`, or of page `page` of a TIFF file.

    None where it has 8 bits or fewer, or is of a kind that Pillow reads as well. Raises what the decoders raise where
    the data are broken.
    """
    if image.format == "PNG" and data[_PNG_DEPTH_AT] == 16 and "transparency" not in image.info:
        return split(imagecodecs.png_decode(data))
    if isinstance(image, TiffImageFile) and set(image.tag_v2.get(_BITS_PER_SAMPLE, ())) == {16}:
        return _tiff(data, page)
    if image.format == "JPEG2000" and image.mode in _PLAIN_MODES:
        return _jpeg2000(data)
    if image.format == "AVIF" and (depth := _avif_depth(data)) > 8:
        return split(_stretched(imagecodecs.avif_decode(data, index=0), depth))
    if image.format == "HEIF" and (depth := image.info.get("bit_depth", 8)) > 8:
        deep = pillow_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=False)
        return split(_stretched(np.asarray(deep, np.uint16) >> np.uint16(16 - depth), depth))
    return None


def _tiff(data: bytes, number: int) -> Samples | None:
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = cast(tifffile.TiffPage, file.pages[number])
        if page.sampleformat != 1 or page.photometric not in (0, 1, 2) or page.samplesperpixel > 4:
            return None
        samples = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == 2:
            samples = np.moveaxis(samples, 0, -1)
        if page.photometric == 0:
            samples[...] = 65535 - samples
        return split(samples)


def _jpeg2000(data: bytes) -> Samples | None:
    depth = jpeg2000.bit_depth(data)
    if not 8 < depth <= 16:
        return None
    try:
        samples = imagecodecs.jpeg2k_decode(data)
    except imagecodecs.Jpeg2kError:  # Components of different sizes, for example.
        return None
    return split(_stretched(samples, depth)) if samples.dtype == np.uint16 else None


def _avif_depth(data: bytes) -> int:
    """Return the bits of a sample, as the configuration of the first AV1 item says (AV1-ISOBMFF, section 2.3.3)."""
    at = data.find(b"av1C", 0, 1 << 16)
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    high_bit_depth, twelve_bit = flags & 0x40, flags & 0x20
    return (12 if twelve_bit else 10) if high_bit_depth else 8


def _stretched(samples: Pixels, depth: int) -> Pixels:
    """Return samples of `depth` bits as 16-bit ones, white being the largest value before and after."""
    if depth == 16:
        return samples
    most = (1 << depth) - 1
    table = np.rint(np.arange(1 << depth) * (65535 / most)).astype(np.uint16)
    stretched: Pixels = table[np.minimum(samples, most)]
    return stretched
