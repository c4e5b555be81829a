"""An opened picture (Pillow) and its bytes in, sRGB samples out: gray or RGB, alpha apart, 8 or 16 bits, upright.

This is the mode table: nobody after it asks about palettes, CMYK, profiles or orientation.
"""

from dataclasses import dataclass
from io import BytesIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from colorizers import icc
from colorizers.jpeg import jpeg_pixels
from colorizers.lab import Pixels

# The parts of a picture that are looked at one after the other, so that no full-size temporary array is needed.
_BAND_ROWS = 256
_BITS_PER_SAMPLE = 258


@dataclass(frozen=True, eq=False)
class Samples:
    """Gray (h, w) or RGB (h, w, 3) in sRGB, and alpha (h, w) of the same depth or None."""

    pixels: Pixels
    alpha: Pixels | None


def decode(image: Image.Image, data: bytes, orientation: int) -> Samples:
    """Return the samples of the first frame of `image`, opened from `data`, turned upright from `orientation` (1..8).

    Raises what the decoders raise where the data are broken.
    """
    profile = image.info.get("icc_profile") or None
    deep = _deep_png(image, data) or _deep_tiff(image, data)
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
    return _split(np.asarray(image))


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


def _deep_png(image: Image.Image, data: bytes) -> Samples | None:
    """Return the samples of a 16-bit PNG, which Pillow would cut to 8 bits; None for any other picture."""
    bit_depth_at = 24
    if image.format != "PNG" or data[bit_depth_at] != 16:
        return None
    return _split(imagecodecs.png_decode(data))


def _deep_tiff(image: Image.Image, data: bytes) -> Samples | None:
    """Return the samples of a 16-bit gray or RGB TIFF, which Pillow would cut to 8 bits; None for any other picture."""
    if not isinstance(image, TiffImageFile) or set(image.tag_v2.get(_BITS_PER_SAMPLE, ())) != {16}:
        return None
    with tifffile.TiffFile(BytesIO(data)) as file:
        page = file.pages.first
        if page.sampleformat != 1 or page.photometric not in (0, 1, 2):
            return None
        samples = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == 2:
            samples = np.moveaxis(samples, 0, -1)
        if page.photometric == 0:
            samples[...] = 65535 - samples
        return _split(samples)


def _split(samples: Pixels) -> Samples:
    """Return interleaved samples (h, w) or (h, w, 1..4) as gray or RGB, and alpha."""
    if samples.ndim == 2:
        return Samples(samples, None)
    channels = samples.shape[2]
    if channels in (1, 2):
        return Samples(samples[..., 0], samples[..., 1] if channels == 2 else None)
    return Samples(samples[..., :3], samples[..., 3] if channels > 3 else None)


def _to_srgb(samples: Samples, profile: bytes | None) -> Samples:
    """Return the samples brought from the embedded profile to sRGB; RGB without any chroma becomes gray."""
    pixels = samples.pixels
    if pixels.ndim == 3 and is_neutral(pixels):
        pixels = pixels[..., 0]
    if profile is not None:
        pixels = icc.gray_to_srgb(pixels, profile) if pixels.ndim == 2 else icc.rgb_to_srgb(pixels, profile)
    return Samples(pixels, samples.alpha)


def is_neutral(rgb: Pixels) -> bool:
    """Return whether red, green and blue are equal in every pixel of (h, w, 3)."""
    for top in range(0, rgb.shape[0], _BAND_ROWS):
        band = rgb[top : top + _BAND_ROWS]
        if not (np.array_equal(band[..., 0], band[..., 1]) and np.array_equal(band[..., 1], band[..., 2])):
            return False
    return True
