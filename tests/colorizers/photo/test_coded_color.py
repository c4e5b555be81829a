"""Colours that files describe by code points: linear, wide gamuts, high dynamic range."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from colorizers.colorspace.lab import srgb_decode, srgb_encode
from colorizers.errors import UnsupportedSamplesError
from colorizers.fileformats.color_codes import ColorCodes, isobmff_codes
from colorizers.photo import icc
from colorizers.photo.channels import Samples
from colorizers.photo.coded_color import coded_to_srgb, nits_to_pq, pq_to_nits, rgb_to_xyz
from colorizers.photo.photo import open_photo
from tests.support import color_oracle, picture_files
from tests.support.picture_files import gray8, saved

WIDE = np.linspace(0, 1, 64 * 48).reshape(48, 64)


def png(samples: NDArray[np.uint16], primaries: int, transfer: int) -> bytes:
    """Return a 16-bit PNG file with a cICP chunk."""
    plain = bytes(imagecodecs.png_encode(samples))
    body = b"cICP" + bytes((primaries, transfer, 0, 1))
    return plain[:33] + struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body)) + plain[33:]


def coded(values: NDArray[np.float64], primaries: int, transfer: int) -> NDArray[np.float64]:
    """Return the pixels, 0..1, of a PNG file with these values and codes."""
    return open_photo(png(np.rint(values * 65535).astype(np.uint16), primaries, transfer)).pixels / 65535


def test_linear_light_is_encoded() -> None:
    assert np.abs(coded(srgb_decode(WIDE), 1, 8) - WIDE).max() < 2.1e-4


def test_srgb_and_what_is_shown_as_srgb_stays() -> None:
    for primaries, transfer in ((1, 13), (2, 2), (1, 1), (1, 6)):
        assert np.array_equal(coded(WIDE, primaries, transfer), np.rint(WIDE * 65535) / 65535)


@pytest.mark.parametrize("primaries", [9, 12])
def test_colours_beyond_srgb_keep_their_luminance(primaries: int) -> None:
    colours = np.random.default_rng(2).random((32, 32, 3))
    colours[0, 0] = 1, 0, 0
    found = coded(colours, primaries, 13)
    y = srgb_decode(colours) @ rgb_to_xyz(primaries)[1]
    gray = color_oracle.gray_value(np.rint(found * 65535).astype(np.uint16)) / 65535
    assert np.abs(gray - srgb_encode(y)).max() < 2e-3
    assert found[0, 0].max() > found[0, 0].min(), "still red"


def test_matrices_are_those_of_the_standards() -> None:
    assert rgb_to_xyz(1)[1] == pytest.approx([0.2126, 0.7152, 0.0722], abs=2e-4)
    assert rgb_to_xyz(9)[1] == pytest.approx([0.2627, 0.6780, 0.0593], abs=2e-4)
    assert rgb_to_xyz(12)[1] == pytest.approx([0.2290, 0.6917, 0.0793], abs=2e-4)
    for primaries in (4, 11):
        assert rgb_to_xyz(primaries) @ np.ones(3) == pytest.approx([0.9505, 1, 1.0891], abs=1e-3)


def test_pq_up_to_its_white_is_the_same_picture() -> None:
    assert np.abs(coded(nits_to_pq(203 * srgb_decode(WIDE)), 1, 16) - WIDE).max() < 2e-3
    assert pq_to_nits(nits_to_pq(np.array([0.1, 100, 203, 10000]))) == pytest.approx([0.1, 100, 203, 10000], rel=1e-6)
    assert float(nits_to_pq(np.array(203.0))) == pytest.approx(0.58, abs=2e-3), "BT.2408"


def test_what_is_brighter_is_compressed_and_said() -> None:
    photo = open_photo(png(np.rint(65535 * nits_to_pq(1000 * WIDE)).astype(np.uint16), 9, 16))
    levels = photo.pixels.ravel().astype(int)
    assert photo.dynamic_range == "PQ"
    assert (np.diff(levels) >= 0).all() and levels[-1] > 65000
    assert len(np.unique(levels[len(levels) // 2 :])) > 300, "bright parts keep their differences"
    # 100 cd/m2 are below the knee, and stay as bright as white paper makes them.
    assert levels[len(levels) // 10] / 65535 == pytest.approx(float(srgb_encode(np.array(100 / 203))), abs=0.05)


def test_hlg_has_its_white_at_three_quarters() -> None:
    photo = open_photo(png(np.full((8, 8), round(0.75 * 65535), np.uint16), 9, 18))
    assert photo.dynamic_range == "HLG"
    assert photo.pixels[0, 0] / 65535 == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("codes", [ColorCodes(10, 13), ColorCodes(1, 17), ColorCodes(3, 1)])
def test_codes_that_no_photograph_has_are_refused_by_name(codes: ColorCodes) -> None:
    with pytest.raises(UnsupportedSamplesError, match=r"of H\.273"):
        coded_to_srgb(Samples(np.zeros((2, 2), np.uint8), None), codes, "PNG")


def test_codes_of_avif_and_heif_files() -> None:
    plain = saved(np.dstack([gray8()] * 3), "AVIF")
    assert isobmff_codes(plain) == ColorCodes(1, 13)
    at = plain.index(b"nclx") + 4
    linear = plain[:at] + struct.pack(">HH", 1, 8) + plain[at + 4 :]
    before, after = (open_photo(data).pixels / 255 for data in (plain, linear))
    assert np.abs(after - srgb_encode(before)).max() < 0.01
    assert isobmff_codes(plain[:100]) is None
    assert isobmff_codes(b"") is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_beyond_srgb_keep_their_luminance_under_a_profile_too(dtype: type[np.unsignedinteger]) -> None:
    white = np.iinfo(dtype).max
    colours = (np.random.default_rng(2).random((32, 32, 3)) * white).astype(dtype)
    colours[0, :] = white, 0, 0
    samples = icc.rgb_to_srgb(colours, picture_files.display_p3_profile())
    y = srgb_decode(colours / white) @ rgb_to_xyz(12)[1]
    apart = np.abs(color_oracle.gray_value(samples) / white - srgb_encode(y))
    assert apart.max() < 0.01
    assert np.ptp(samples[0, 0].astype(int)) > white / 2, "still red"
