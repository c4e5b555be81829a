"""Decoding of pictures to sRGB samples: gray or RGB, alpha apart, 8 or 16 bits, upright.

Nobody after it asks about palettes, CMYK, profiles or orientation.
"""

import numpy as np
from PIL import Image

from colorizers.colorspace.lab import Pixels
from colorizers.fileformats.color_codes import ColorCodes, isobmff_codes, png_codes
from colorizers.photo import icc
from colorizers.photo.channels import Samples, is_neutral, split
from colorizers.photo.coded_color import coded_to_srgb, is_srgb
from colorizers.photo.high_bit_depth import deep_samples
from colorizers.photo.jpeg import jpeg_pixels


def decode(image: Image.Image, data: bytes, orientation: int) -> Samples:
    """Return the samples of `image`, opened from `data`, turned upright from `orientation` (1..8).

    Raises what the decoders raise where the data are broken.
    """
    profile = image.info.get("icc_profile")
    codes = _color_codes(image, data, profile)
    profile = None if codes else profile or icc.profile_of_png(image)
    samples = deep_samples(image, data) or _plain_jpeg(image, data) or _by_mode(image, profile)
    if codes is not None and not is_srgb(codes):
        samples = coded_to_srgb(samples, codes, str(image.format))
    return finished(samples, profile, orientation)


def _color_codes(image: Image.Image, data: bytes, profile: bytes | None) -> ColorCodes | None:
    """Return the code points that count: a PNG's before its profile, those of AVIF and HEIF files after it."""
    if image.format == "PNG":
        return png_codes(data)
    if image.format in ("AVIF", "HEIF") and not profile:
        return isobmff_codes(data)
    return None


def finished(samples: Samples, profile: bytes | None, orientation: int) -> Samples:
    """Return samples as stored brought from the embedded profile to sRGB, and turned upright from `orientation`."""
    samples = _to_srgb(samples, profile)
    alpha = None if samples.alpha is None else upright(samples.alpha, orientation)
    return Samples(upright(samples.pixels, orientation), alpha, samples.dynamic_range)


def upright(array: Pixels, orientation: int) -> Pixels:
    """Return `array` (h, w, ...) turned and mirrored as EXIF orientation 1..8 asks for, contiguous in memory."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _by_mode(image: Image.Image, profile: bytes | None) -> Samples:
    """Return what Pillow decodes, by its mode."""
    image.load()
    if image.mode == "CMYK":
        return split(icc.cmyk_to_srgb(np.asarray(image), profile))
    if image.mode.startswith("I;16"):
        return Samples(np.asarray(image).astype(np.uint16), None)
    if image.mode not in ("L", "LA", "RGB", "RGBA") or image.has_transparency_data:
        image = image.convert(_plain_mode(image))
    return split(np.asarray(image))


def _plain_mode(image: Image.Image) -> str:
    """Return the mode (L, LA, RGB, RGBA) that holds all that a picture of another mode, or with a colour key, holds."""
    gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return "LA" if gray else "RGBA"
    return "L" if gray else "RGB"


def _plain_jpeg(image: Image.Image, data: bytes) -> Samples | None:
    """Return the samples of a gray or RGB JPEG; None for any other picture."""
    pixels = jpeg_pixels(image, data)
    return None if pixels is None else Samples(pixels, None)


def _to_srgb(samples: Samples, profile: bytes | None) -> Samples:
    """Return the samples brought from the embedded profile to sRGB; RGB without any chroma becomes gray."""
    pixels = samples.pixels
    if pixels.ndim == 3 and is_neutral(pixels):
        pixels = pixels[..., 0]
    if profile is not None:
        pixels = icc.gray_to_srgb(pixels, profile) if pixels.ndim == 2 else icc.rgb_to_srgb(pixels, profile)
    return Samples(pixels, samples.alpha, samples.dynamic_range)
