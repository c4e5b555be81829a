"""The door: what each kind of file becomes, and what is turned away."""

import hashlib
import struct
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from colorizers.colorspace.lab import srgb_decode, srgb_encode
from colorizers.errors import (
    NotAPictureError,
    PhotoError,
    TooManyPixelsError,
    UndecodableError,
    UnsupportedSamplesError,
)
from colorizers.fileformats.formats import SUPPORTED, PictureFormat, announced_format
from colorizers.photo.photo import open_photo, read_header
from colorizers.photo.photo_data import Photo, rgb8
from tests.support import color_oracle, picture_files
from tests.support.picture_files import HEIGHT, WIDTH, exif, gray8, gray16, oriented, saved

PALETTE = [value for level in range(256) for value in (level, 255 - level, level // 2)]


def palette_picture() -> Image.Image:
    image = Image.fromarray(gray8(), "L").convert("P")
    image.putpalette(PALETTE)
    return image


def rgba8() -> NDArray[np.uint8]:
    return np.dstack([picture_files.rgb8(), gray8()])


def png16(samples: NDArray[np.uint16]) -> bytes:
    return bytes(imagecodecs.png_encode(samples))


def tiff(samples: NDArray[np.uint16], **options: Any) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def test_gray_files_keep_their_pixels() -> None:
    for format_ in ("PNG", "TIFF", "BMP", "GIF", "PPM"):
        photo = open_photo(saved(gray8(), format_))
        assert (photo.format, photo.pixels.dtype.name, photo.alpha) == (format_, "uint8", None)
        assert np.array_equal(photo.pixels, gray8())
        assert not photo.had_colour


def test_a_gray_file_that_decodes_with_a_level_of_chroma_had_no_colour() -> None:
    for options in ({"quality": 80}, {"quality": 20}):
        photo = open_photo(saved(gray8(), "WEBP", **options))
        assert photo.pixels.ndim == 3
        assert not photo.had_colour
    toned = np.dstack([gray8(), gray8(), gray8() // 8 * 7])
    assert open_photo(saved(toned, "WEBP", quality=80)).had_colour
    deep = np.full((2, 2, 3), 5000, np.uint16)
    deep[0, 0, 0] += 257
    assert not replace(photo, pixels=deep).had_colour
    deep[0, 0, 0] += 1
    assert replace(photo, pixels=deep).had_colour


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_colour_files_keep_their_pixels(format_: str) -> None:
    photo = open_photo(saved(picture_files.rgb8(), format_))
    assert np.array_equal(photo.pixels, picture_files.rgb8())
    assert photo.had_colour
    assert (photo.width, photo.height, photo.format) == (WIDTH, HEIGHT, format_)


@pytest.mark.parametrize("format_", ["JPEG", "WEBP", "AVIF", "HEIF"])
def test_lossy_formats_are_read(format_: str) -> None:
    smooth = np.linspace(20, 230, 64 * 64).reshape(64, 64).astype(np.uint8)
    photo = open_photo(saved(np.dstack([smooth, smooth.T, smooth]), format_, quality=95))
    assert photo.format == format_
    assert np.abs(photo.pixels[..., 1].astype(int) - smooth.T).max() < 30


def test_a_colour_file_without_colour_is_gray() -> None:
    photo = open_photo(saved(np.dstack([gray8()] * 3), "PNG"))
    assert np.array_equal(photo.pixels, gray8())


def test_modes_of_pillow() -> None:
    one_bit = Image.fromarray(gray8()).convert("1")
    assert np.array_equal(open_photo(saved(one_bit, "TIFF")).pixels, np.asarray(one_bit.convert("L")))
    gray_alpha = open_photo(saved(np.dstack([gray8(), gray8()[::-1]]), "PNG"))
    assert np.array_equal(gray_alpha.pixels, gray8())
    assert gray_alpha.alpha is not None
    assert np.array_equal(gray_alpha.alpha, gray8()[::-1])
    coloured = open_photo(saved(rgba8(), "PNG"))
    assert coloured.alpha is not None
    assert np.array_equal(coloured.pixels, picture_files.rgb8())
    assert np.array_equal(coloured.alpha, gray8())
    premultiplied = open_photo(saved(Image.fromarray(rgba8()).convert("RGBa").convert("RGBA"), "WEBP", lossless=True))
    assert premultiplied.alpha is not None
    colours = np.asarray(palette_picture().convert("RGB"))
    assert np.array_equal(open_photo(saved(palette_picture(), "PNG")).pixels, colours)
    ycbcr = Image.fromarray(picture_files.rgb8()).convert("YCbCr")
    assert np.array_equal(open_photo(saved(ycbcr, "TIFF")).pixels, np.asarray(ycbcr.convert("RGB")))


def test_palette_with_transparency() -> None:
    transparent = int(gray8()[3, 4])
    photo = open_photo(saved(palette_picture(), "PNG", transparency=transparent))
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha == 0, np.asarray(palette_picture()) == transparent)


def test_a_gray_level_that_means_transparent() -> None:
    photo = open_photo(saved(gray8(), "PNG", transparency=int(gray8()[0, 1])))
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha == 0, gray8() == gray8()[0, 1])
    assert photo.pixels.ndim == 2


def test_cmyk() -> None:
    inks = np.dstack([gray8()] * 4)
    image = Image.fromarray(inks, "CMYK")
    plain = open_photo(saved(image, "TIFF")).pixels
    assert np.array_equal(rgb8(open_photo(saved(image, "TIFF"))), np.asarray(image.convert("RGB")))
    jpeg = open_photo(saved(Image.new("CMYK", (32, 32), (0, 0, 0, 0)), "JPEG", quality=95))
    assert jpeg.pixels.min() == 255
    # The profile says that all inks at v give L = 100 (1 - v / 255); the plain complement is darker.
    profiled = open_photo(saved(image, "TIFF", icc_profile=picture_files.cmyk_profile())).pixels
    profiled_gray = profiled if profiled.ndim == 2 else profiled[..., 1]
    y = ((100 * (1 - gray8() / 255) + 16) / 116) ** 3
    bright = gray8() < 180
    assert np.abs(profiled_gray - 255 * srgb_encode(y))[bright].max() < 4
    assert plain.mean() < profiled.mean()


def test_lab() -> None:
    lab = np.zeros((8, 8, 3), np.uint8)
    lab[..., 0] = 128
    file = saved(Image.frombytes("LAB", (8, 8), lab.tobytes()), "TIFF")
    assert np.abs(rgb8(open_photo(file)).astype(int) - 119).max() <= 2


@pytest.mark.parametrize("make", [png16, tiff])
def test_sixteen_bits_stay_sixteen(make: Callable[[NDArray[np.uint16]], bytes]) -> None:
    gray = open_photo(make(gray16()))
    assert gray.pixels.dtype == np.uint16
    assert np.array_equal(gray.pixels, gray16())
    colour = np.dstack([gray16(), gray16()[::-1], 65535 - gray16()])
    assert np.array_equal(open_photo(make(colour)).pixels, colour)
    with_alpha = open_photo(make(np.dstack([colour, gray16()])))
    assert np.array_equal(with_alpha.pixels, colour)
    assert with_alpha.alpha is not None
    assert np.array_equal(with_alpha.alpha, gray16())


def test_sixteen_bit_tiff_variants() -> None:
    colour = np.dstack([gray16(), gray16()[::-1], 65535 - gray16()])
    planes = np.ascontiguousarray(np.moveaxis(colour, -1, 0))
    for data in (
        tiff(planes, photometric="rgb", planarconfig="separate"),
        tiff(colour, compression="lzw", predictor=2),
        tiff(colour, tile=(16, 16), compression="zlib"),
        tiff(colour, byteorder=">"),
    ):
        assert np.array_equal(open_photo(data).pixels, colour)
    assert np.array_equal(open_photo(tiff(65535 - gray16(), photometric="miniswhite")).pixels, gray16())


def test_sixteen_bit_pgm_and_big_endian_tiff() -> None:
    pgm = b"P5 %d %d 65535\n" % (WIDTH, HEIGHT) + gray16().astype(">u2").tobytes()
    assert np.array_equal(open_photo(pgm).pixels, gray16())
    assert np.array_equal(open_photo(tiff(gray16(), byteorder=">")).pixels, gray16())


def test_thirty_two_bit_samples_become_sixteen() -> None:
    fractions = (gray16() / 65535).astype(np.float32)
    assert np.abs(open_photo(saved(fractions, "TIFF")).pixels.astype(int) - gray16()).max() <= 1
    large = gray16().astype(np.int32) * 1000
    with pytest.raises(UnsupportedSamplesError, match="nobody says which one is white"):
        open_photo(saved(large, "TIFF"))
    assert np.array_equal(open_photo(saved(gray16().astype(np.int32), "TIFF")).pixels, gray16())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP", "deep PNG", "deep TIFF"])
def test_every_orientation_is_turned_upright(format_: str, orientation: int) -> None:
    block = exif(orientation)
    if format_ == "deep PNG":
        plain = png16(oriented(gray16(), orientation))
        data = plain[:33] + chunk(b"eXIf", block[6:]) + plain[33:]
    elif format_ == "deep TIFF":
        data = tiff(oriented(gray16(), orientation), extratags=[(0x0112, 3, 1, orientation, True)])
    else:
        best: dict[str, dict[str, int]] = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}
        data = saved(oriented(gray8(), orientation), format_, exif=block, **best.get(format_, {}))
    expected = gray16() if "deep" in format_ else gray8()
    photo = open_photo(data)
    assert photo.pixels.shape == expected.shape
    assert np.abs(photo.pixels.astype(int) - expected).max() <= (40 if format_ == "JPEG" else 0)
    assert photo.pixels.flags.c_contiguous


def test_alpha_is_turned_too() -> None:
    stored = oriented(np.dstack([gray8(), gray8()]), 6)
    photo = open_photo(saved(stored, "PNG", exif=exif(6)))
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, gray8())


def test_carried_exif_is_upright_and_otherwise_the_same() -> None:
    photo = open_photo(saved(gray8(), "JPEG", exif=exif(6, artist="Lange", camera="Graflex")))
    block = Image.Exif()
    assert photo.exif is not None
    block.load(b"Exif\0\0" + photo.exif)
    assert (block[0x0112], block[0x013B], block[0x0110]) == (1, "Lange", "Graflex")
    assert block.get_ifd(0x8769)[0x9003] == "1936:03:01 12:00:00"


def test_tiff_tags_are_carried_without_those_of_storage() -> None:
    photo = open_photo(saved(gray8(), "TIFF", tiffinfo={0x013B: "Lange", 0x010E: "Nipomo"}))
    block = Image.Exif()
    assert photo.exif is not None
    block.load(b"Exif\0\0" + photo.exif)
    assert dict(block) == {0x013B: "Lange", 0x010E: "Nipomo"}


def test_broken_exif_is_left_out() -> None:
    photo = open_photo(saved(gray8(), "JPEG", exif=exif(6, artist="Lange")[:20]))
    assert photo.exif is None
    assert photo.pixels.shape == gray8().shape


def test_resolution_turns_with_the_picture() -> None:
    assert open_photo(saved(gray8(), "JPEG", dpi=(300, 150))).dpi == (300, 150)
    assert open_photo(saved(gray8(), "JPEG", dpi=(300, 150), exif=exif(8))).dpi == (150, 300)
    assert open_photo(saved(gray8(), "TIFF")).dpi is None
    assert open_photo(saved(gray8(), "TIFF", dpi=(600, 600))).dpi == (600, 600)


def test_gray_profile_is_brought_to_srgb() -> None:
    levels = np.arange(256, dtype=np.uint8)[None].repeat(4, axis=0)
    for gamma in (1.8, 2.2):
        expected = 255 * srgb_encode((levels / 255.0) ** gamma)
        photo = open_photo(saved(levels, "PNG", icc_profile=picture_files.gray_profile(gamma)))
        assert photo.pixels.ndim == 2
        assert np.abs(photo.pixels - expected).max() <= 1.5
        as_rgb = saved(np.dstack([levels] * 3), "PNG", icc_profile=picture_files.gray_profile(gamma))
        assert open_photo(as_rgb).pixels.ndim == 2


def test_sixteen_bit_gray_profile_keeps_its_depth() -> None:
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    plain = png16(levels)
    profile = zlib.compress(picture_files.gray_profile(1.8))
    photo = open_photo(plain[:33] + chunk(b"iCCP", b"gray\0\0" + profile) + plain[33:])
    expected = 65535 * srgb_encode((levels / 65535.0) ** 1.8)
    assert photo.pixels.dtype == np.uint16
    assert len(np.unique(photo.pixels)) > 40_000
    assert np.abs(photo.pixels - expected)[levels > 2000].max() < 80


def test_colour_profile_is_brought_to_srgb() -> None:
    pixels = np.array([[[120, 120, 120], [60, 200, 60], [200, 100, 100]]], np.uint8)
    found = open_photo(saved(pixels, "PNG", icc_profile=picture_files.adobe_rgb_profile())).pixels.astype(int)
    assert np.ptp(found[0, 0]) <= 1
    assert found[0, 1, 0] < 10
    assert found[0, 2, 0] > 205
    neutral = saved(np.dstack([gray8()] * 3), "PNG", icc_profile=picture_files.adobe_rgb_profile())
    assert not open_photo(neutral).had_colour


def test_display_p3_is_brought_to_srgb() -> None:
    """By the matrix between the two sets of primaries (SMPTE RP 431-2 with D65)."""
    pixels = np.array([[[128, 128, 128], [200, 100, 100], [100, 200, 100], [140, 90, 60], [60, 60, 200]]], np.uint8)
    to_srgb = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
    expected = np.rint(255 * srgb_encode(np.clip(srgb_decode(pixels / 255) @ to_srgb.T, 0, 1)))
    found = open_photo(saved(pixels, "PNG", icc_profile=picture_files.display_p3_profile())).pixels
    assert np.abs(found - expected).max() <= 1


def test_profiles_that_do_not_fit_are_ignored() -> None:
    for profile in (b"nonsense", picture_files.cmyk_profile(), picture_files.gray_profile(1.8)):
        assert np.array_equal(
            open_photo(saved(picture_files.rgb8(), "TIFF", icc_profile=profile)).pixels, picture_files.rgb8()
        )


def test_an_srgb_profile_changes_nothing() -> None:
    profile = bytes(imagecodecs.cms_profile("srgb"))
    assert np.array_equal(
        open_photo(saved(picture_files.rgb8(), "PNG", icc_profile=profile)).pixels, picture_files.rgb8()
    )
    assert np.array_equal(open_photo(saved(gray8(), "PNG", icc_profile=profile)).pixels, gray8())


def test_the_first_of_several() -> None:
    pages = [Image.fromarray(gray8()), Image.fromarray(255 - gray8()), Image.fromarray(gray8() // 2)]
    for format_ in ("TIFF", "GIF"):
        photo = open_photo(saved(pages[0], format_, save_all=True, append_images=pages[1:]))
        assert photo.frames == 3
        assert np.array_equal(photo.pixels, gray8())
    several = open_photo(saved(pages[0], "MPO", save_all=True, append_images=pages[1:]))
    assert (several.format, several.frames) == ("MPO", 1)


def test_a_name_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(gray8(), "PNG"))
    assert open_photo(path).format == "PNG"


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.4", b"%!PS"])
def test_other_files_are_not_pictures(data: bytes) -> None:
    with pytest.raises(NotAPictureError, match=r"JPEG, .*HEIC"):
        open_photo(data)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "HEIF", "JPEG2000"])
def test_cut_off_files_cannot_be_decoded(format_: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    data = saved(noise, format_)
    for length in (40, len(data) * 2 // 3):
        with pytest.raises(UndecodableError, match="broken, cut off"):
            open_photo(data[:length])


@pytest.mark.parametrize("entry", SUPPORTED, ids=lambda entry: entry.name)
def test_nothing_but_a_signature_cannot_be_decoded(entry: PictureFormat) -> None:
    for offset, signature in entry.signatures:
        data = bytes(offset) + signature + bytes(40)
        assert announced_format(data) is not None
        with pytest.raises(UndecodableError):
            open_photo(data)


def test_noise_behind_a_cut_png_is_broken_and_not_metadata() -> None:
    data = saved(Image.fromarray(gray8()), "PNG")
    end = data.index(b"IEND") - 4
    noise = struct.pack(">I4s", 1_114_734_449, b"}&\x95\r") + bytes(100)
    with pytest.raises(UndecodableError):
        open_photo(data[: end - 40] + noise)


def test_mutated_files_give_a_photo_or_a_photo_error() -> None:
    random = np.random.default_rng(7)
    originals = [saved(picture_files.rgb8(), name, exif=exif(6)) for name in ("JPEG", "PNG", "TIFF", "WEBP")]
    originals += [png16(gray16()), tiff(gray16()), saved(palette_picture(), "GIF")]
    outcomes = {"photo": 0, "error": 0}
    for round_ in range(420):
        data = bytearray(originals[round_ % len(originals)])
        for place in random.integers(0, len(data), 1 + round_ % 9):
            data[place] = random.integers(0, 256)
        try:
            assert isinstance(open_photo(bytes(data), max_megapixels=1), Photo)
            outcomes["photo"] += 1
        except PhotoError:
            outcomes["error"] += 1
    assert min(outcomes.values()) > 40


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_too_many_pixels_are_refused_from_the_header(tmp_path: Path) -> None:
    start = time.perf_counter()
    for data in (png_header(60_000, 60_000), b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b","):
        with pytest.raises(PhotoError):
            open_photo(data + bytes(64))
    with pytest.raises(TooManyPixelsError, match=r"3,600\.0 megapixels; the limit is 120\."):
        open_photo(png_header(60_000, 60_000))
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(60_000, 60_000))
    with pytest.raises(TooManyPixelsError):
        read_header(path)
    assert time.perf_counter() - start < 1


def test_the_limit_is_a_setting() -> None:
    data = saved(np.zeros((1000, 1100), np.uint8), "PNG")
    with pytest.raises(TooManyPixelsError) as caught:
        open_photo(data, max_megapixels=1)
    assert caught.value.data == {"megapixels": 1.1, "limit": 1}
    assert open_photo(data, max_megapixels=1.1).width == 1100


def test_a_large_limit_reaches_beyond_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_photo(saved(gray8(), "PNG")).width == WIDTH
    assert Image.MAX_IMAGE_PIXELS == 100


def test_warnings_of_decoders_stay_inside() -> None:
    data = saved(gray8(), "JPEG", exif=exif(1, artist="Lange")[:40])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        open_photo(data)
    assert caught == []


def test_header_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(saved(gray8(), "TIFF"))
    header = read_header(path)
    assert (header.format, header.width, header.height) == ("TIFF", WIDTH, HEIGHT)
    path.write_bytes(b"hello")
    with pytest.raises(NotAPictureError):
        read_header(path)


def test_hash_is_of_the_file() -> None:
    data = saved(gray8(), "PNG")
    assert open_photo(data).sha256 == hashlib.sha256(data).hexdigest()


def test_rgb8_of_every_depth() -> None:
    deep = open_photo(png16(gray16()))
    assert np.array_equal(rgb8(deep), np.dstack([np.rint(gray16() / 257).astype(np.uint8)] * 3))
    assert np.array_equal(rgb8(open_photo(saved(picture_files.rgb8(), "PNG"))), picture_files.rgb8())


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_photo(tmp_path / "nothing.jpg")


def noisy() -> NDArray[np.uint8]:
    noise = np.random.default_rng(4).normal(0, 9, (120, 160))
    return (np.linspace(0, 255, 160) + noise).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
def test_a_jpeg_that_lacks_only_its_end_is_the_complete_one(options: dict[str, Any]) -> None:
    complete = saved(noisy(), "JPEG", quality=90, **options)
    for data in (complete[:-1], complete[:-2], complete[:-2] + b"\0\0", complete[:-2] + b"\xff"):
        assert np.array_equal(open_photo(data).pixels, open_photo(complete).pixels)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_jpeg_whose_pixels_are_cut_off_is_refused(options: dict[str, Any], kept: float) -> None:
    complete = saved(noisy(), "JPEG", quality=90, **options)
    with pytest.raises(UndecodableError):
        open_photo(complete[: int(kept * len(complete))])


def test_empty_segments_of_a_jpeg_are_nothing() -> None:
    plain = saved(noisy(), "JPEG", quality=90)
    for marker in (0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE):
        data = plain[:20] + bytes((0xFF, marker, 0, 2)) + plain[20:]
        assert np.array_equal(open_photo(data).pixels, open_photo(plain).pixels)
    assert open_photo(plain[:2] + b"\xff\xe0\0\2" + plain[20:]).pixels.shape == noisy().shape


@pytest.mark.parametrize("kind", [b"pHYs", b"tEXt", b"gAMA"])
def test_damaged_extras_of_a_png_are_passed_over(kind: bytes, tmp_path: Path) -> None:
    plain = saved(gray8(), "PNG")
    body = kind + {b"pHYs": struct.pack(">IIB", 1, 1, 1), b"tEXt": b"a\0b", b"gAMA": struct.pack(">I", 100)}[kind]
    path = tmp_path / "a.png"
    path.write_bytes(plain[:33] + struct.pack(">I", len(body) - 4) + body + b"oops" + plain[33:])
    assert read_header(path).width == WIDTH
    assert np.array_equal(open_photo(path).pixels, gray8())
    assert open_photo(path).comments == ()
    with pytest.raises(UndecodableError):
        at = plain.index(b"IDAT") + 6
        open_photo(plain[:at] + bytes((plain[at] ^ 255,)) + plain[at + 1 :])


@pytest.mark.parametrize(
    ("format_", "brands"),
    [("AVIF", (b"miaf", b"MA1A", b"MA1B", b"mif1", b"tmap")), ("HEIF", (b"miaf", b"MiHB", b"MiHE", b"mif1", b"tmap"))],
)
def test_every_brand_is_known(format_: str, brands: tuple[bytes, ...], tmp_path: Path) -> None:
    plain, path = saved(picture_files.rgb8(), format_), tmp_path / "a"
    for brand in brands:
        path.write_bytes(plain[:8] + brand + plain[12:])
        assert (read_header(path).format, read_header(path).width) == (format_, WIDTH)
        photo = open_photo(path)
        assert np.array_equal(photo.pixels, open_photo(plain).pixels)
        assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_netpbm_files_of_every_kind() -> None:
    levels = gray16()
    fractions = (levels / 65535).astype("<f4")
    colours = np.dstack([fractions, fractions[:, ::-1], 1 - fractions])
    size = b"%d %d" % (WIDTH, HEIGHT)
    assert np.array_equal(open_photo(b"Pf\n" + size + b"\n-1.0\n" + fractions[::-1].tobytes()).pixels, levels)
    found = open_photo(b"PF\n" + size + b"\n1.0\n" + colours[::-1].astype(">f4").tobytes()).pixels
    assert np.abs(found - 65535 * colours).max() <= 0.51
    twelve = open_photo(b"P5 " + size + b" 4095\n" + (levels >> 4).astype(">u2").tobytes()).pixels
    assert np.abs(twelve.astype(int) - levels).max() < 17
    text = b" ".join(b"%d" % level for level in (levels >> 12).ravel())
    assert np.array_equal(open_photo(b"P2\n# hand-made\n" + size + b"\n15\n" + text).pixels, (levels >> 12) * 17)
    bits = np.packbits(levels < 30000, axis=1).tobytes()
    assert np.array_equal(open_photo(b"P4 " + size + b"\n" + bits).pixels, np.where(levels < 30000, 0, 255))
    with pytest.raises(UndecodableError):
        open_photo(b"P5 " + size + b" 255\n" + bytes(10))
    with pytest.raises(UnsupportedSamplesError, match="fractions from"):
        open_photo(b"Pf\n" + size + b"\n-1.0\n" + (200 * fractions).tobytes())


def test_neutral_pixels_have_the_luminance_of_their_neighbours() -> None:
    """Under a profile whose red, green and blue have curves of their own, as scanners' have."""
    profile = picture_files.scanner_profile()
    neutral = np.dstack([gray8()] * 3)
    tinted = neutral.copy()
    tinted[0, 0] = 10, 200, 30
    plain, other = (open_photo(saved(pixels, "PNG", icc_profile=profile)) for pixels in (neutral, tinted))
    apart = np.abs(color_oracle.gray(rgb8(plain)) - color_oracle.gray(rgb8(other)))
    assert apart[1:].max() <= 1
