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
from PIL.TiffImagePlugin import OPEN_INFO, TiffImageFile

from colorizers.colorspace.lab import Pixels
from colorizers.fileformats import jp2_boxes
from colorizers.photo import icc
from colorizers.photo.channels import Samples, split

_BITS_PER_SAMPLE = 258
_PNG_DEPTH_AT = 24
# TIFF 6.0, sections 16 and 23, and Adobe's technical note on ICCLAB.
_SEPARATED, _CIE_LAB, _ICC_LAB = 5, 8, 9
_LAB = (_CIE_LAB, _ICC_LAB)
# What a further sample is (TIFF 6.0, section 18): alpha that the colours are multiplied with already, or are not.
_ASSOCIATED, _UNASSOCIATED = 1, 2
_BAND_ROWS = 256
# tifffile by itself reads ahead as many bytes as most files have, beside the bytes that are there already.
_READ_AHEAD_BYTES = 1 << 20
_PLAIN_MODES = ("L", "LA", "RGB", "RGBA", "I;16")

# Pillow reads headers only of what it can decode; the pixels of these are never asked of it.
for _order in (b"II", b"MM"):
    for _kind in _LAB:
        OPEN_INFO.setdefault((_order, _kind, (1,), 1, (16, 16, 16), ()), ("LAB", "LAB"))
    for _extra in (0, _ASSOCIATED, _UNASSOCIATED):
        OPEN_INFO.setdefault((_order, 1, (1,), 1, (16, 16), (_extra,)), ("LA", "LA"))


def deep_samples(image: Image.Image, data: bytes, page: int = 0) -> Samples | None:
    """Return the samples, uint16, of `image`, opened from `data`, or of page `page` of a TIFF file.

    None where it has 8 bits or fewer, or is of a kind that Pillow reads as well. Raises what the decoders raise where
    the data are broken.
    """
    if image.format == "PNG" and data[_PNG_DEPTH_AT] == 16:
        return split(imagecodecs.png_decode(data))
    if isinstance(image, TiffImageFile) and set(image.tag_v2.get(_BITS_PER_SAMPLE, ())) == {16}:
        return _tiff(data, page, image.info.get("icc_profile"))
    if image.format == "JPEG2000" and image.mode in _PLAIN_MODES:
        return _jpeg2000(data)
    if image.format == "AVIF" and (depth := _avif_depth(data)) > 8:
        return split(_stretched(imagecodecs.avif_decode(data, index=0), depth))
    if image.format == "HEIF" and (depth := image.info.get("bit_depth", 8)) > 8:
        deep = pillow_heif.open_heif(BytesIO(data), convert_hdr_to_8bit=False)
        return split(_stretched(np.asarray(deep, np.uint16) >> np.uint16(16 - depth), depth))
    return None


def _tiff(data: bytes, number: int, profile: bytes | None) -> Samples | None:
    # Both refer to each other in circles, and would keep the bytes until somebody collects those.
    with BytesIO(data) as stream, tifffile.TiffFile(stream) as file:
        page = cast(tifffile.TiffPage, file.pages[number])
        is_lab = page.photometric in _LAB and page.samplesperpixel == 3
        is_cmyk = page.photometric == _SEPARATED and page.samplesperpixel == 4
        is_plain = page.photometric in (0, 1, 2) and page.samplesperpixel <= 4 and page.sampleformat == 1
        if not (is_lab or is_cmyk or is_plain):
            return None
        samples = page.asarray(maxworkers=1, buffersize=_READ_AHEAD_BYTES)
        if page.samplesperpixel > 1 and page.planarconfig == 2:
            samples = np.moveaxis(samples, 0, -1)
        if is_lab:
            return Samples(icc.lab16_to_srgb(samples.view(np.uint16), signed=page.photometric == _CIE_LAB), None)
        if is_cmyk:
            return Samples(icc.cmyk16_to_srgb(samples, profile), None)
        if page.photometric == 0:
            samples[...] = 65535 - samples
        return _with_alpha(samples, tuple(int(kind) for kind in page.extrasamples))


def _with_alpha(samples: Pixels, extras: tuple[int, ...]) -> Samples:
    """Return interleaved samples of which the last ones are further ones of these kinds; only alpha counts of them."""
    colours = (samples.shape[2] if samples.ndim == 3 else 1) - len(extras)
    if not extras or colours not in (1, 3):
        return split(samples)
    pixels = samples[..., 0] if colours == 1 else samples[..., :3]
    number = next((number for number, kind in enumerate(extras) if kind in (_ASSOCIATED, _UNASSOCIATED)), None)
    if number is None:
        return Samples(pixels, None)
    alpha = samples[..., colours + number]
    if extras[number] == _ASSOCIATED:
        for top in range(0, len(pixels), _BAND_ROWS):
            band = pixels[top : top + _BAND_ROWS]
            weight = np.maximum(alpha[top : top + _BAND_ROWS], 1).astype(np.float64)
            weight = weight if colours == 1 else weight[..., None]
            band[...] = np.minimum(np.rint(band * (65535 / weight)), 65535)
    return Samples(pixels, alpha)


def _jpeg2000(data: bytes) -> Samples | None:
    depth = jp2_boxes.bit_depth(data)
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
