"""Every mode, format, profile and orientation that go together: in through the door, out through the writers."""

import json
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizers.metadata.xmp import Provenance
from colorizers.output.encode import encode, output_format
from colorizers.photo.photo import open_photo
from colorizers.rendering.color_pass import gray_levels, join
from tests.support import picture_files
from tests.support.picture_files import exif, gray8, gray16, oriented, saved

PROVENANCE = Provenance("default", "Embedded default", "ab" * 32, True, "cd" * 32)
LOSSLESS: dict[str, dict[str, Any]] = {
    "WEBP": {"lossless": True},
    "JPEG2000": {"irreversible": False},
    "JPEG": {"quality": 100, "subsampling": 0},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "HEIF": {"quality": -1, "chroma": 444},
}
# How far pixels of these formats may be off, in levels of 255.
MOST_OFF = {"JPEG": 40, "AVIF": 4, "HEIF": 3}
# What Pillow can write of each mode; what a format cannot hold is not there.
FORMATS = {
    "1": ("PNG", "TIFF", "BMP", "PPM"),
    "L": ("PNG", "TIFF", "BMP", "PPM", "GIF", "JPEG2000", "JPEG", "AVIF", "HEIF"),
    "LA": ("PNG", "TIFF", "JPEG2000"),
    "P": ("PNG", "TIFF", "GIF", "BMP"),
    "RGB": ("PNG", "TIFF", "BMP", "PPM", "WEBP", "JPEG2000", "JPEG", "AVIF", "HEIF"),
    "RGBA": ("PNG", "TIFF", "WEBP", "JPEG2000", "AVIF", "HEIF"),
    "I;16": ("PNG", "TIFF", "PPM", "JPEG2000"),
    "CMYK": ("TIFF", "JPEG"),
}
WITH_EXIF = ("PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIF")
WITH_PROFILE = ("PNG", "TIFF", "WEBP", "JPEG", "AVIF", "HEIF")
PROFILES = {
    "none": None,
    "gray": picture_files.gray_profile(1.8),
    "rgb": picture_files.adobe_rgb_profile(),
    "p3": picture_files.display_p3_profile(),
}


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
        "RGBA": np.dstack([picture_files.rgb8(), np.maximum(gray8(), 1)]),
        "I;16": gray16(),
        "CMYK": np.dstack([gray8()] * 4),
    }
    if mode in ("1", "P"):
        return Image.fromarray(oriented(gray8(), orientation)).convert(mode, dither=Image.Dither.NONE)
    fallback = picture_files.rgb8() if mode == "RGB" else gray8()
    stored = oriented(samples.get(mode, fallback), orientation)
    return Image.frombytes("CMYK", stored.shape[1::-1], stored.tobytes()) if mode == "CMYK" else Image.fromarray(stored)


def stored(mode: str, format_: str, profile: str, orientation: int) -> bytes:
    """Return the file of that picture; without EXIF where the format has no room for it."""
    options = dict(LOSSLESS.get(format_, {}))
    if PROFILES[profile] is not None:
        options["icc_profile"] = PROFILES[profile]
    if format_ in WITH_EXIF:
        options["exif"] = exif(orientation, artist="Lange", camera="Graflex")
    return saved(picture(mode, orientation), format_, **options)


def orientations(format_: str, profile: str) -> tuple[int, ...]:
    """Return all that the format can have; of files that take long to make, with profiles, two."""
    if format_ not in WITH_EXIF:
        return (1,)
    return (1, 6) if format_ in ("AVIF", "HEIF") and profile != "none" else tuple(range(1, 9))


@pytest.mark.parametrize(("mode", "format_", "profile"), list(cases()), ids=str)
def test_in_and_out(mode: str, format_: str, profile: str) -> None:
    upright = None
    planes = np.full((2, 2, 2), 20, np.float32)
    for orientation in orientations(format_, profile):
        photo = open_photo(stored(mode, format_, profile, orientation))
        assert photo.pixels.shape[:2] == (picture_files.HEIGHT, picture_files.WIDTH)
        assert photo.pixels.dtype == (np.uint16 if mode == "I;16" else np.uint8)
        assert (photo.alpha is not None) == (mode in ("LA", "RGBA"))
        upright = photo if upright is None else upright
        assert np.abs(photo.pixels.astype(int) - upright.pixels).max() <= 2 * MOST_OFF.get(format_, 0)
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


@pytest.mark.exiftool
def test_what_exiftool_finds_in_every_result(tmp_path: Path) -> None:
    """Size, orientation, depth, profile and what was said, before and after, of all files of the matrix at once."""
    for mode, format_, profile in cases():
        for orientation in orientations(format_, profile):
            data = stored(mode, format_, profile, orientation)
            photo = open_photo(data)
            rgb = join(photo.pixels, np.full((2, 2, 2), 20, np.float32))
            name = f"{mode.replace(';', '')}-{format_}-{profile}-{orientation}"
            (tmp_path / f"{name}.before").write_bytes(data)
            (tmp_path / f"{name}.after").write_bytes(encode(rgb, photo, PROVENANCE))
    tags = ("ImageWidth", "ImageHeight", "Orientation", "Artist", "DateTimeOriginal", "BitsPerSample", "BitDepth")
    wanted = [f"-{tag}" for tag in (*tags, "ProfileDescription", "DigitalSourceType")]
    command = ["exiftool", "-j", "-n", "-fast", *wanted, "-ext", "*", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = {Path(entry["SourceFile"]).name: entry for entry in json.loads(done.stdout)}
    assert len(found) == 2 * sum(len(orientations(format_, profile)) for _, format_, profile in cases())
    for name in (path.stem for path in tmp_path.glob("*.after")):
        before, after = found[f"{name}.before"], found[f"{name}.after"]
        assert (after["ImageWidth"], after["ImageHeight"]) == (picture_files.WIDTH, picture_files.HEIGHT), name
        assert after.get("Orientation", 1) == 1, name
        assert "sRGB" in after["ProfileDescription"], name
        assert after["DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia"), name
        for tag in ("Artist", "DateTimeOriginal"):
            assert after.get(tag) == before.get(tag), (name, tag)
        assert ("Artist" in after) == (name.split("-")[1] in WITH_EXIF), name
        depth = str(after.get("BitDepth") or after.get("BitsPerSample") or 8).split()[0]
        assert depth == ("16" if name.startswith("I16") else "8"), name
