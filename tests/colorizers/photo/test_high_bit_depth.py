"""Pictures of 10, 12 and 16 bits a sample: what was more than 8 bits stays so."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from colorizers.colorspace.lab import srgb_encode
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo, rgb8
from tests.support.picture_files import saved


def ramp() -> NDArray[np.uint16]:
    y, x = np.mgrid[0:64, 0:64]
    return ((x * 64 + y) * 16 + 15).astype(np.uint16)


def jp2(samples: NDArray[np.uint16], depth: int) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(samples >> (16 - depth), level=0, bitspersample=depth, codecformat="jp2"))


def avif(samples: NDArray[np.uint16], depth: int) -> bytes:
    return bytes(imagecodecs.avif_encode(samples >> (16 - depth), level=100, bitspersample=depth))


def heif(samples: NDArray[np.uint16], depth: int) -> bytes:
    assert depth == 10, "what the encoder makes"
    mode = "I;16" if samples.ndim == 2 else "RGB;16"
    file = BytesIO()
    pillow_heif.from_bytes(mode=mode, size=samples.shape[1::-1], data=samples.tobytes()).save(file, quality=100)
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "depth"),
    [(jp2, 12), (jp2, 16), (avif, 10), (avif, 12), (heif, 10)],
    ids=lambda it: getattr(it, "__name__", None),
)
@pytest.mark.parametrize("colour", [False, True])
def test_depth_stays(make: Callable[[Any, int], bytes], depth: int, colour: bool) -> None:
    wanted = np.dstack([ramp(), ramp().T, 65535 - ramp()]) if colour else ramp()
    found = open_photo(make(wanted, depth)).pixels
    assert found.dtype == np.uint16
    assert found.shape == wanted.shape
    exact = np.rint((wanted >> (16 - depth)) * (65535 / ((1 << depth) - 1)))
    tolerance = 0 if make is jp2 else 1200 if colour else 260
    assert np.abs(found - exact).mean() <= tolerance
    assert len(np.unique(found)) > 300


def test_white_is_white_at_every_depth() -> None:
    white = np.full((16, 16), 65535, np.uint16)
    for data in (jp2(white, 12), jp2(white, 16), avif(white, 10), heif(white, 10)):
        assert open_photo(data).pixels.min() >= 65500


def gamma_chunk(data: bytes, gamma: float) -> bytes:
    """Return a PNG file with a gAMA chunk, as Pillow does not write one."""
    body = b"gAMA" + struct.pack(">I", round(gamma * 100_000))
    return data[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8])
def test_gamma_of_a_png_file_is_applied(gamma: float) -> None:
    levels = np.arange(256, dtype=np.uint8)[None].repeat(4, axis=0)
    expected = 255 * srgb_encode((levels / 255.0) ** (1 / gamma))
    gray = open_photo(gamma_chunk(saved(levels, "PNG"), gamma)).pixels
    assert np.abs(gray - expected).max() <= 1.5
    colour = np.dstack([levels, levels, levels[:, ::-1]])
    found = open_photo(gamma_chunk(saved(colour, "PNG"), gamma)).pixels
    assert np.abs(found[..., 0] - expected).max() <= 3


def test_the_usual_gamma_and_impossible_ones_change_nothing() -> None:
    levels = np.arange(256, dtype=np.uint8)[None].repeat(4, axis=0)
    for gamma in (1 / 2.2, 0.0, 30_000.0):
        assert np.array_equal(open_photo(gamma_chunk(saved(levels, "PNG"), gamma)).pixels, levels)
        colour = np.dstack([levels, levels, levels[:, ::-1]])
        assert np.array_equal(open_photo(gamma_chunk(saved(colour, "PNG"), gamma)).pixels, colour)


@pytest.mark.parametrize("colour", [False, True])
def test_sixteen_bits_and_a_colour_that_means_transparent(colour: bool) -> None:
    samples = np.dstack([ramp(), ramp().T, 65535 - ramp()]) if colour else ramp()
    key = np.atleast_1d(samples[3, 4])
    plain = bytes(imagecodecs.png_encode(samples))
    body = b"tRNS" + key.astype(">u2").tobytes()
    data = plain[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + plain[33:]
    photo = open_photo(data)
    assert photo.pixels.dtype == np.uint16
    assert np.array_equal(photo.pixels, samples)
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha == 65535, np.any(np.atleast_3d(samples) != key, axis=2))
    assert np.argwhere(photo.alpha == 0).tolist() == [[3, 4]]


def scanned(path: Path, samples: np.ndarray, photometric: int, **options: Any) -> Photo:
    """Return the photo of a TIFF file with these samples, whose photometric interpretation is then set by hand."""
    kind = {5: "separated", 8: "cielab", 9: "icclab"}[photometric]
    tifffile.imwrite(path, samples, photometric=kind, planarconfig="contig", **options)
    return open_photo(path)


def test_sixteen_bit_cmyk_is_read_in_sixteen_bits(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 4000).astype(np.uint16)
    ink = np.zeros((20, 4000, 4), np.uint16)
    ink[..., 3] = ramp
    photo = scanned(tmp_path / "k.tif", ink, 5)
    assert photo.pixels.dtype == np.uint16
    assert np.array_equal(photo.pixels[0], 65535 - ramp)
    ink[..., 0] = 30000
    photo = scanned(tmp_path / "ck.tif", ink, 5)
    assert photo.pixels.shape == (20, 4000, 3)
    assert np.abs(photo.pixels[0, 0].astype(int) - (35535, 65535, 65535)).max() <= 1
    assert len(np.unique(photo.pixels[0, :, 1])) > 3000


@pytest.mark.parametrize("photometric", [8, 9])
def test_sixteen_bit_lab_is_read_in_sixteen_bits(tmp_path: Path, photometric: int) -> None:
    """Against the colour management system."""
    signed = photometric == 8
    L = np.linspace(0, 100, 500)
    lab = np.zeros((10, 500, 3), np.uint16)
    lab[..., 0] = np.rint(L * (655.35 if signed else 652.8))
    lab[..., 1:] = 0 if signed else 32768
    gray = scanned(tmp_path / "gray.tif", lab, photometric).pixels
    assert (gray.ndim, gray.dtype.name) == (2, "uint16")
    y = np.where(L > 8, ((L + 16) / 116) ** 3, L / 903.3)
    assert np.abs(gray[0] - 65535 * srgb_encode(y)).max() < 60
    for a, b in ((30, 20), (-40, 30), (10, -50)):
        lab[..., 1:] = (np.array([a, b]) * 256 + (0 if signed else 32768)) % 65536
        found = scanned(tmp_path / "colour.tif", lab, photometric).pixels[0, 300] / 257
        eight = Image.fromarray(np.array([[[round(2.55 * L[300]), a % 256, b % 256]]], np.uint8), "LAB")
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        expected = np.asarray(ImageCms.applyTransform(eight, transform))[0, 0]
        assert np.abs(found - expected).max() < 3


def test_an_animation_of_ten_bits_is_its_first_frame_and_crashes_nothing() -> None:
    frames = np.stack([np.dstack([ramp()] * 3) >> 6, np.zeros((64, 64, 3), np.uint16)])
    photo = open_photo(bytes(imagecodecs.avif_encode(frames, level=100, bitspersample=10)))
    assert (photo.format, photo.frames, photo.pixels.shape[:2]) == ("AVIF", 2, (64, 64))
    assert np.abs(rgb8(photo)[..., 1] - ramp() / 257).max() < 3
