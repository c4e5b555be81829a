"""Every mode, format, profile and orientation that go together: in through the door, out through the writers."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizers.colour import gray_levels, join
from colorizers.encode import encode, output_format
from colorizers.photo import open_photo
from colorizers.provenance import Provenance
from tests.colorizers import pictures
from tests.colorizers.pictures import exif, gray8, gray16, oriented, saved

PROVENANCE = Provenance("default", "Embedded default", "ab" * 32, True, "cd" * 32)
LOSSLESS: dict[str, dict[str, Any]] = {
    "WEBP": {"lossless": True},
    "JPEG2000": {"irreversible": False},
    "JPEG": {"quality": 100, "subsampling": 0},
}
# What Pillow can write of each mode; what a format cannot hold is not there.
FORMATS = {
    "1": ("PNG", "TIFF", "BMP", "PPM"),
    "L": ("PNG", "TIFF", "BMP", "PPM", "GIF", "JPEG2000", "JPEG"),
    "LA": ("PNG", "TIFF", "JPEG2000"),
    "P": ("PNG", "TIFF", "GIF", "BMP"),
    "RGB": ("PNG", "TIFF", "BMP", "PPM", "WEBP", "JPEG2000", "JPEG"),
    "RGBA": ("PNG", "TIFF", "WEBP", "JPEG2000"),
    "I;16": ("PNG", "TIFF", "PPM", "JPEG2000"),
    "CMYK": ("TIFF", "JPEG"),
}
WITH_EXIF = ("PNG", "TIFF", "WEBP", "JPEG")
WITH_PROFILE = ("PNG", "TIFF", "WEBP", "JPEG")
PROFILES = {"none": None, "gray": pictures.gray_profile(1.8), "rgb": pictures.adobe_rgb_profile()}


def cases() -> Iterator[tuple[str, str, str]]:
    for mode, formats in FORMATS.items():
        for format_, profile in product(formats, PROFILES):
            fits = profile == "none" or (profile == "gray") == (mode in ("1", "L", "LA", "I;16"))
            if fits and (profile == "none" or (format_ in WITH_PROFILE and mode not in ("1", "P", "CMYK"))):
                yield mode, format_, profile


def picture(mode: str, orientation: int) -> Image.Image:
    """Return an upright picture of that mode as a camera would store it."""
    samples: dict[str, NDArray[Any]] = {
        "LA": np.dstack([gray8(), gray8()[::-1]]),
        "RGBA": np.dstack([pictures.rgb8(), np.maximum(gray8(), 1)]),
        "I;16": gray16(),
        "CMYK": np.dstack([gray8()] * 4),
    }
    if mode in ("1", "P"):
        return Image.fromarray(oriented(gray8(), orientation)).convert(mode, dither=Image.Dither.NONE)
    fallback = pictures.rgb8() if mode == "RGB" else gray8()
    stored = oriented(samples.get(mode, fallback), orientation)
    return Image.frombytes("CMYK", stored.shape[1::-1], stored.tobytes()) if mode == "CMYK" else Image.fromarray(stored)


@pytest.mark.parametrize(("mode", "format_", "profile"), list(cases()), ids="-".join)
def test_in_and_out(mode: str, format_: str, profile: str) -> None:
    upright = None
    planes = np.full((2, 2, 2), 20, np.float32)
    for orientation in range(1, 9) if format_ in WITH_EXIF else (1,):
        options = dict(LOSSLESS.get(format_, {}))
        if PROFILES[profile] is not None:
            options["icc_profile"] = PROFILES[profile]
        if format_ in WITH_EXIF:
            options["exif"] = exif(orientation, artist="Lange")
        photo = open_photo(saved(picture(mode, orientation), format_, **options))
        assert photo.pixels.shape[:2] == (pictures.HEIGHT, pictures.WIDTH)
        assert photo.pixels.dtype == (np.uint16 if mode == "I;16" else np.uint8)
        assert (photo.alpha is not None) == (mode in ("LA", "RGBA"))
        upright = photo if upright is None else upright
        most_off = 40 if format_ == "JPEG" else 0
        assert np.abs(photo.pixels.astype(int) - upright.pixels).max() <= most_off
        rgb = join(photo.pixels, planes)
        assert np.abs(gray_levels(rgb).astype(int) - gray_levels(photo.pixels)).max() <= (mode == "I;16")
        if output_format(photo) not in ("PNG", "TIFF"):
            continue
        result = open_photo(encode(rgb, photo, PROVENANCE))
        # A picture of black and white alone has no place for colour, and the door calls it gray.
        found = result.pixels if result.pixels.ndim == 3 else np.dstack([result.pixels] * 3)
        assert np.array_equal(found, rgb)
        assert result.pixels.dtype == photo.pixels.dtype
        assert (photo.alpha is None) == (result.alpha is None)
        if photo.alpha is not None:
            assert np.array_equal(np.asarray(result.alpha), photo.alpha)
        assert (b"Lange" in (result.exif or b"")) == (format_ in WITH_EXIF)
