"""Every kind of file that archives and phones send, each way in the table of formats: read right, coloured, kept."""

import struct
import zlib
from base64 import b64decode
from collections.abc import Callable
from functools import partial
from io import BytesIO
from itertools import product
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from colorizers.colorspace.lab import srgb_encode
from colorizers.metadata.xmp import Provenance
from colorizers.output.encode import encode, output_format
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo
from colorizers.rendering.color_pass import count_changed_grays, join
from tests.support.picture_files import cmyk_profile, exif, gray8, gray16, oriented, rgb8, saved

PROVENANCE = Provenance("default", "Embedded default", "ab" * 32, True, "cd" * 32)
# gray8() at quality 90, once sequential and once progressive, by `jpegtran -arithmetic`.
ARITHMETIC = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYU"
    "GBIUFRT/yQALCAAQABgBAREA/8wABgAQEAX/2gAIAQEAAD8A/wDblsAJkD82xxVpijjFQWRuRjKvRp06Nc2azTbyxjrQHNhEDPewYBnkCvvbFSQdP3"
    "oMSMtsnIlNWT3ZbUzAXu5vfMDVnREFSH5hvAoIcfqjG5PjF2NsSpOl36Si0ZvpHUsaVZXHaYPXSuNd0iZFt0285QkCVl8eU0fQ8Nuyopl2dDgmoj02"
    "NKS18NgoaNT9yeeR5Q3Izq50TXoEXbkHGCtpBCLI4KA+bs/t/VQFbeUhS6DQQnlU8fuX9cBw3SXQbEhSJb+/EWTNzQf/2Q=="
)
ARITHMETIC_PROGRESSIVE = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYU"
    "GBIUFRT/ygALCAAQABgBAREA/8wABAAQ/9oACAEBAAAAAf8Atu6lVNDq6d7A/8wABBAF/9oACAEBAAEFAhYU9ChK1fEd6wmZ4sYS96sGvjLo2scBEZ"
    "LOwP/MAAQQBf/aAAgBAQAGPwIK8JNHdAg1OttOaBQGi1c4KKqMWSJPfFi41yoTfTeomrf1aBwCoaoAY0q5nb/iPJfCGW2b7TV7rBKPY0vW65Lm/8wA"
    "BBAF/9oACAEBAAE/IaXjCq5I1DtwayyW46ZSeVQ35Yx1bwy3nPsbwLRdzIymXu3GiWUSXU2CJij/2gAIAQEAAAAQ4v/MAAQQBf/aAAgBAQABPxAkXY"
    "9kGGpxNnfH56IzNYuT1Y3zxMyPXe0wkOQMiPxahV4zz7/Zc2aqdzrHAr7/2Q=="
)
# Where each pass of PNG's interlacing starts, and its steps: columns, rows.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def smooth() -> NDArray[np.uint8]:
    """Return a colour picture that lossy formats hold well."""
    y, x = np.mgrid[0:64, 0:96]
    return np.dstack([x * 2, y * 3, x + y]).astype(np.uint8)


def inks() -> NDArray[np.uint8]:
    return np.dstack([smooth(), smooth()[..., 0] // 2])


def cmyk() -> Image.Image:
    return Image.frombytes("CMYK", (96, 64), inks().tobytes())


def tiff(samples: NDArray[Any], **options: Any) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def interlaced(samples: NDArray[Any]) -> bytes:
    """Return an interlaced PNG file of gray, gray and alpha, RGB or RGBA samples, 8 or 16 bits."""
    channels = samples.shape[2] if samples.ndim == 3 else 1
    data = b""
    for left, top, across, down in ADAM7:
        part = samples[top::down, left::across]
        if part.size:
            data += b"".join(b"\0" + row.astype(samples.dtype.newbyteorder(">")).tobytes() for row in part)
    header = struct.pack(">IIBBBBB", *samples.shape[1::-1], 8 * samples.itemsize, (0, 4, 2, 6)[channels - 1], 0, 0, 1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def palette(transparent: int | None, format_: str, **options: Any) -> bytes:
    image = Image.fromarray(gray8()).convert("P")
    image.putpalette([value for level in range(256) for value in (level, 255 - level, level // 2)])
    return saved(image, format_, **({} if transparent is None else {"transparency": transparent}), **options)


def palette_colours() -> NDArray[np.uint8]:
    return np.dstack([gray8(), 255 - gray8(), gray8() // 2])


def one_bit() -> Image.Image:
    return Image.fromarray(np.tile(gray8(), (4, 4))).convert("1", dither=Image.Dither.NONE)


def deep(channels: int) -> NDArray[np.uint16]:
    planes = (gray16(), gray16()[::-1], 65535 - gray16(), gray16()[:, ::-1])
    return np.dstack(planes[:channels]) if channels > 1 else gray16()


def pages() -> bytes:
    first, *further = (Image.fromarray(gray8() // part) for part in (1, 2, 3))
    return saved(first, "TIFF", save_all=True, append_images=further, compression="tiff_lzw")


Make = Callable[[], tuple[bytes, NDArray[Any], float]]
# The file, its pixels, and how far they may be off.
KINDS: dict[str, Make] = {
    "JPEG progressive": lambda: (saved(smooth(), "JPEG", quality=98, subsampling=0, progressive=True), smooth(), 4),
    "JPEG arithmetic": lambda: (b64decode(ARITHMETIC), gray8(), 24),
    "JPEG arithmetic progressive": lambda: (b64decode(ARITHMETIC_PROGRESSIVE), gray8(), 24),
    "JPEG CMYK": lambda: (saved(cmyk(), "JPEG", quality=97, subsampling=0), np.asarray(cmyk().convert("RGB")), 3),
    "JPEG YCCK": lambda: (
        bytes(
            imagecodecs.jpeg8_encode(255 - inks(), level=97, colorspace="CMYK", outcolorspace="YCCK", subsampling="444")
        ),
        np.asarray(cmyk().convert("RGB")),
        5,
    ),
    "MPO": lambda: (
        saved(smooth(), "MPO", quality=98, save_all=True, append_images=[Image.fromarray(smooth())]),
        smooth(),
        8,
    ),
    "PNG interlaced gray": lambda: (interlaced(gray8()), gray8(), 0),
    "PNG interlaced RGB": lambda: (interlaced(rgb8()), rgb8(), 0),
    "PNG interlaced gray 16": lambda: (interlaced(gray16()), gray16(), 0),
    "PNG interlaced RGB 16": lambda: (interlaced(deep(3)), deep(3), 0),
    "PNG palette": lambda: (palette(None, "PNG"), palette_colours(), 0),
    "PNG 1 bit": lambda: (saved(one_bit(), "PNG"), np.asarray(one_bit().convert("L")), 0),
    "TIFF multi-page": lambda: (pages(), gray8(), 0),
    "TIFF G4": lambda: (saved(one_bit(), "TIFF", compression="group4"), np.asarray(one_bit().convert("L")), 0),
    "TIFF G3": lambda: (saved(one_bit(), "TIFF", compression="group3"), np.asarray(one_bit().convert("L")), 0),
    "TIFF palette": lambda: (palette(None, "TIFF"), palette_colours(), 0),
    "TIFF CMYK LZW": lambda: (saved(cmyk(), "TIFF", compression="tiff_lzw"), np.asarray(cmyk().convert("RGB")), 0),
    "TIFF CMYK JPEG": lambda: (
        saved(cmyk(), "TIFF", compression="jpeg", quality=97),
        np.asarray(cmyk().convert("RGB")),
        12,
    ),
    "TIFF planes": lambda: (
        tiff(np.ascontiguousarray(np.moveaxis(rgb8(), -1, 0)), photometric="rgb", planarconfig="separate"),
        rgb8(),
        0,
    ),
    "TIFF white is zero": lambda: (tiff(255 - gray8(), photometric="miniswhite"), gray8(), 0),
    "BigTIFF": lambda: (tiff(gray16(), photometric="minisblack", bigtiff=True), gray16(), 0),
    "TIFF RGB 16 tiles": lambda: (
        tiff(deep(3), photometric="rgb", tile=(16, 16), compression="lzw", predictor=True),
        deep(3),
        0,
    ),
    "WebP": lambda: (saved(rgb8(), "WEBP", lossless=True), rgb8(), 0),
    "AVIF": lambda: (saved(smooth(), "AVIF", quality=100, subsampling="4:4:4"), smooth(), 4),
    "HEIC": lambda: (saved(smooth(), "HEIF", quality=-1, chroma=444), smooth(), 2),
    "HEIC gray": lambda: (saved(gray8(), "HEIF", quality=-1), gray8(), 0),
    "JPEG 2000": lambda: (saved(rgb8(), "JPEG2000", irreversible=False), rgb8(), 0),
    "JPEG 2000 codestream": lambda: (saved(gray8(), "JPEG2000", irreversible=False, no_jp2=True), gray8(), 0),
    "BMP palette": lambda: (palette(None, "BMP"), palette_colours(), 0),
    "GIF": lambda: (palette(None, "GIF"), palette_colours(), 0),
    "PBM": lambda: (saved(one_bit(), "PPM"), np.asarray(one_bit().convert("L")), 0),
    "PGM 16": lambda: (b"P5 24 16 65535\n" + gray16().astype(">u2").tobytes(), gray16(), 0),
    "PGM text": lambda: (b"P2 24 16 255\n" + b" ".join(b"%d" % level for level in gray8().ravel()), gray8(), 0),
}


def tiff_of(compression: str, tile: bool, colour: bool) -> tuple[bytes, NDArray[Any], float]:
    samples = smooth() if colour else smooth()[..., 0]
    photometric = "rgb" if colour else "minisblack"
    data = tiff(samples, photometric=photometric, compression=compression, tile=(16, 32) if tile else None)
    return data, samples, 6 if compression == "jpeg" else 0


for _compression in ("lzw", "deflate", "jpeg", "packbits"):
    for _tile, _colour in product((False, True), (False, True)):
        _name = f"TIFF {_compression} {'tiles' if _tile else 'strips'} {'RGB' if _colour else 'gray'}"
        KINDS[_name] = partial(tiff_of, _compression, _tile, _colour)


def in_colour(photo: Photo) -> Photo:
    """Return the coloured file of a photo, opened again; its gray levels are checked where the file is exact."""
    rgb = join(photo.pixels, np.full((2, 2, 2), 20, np.float32))
    assert photo.pixels.dtype == np.uint16 or count_changed_grays(photo.pixels, rgb) == 0
    result = open_photo(encode(rgb, photo, PROVENANCE))
    assert result.format == output_format(photo)
    if result.format in ("PNG", "TIFF"):
        found = result.pixels if result.pixels.ndim == 3 else np.dstack([result.pixels] * 3)
        assert np.array_equal(found, rgb)
    return result


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_read_and_coloured(name: str) -> None:
    data, wanted, most_off = KINDS[name]()
    photo = open_photo(data)
    assert photo.pixels.shape == wanted.shape
    assert photo.pixels.dtype == wanted.dtype
    assert np.abs(photo.pixels.astype(int) - wanted).max() <= most_off
    assert photo.alpha is None
    result = in_colour(photo)
    assert (result.width, result.height) == (photo.width, photo.height)
    assert result.pixels.dtype == (photo.pixels.dtype if result.format in ("PNG", "TIFF") else np.uint8)


ALPHAS: dict[str, Callable[[NDArray[Any], NDArray[Any]], bytes]] = {
    "PNG": lambda rgb, alpha: saved(np.dstack([rgb, alpha]), "PNG"),
    "PNG gray": lambda rgb, alpha: saved(np.dstack([rgb[..., 0], alpha]), "PNG"),
    "PNG interlaced": lambda rgb, alpha: interlaced(np.dstack([rgb, alpha])),
    "PNG 16": lambda rgb, alpha: bytes(imagecodecs.png_encode(deep_of(np.dstack([rgb, alpha])))),
    "PNG gray 16": lambda rgb, alpha: interlaced(deep_of(np.dstack([rgb[..., 0], alpha]))),
    "TIFF": lambda rgb, alpha: tiff(np.dstack([rgb, alpha]), photometric="rgb", extrasamples=["unassalpha"]),
    "TIFF 16": lambda rgb, alpha: tiff(
        deep_of(np.dstack([rgb, alpha])), photometric="rgb", extrasamples=["unassalpha"]
    ),
    "WebP": lambda rgb, alpha: saved(np.dstack([rgb, alpha]), "WEBP", lossless=True, exact=True),
    "AVIF": lambda rgb, alpha: saved(np.dstack([rgb, alpha]), "AVIF", quality=100),
    "HEIC": lambda rgb, alpha: saved(np.dstack([rgb, alpha]), "HEIF", quality=-1),
    "JPEG 2000": lambda rgb, alpha: saved(np.dstack([rgb, alpha]), "JPEG2000", irreversible=False),
}


def deep_of(samples: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return samples.astype(np.uint16) * np.uint16(257)


@pytest.mark.parametrize("name", ALPHAS)
def test_alpha_is_identical_in_the_result(name: str) -> None:
    alpha = np.tile(np.arange(96, dtype=np.uint8) * 2, (64, 1))
    photo = open_photo(ALPHAS[name](smooth(), alpha))
    assert photo.alpha is not None
    wanted = deep_of(alpha) if "16" in name else alpha
    assert np.array_equal(photo.alpha, wanted)
    result = in_colour(photo)
    assert np.array_equal(np.asarray(result.alpha), wanted)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
def test_what_a_further_sample_of_a_tiff_file_is(kind: str, colour: bool, depth: int) -> None:
    alpha = np.tile(np.arange(96, dtype=np.uint8) * 2 + 60, (64, 1))
    wanted = smooth() if colour else smooth()[..., 0]
    share = alpha[..., None] / 255 if colour else alpha / 255
    samples = np.dstack([np.rint(wanted * share).astype(np.uint8) if kind == "assocalpha" else wanted, alpha])
    photometric = "rgb" if colour else "minisblack"
    data = tiff(
        deep_of(samples) if depth == 16 else samples,
        photometric=photometric,
        extrasamples=[kind],
        planarconfig="contig",
    )
    photo = open_photo(data)
    assert photo.pixels.dtype == (np.uint16 if depth == 16 else np.uint8)
    assert np.abs(photo.pixels / (257 if depth == 16 else 1) - wanted).max() <= (4 if kind == "assocalpha" else 0)
    if kind == "unspecified":
        assert photo.alpha is None
    else:
        assert np.array_equal(np.asarray(photo.alpha), deep_of(alpha) if depth == 16 else alpha)


@pytest.mark.parametrize("format_", ["PNG", "GIF"])
def test_palette_with_transparency(format_: str) -> None:
    transparent = int(gray8()[3, 4])
    photo = open_photo(palette(transparent, format_))
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, np.where(gray8() == transparent, 0, 255))
    seen = photo.alpha > 0
    assert np.array_equal(photo.pixels[seen], palette_colours()[seen])
    assert np.array_equal(np.asarray(in_colour(photo).alpha), photo.alpha)


@pytest.mark.parametrize("format_", ["AVIF", "HEIF", "MPO"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_phones_lie_on_their_side(format_: str, orientation: int) -> None:
    options = {"quality": -1} if format_ == "HEIF" else {"quality": 100}
    photo = open_photo(
        saved(oriented(gray8(), orientation), format_, exif=exif(orientation, artist="Lange"), **options)
    )
    assert photo.pixels.shape == gray8().shape
    assert np.abs(photo.pixels.astype(int) - gray8()).max() <= 3
    result = in_colour(photo)
    assert (result.width, result.height) == gray8().shape[::-1]
    assert b"Lange" in (result.exif or b"")


@pytest.mark.parametrize("deep_", [False, True])
def test_cmyk_goes_through_its_profile(deep_: bool) -> None:
    """The profile says that all inks at v give L = 100 (1 - v / 255); the plain complement is darker."""
    levels = np.tile(np.arange(180, dtype=np.uint8), (4, 1))
    inks_ = np.dstack([levels] * 4)
    if deep_:
        data = tiff(deep_of(inks_), photometric="separated", planarconfig="contig", iccprofile=cmyk_profile())
    else:
        image = Image.frombytes("CMYK", (180, 4), inks_.tobytes())
        data = saved(image, "JPEG", quality=100, icc_profile=cmyk_profile())
    photo = open_photo(data)
    assert photo.pixels.dtype == (np.uint16 if deep_ else np.uint8)
    white = np.iinfo(photo.pixels.dtype).max
    found = photo.pixels.reshape(4, 180, -1).mean(axis=2) / white
    expected = srgb_encode(((100 * (1 - levels / 255) + 16) / 116) ** 3)
    assert np.abs(found - expected).max() < 0.02
    if deep_:
        assert len(np.unique(photo.pixels)) > 170


def test_lab_scans_of_both_depths() -> None:
    lab = np.zeros((8, 8, 3), np.uint8)
    lab[..., 0] = 128
    shallow = open_photo(saved(Image.frombytes("LAB", (8, 8), lab.tobytes()), "TIFF"))
    deep_ = open_photo(tiff(lab.astype(np.uint16) * 257, photometric="cielab", planarconfig="contig"))
    assert deep_.pixels.dtype == np.uint16
    assert np.abs(shallow.pixels.astype(int) - 119).max() <= 2
    assert np.abs(deep_.pixels / 257 - 119.3).max() < 1


def test_the_tags_of_a_bigtiff_file_are_carried() -> None:
    data = tiff(gray8(), photometric="minisblack", bigtiff=True, extratags=[(0x013B, 2, 0, "Lange", True)])
    assert b"Lange" in (in_colour(open_photo(data)).exif or b"")
