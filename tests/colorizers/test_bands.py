"""Tests of large scans: results written band by band are identical to whole ones, in little memory."""

import struct
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from colorizers.colorizer import Colorizer
from colorizers.colorspace.lab import Pixels
from colorizers.metadata.exif import thumbnail_bytes
from colorizers.output.encode import encode
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo
from colorizers.pipeline import Page, coloured, write_result
from colorizers.rendering.color_pass import gray_levels

ROOT = Path(__file__).parent.parent.parent


class Seen:
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.photos: list[Photo] = []
        self.bands: list[Pixels] = []

    def begin(self, photo: Photo, gray: Pixels) -> None:
        assert np.array_equal(gray_levels(gray), gray_levels(photo.pixels))
        self.photos.append(photo)

    def see(self, rgb: Pixels) -> None:
        self.bands.append(rgb)


def scan_with_thumbnail(path: Path, pixels: Pixels) -> Photo:
    """Return the photo of a JPEG file with a thumbnail in its EXIF, and with other pixels."""
    small = BytesIO()
    Image.effect_noise((160, 24), 50).save(small, "JPEG", quality=95)
    artist = struct.pack("<HHHLLL", 1, 0x013B, 2, 6, 26, 32) + b"Lange\0"
    thumbnail = struct.pack("<HHHLLHHLLL", 2, 0x0201, 4, 1, 62, 0x0202, 4, 1, len(small.getvalue()), 0)
    block = b"Exif\0\0II*\0" + struct.pack("<L", 8) + artist + thumbnail + small.getvalue()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path, "JPEG", exif=block)
    photo = open_photo(path)
    assert photo.exif is not None
    assert thumbnail_bytes(photo.exif) == len(small.getvalue())
    return replace(photo, pixels=pixels, format="TIFF")


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["plain", "alpha", "thumbnail"])
def test_by_bands_the_same_file(model_dir: Path, tmp_path: Path, depth: type[np.uint8], kind: str) -> None:
    sides = (600, 90) if kind != "thumbnail" else (1500, 1400)
    pixels = np.random.default_rng(0).integers(0, np.iinfo(depth).max, sides, depth)
    tifffile.imwrite(tmp_path / "scan.tif", pixels, photometric="minisblack")
    photo = open_photo(tmp_path / "scan.tif")
    if kind == "alpha":
        photo = replace(photo, alpha=np.ascontiguousarray(pixels[::-1]))
    if kind == "thumbnail":
        photo = scan_with_thumbnail(tmp_path / "scan.jpg", pixels)
    colorizer = Colorizer(model_dir=model_dir)
    recipe = colorizer.recipe(photo, saturation=1.2)
    page = Page(photo, colorizer.predict(photo), colorizer.provenance(photo))
    write_result(tmp_path / "bands.tif", [page], recipe)
    seen = Seen()
    write_result(tmp_path / "seen.tif", [page], recipe, seen)
    made = (tmp_path / "bands.tif").read_bytes()
    assert made == (tmp_path / "seen.tif").read_bytes()
    fitted, rgb = coloured(page, recipe)
    assert made == encode(rgb, fitted, page.provenance, "TIFF")
    assert len(seen.bands) > 2
    assert np.array_equal(np.concatenate(seen.bands), rgb)
    assert np.array_equal(seen.photos[0].pixels, fitted.pixels)


def test_of_every_page_only_the_first_is_shown(model_dir: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 300, 40), np.uint8)
    tifffile.imwrite(tmp_path / "scan.tif", pixels, photometric="minisblack")
    colorizer, seen = Colorizer(model_dir=model_dir), Seen()
    opened = [open_photo(tmp_path / "scan.tif", page=number) for number in range(3)]
    pages = [Page(photo, colorizer.predict(photo), colorizer.provenance(photo)) for photo in opened]
    recipe = colorizer.recipe(opened[0])
    write_result(tmp_path / "pages.tif", pages, recipe, seen)
    assert [band.shape[0] for band in seen.bands] == [256, 44]
    for number, page in enumerate(pages):
        found = open_photo(tmp_path / "pages.tif", page=number)
        assert (found.frames, found.pixels.shape) == (3, (300, 40, 3))
        assert np.array_equal(found.pixels, coloured(page, recipe)[1])


def test_a_large_scan_takes_under_3_bytes_a_pixel_beyond_its_own() -> None:
    command = [sys.executable, "-m", "benchmarks", "large", "--megapixels", "16", "--way", "service"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(done.stdout.split()[0]) < 3
