"""An opened picture (Pillow) and its bytes in, sRGB samples out: gray or RGB, alpha apart, 8 or 16 bits, upright.

This is the mode table: nobody after it asks about palettes, CMYK, profiles or orientation.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizers.colorspace.lab import Pixels
from colorizers.photo import icc
from colorizers.photo.channels import Samples, is_neutral, split
from colorizers.photo.high_bit_depth import deep_samples
from colorizers.photo.jpeg import jpeg_pixels


def decode(image: Image.Image, data: bytes, orientation: int, page: int = 0) -> Samples:
    """Return the samples of `image`, opened from `data` and at `page`, turned upright from `orientation` (1..8).

    Raises what the decoders raise where the data are broken.
    """
    profile = image.info.get("icc_profile") or icc.profile_of_png(image)
    deep = deep_samples(image, data, page)
    if deep is None and image.format == "TIFF":
        orientation = 1  # Pillow applies it while decoding.
    samples = _to_srgb(deep or _plain_jpeg(image, data) or _by_mode(image, profile), profile)
    alpha = None if samples.alpha is None else upright(samples.alpha, orientation)
    return Samples(upright(samples.pixels, orientation), alpha)


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
        image = icc.cmyk_to_srgb(image, profile)
    elif image.mode == "LAB":
        image = icc.lab_to_srgb(image)
    elif image.mode in ("I", "F"):
        return Samples(_sixteen_bits(np.asarray(image)), None)
    elif image.mode.startswith("I;16"):
        return Samples(np.asarray(image).astype(np.uint16), None)
    elif image.mode not in ("L", "LA", "RGB", "RGBA") or image.has_transparency_data:
        image = image.convert(_plain_mode(image))
    return split(np.asarray(image))


def _plain_mode(image: Image.Image) -> str:
    """Return the mode (L, LA, RGB, RGBA) that holds all that a picture of another mode, or with a colour key, holds."""
    gray = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        return "LA" if gray else "RGBA"
    return "L" if gray else "RGB"


def _sixteen_bits(values: NDArray[np.int32] | NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return 32-bit samples as 16-bit ones: integers up to 65535 as they are, fractions 0..1 from black to white.

    Values beyond that have no agreed white: there the largest one becomes white.
    """
    white = 1.0 if values.dtype.kind == "f" else 65535.0
    brightest = max(float(np.nanmax(values)), white)
    scaled = np.nan_to_num(values.astype(np.float64)) * (65535.0 / brightest)
    return np.clip(np.rint(scaled), 0, 65535).astype(np.uint16)


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
    return Samples(pixels, samples.alpha)
