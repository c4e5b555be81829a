"""Result files: exact pixels where the format is exact, and everything that belongs to the photo with them."""

import dataclasses
import time
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from colorizers.errors import TooLargeForFormatError
from colorizers.metadata.xmp import DIGITAL_SOURCE_TYPE, NAMESPACE, Provenance, xmp_packet
from colorizers.output.encode import encode, output_format, suffix_for, write
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo
from tests.support.picture_files import exif, gray8, gray16, rgb8, saved

EXACT = ["PNG", "TIFF"]
FORMATS = ["JPEG", "PNG", "TIFF", "WEBP"]
PROVENANCE = Provenance("default", "Embedded default", "ab" * 32, True, "cd" * 32)
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
DC = "{http://purl.org/dc/elements/1.1/}"
TIFF = "{http://ns.adobe.com/tiff/1.0/}"
IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
EXISTING = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="uuid:1" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Scanner" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:own="http://example.org/own/" own:Box="17"><dc:title><rdf:Alt><rdf:li xml:lang="x-default">Nipomo</rdf:li>
</rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def photo_of(pixels: NDArray[Any], **changes: Any) -> Photo:
    photo = Photo(pixels=pixels, alpha=None, format="PNG", frames=1, sha256="cd" * 32)
    return dataclasses.replace(photo, **changes)


def properties(packet: bytes) -> dict[str, str | None]:
    """Return the simple properties of an XMP packet, by qualified name."""
    found: dict[str, str | None] = {}
    for description in ElementTree.fromstring(packet.strip()).iter(f"{RDF}Description"):
        found |= description.attrib
        found |= {child.tag: child.text for child in description}
    return found


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("format_", EXACT)
def test_exact_formats_hold_the_pixels(format_: str) -> None:
    deep = np.dstack([gray16(), gray16()[::-1], 65535 - gray16()])
    large = np.random.default_rng(0).integers(0, 256, (900, 700, 3)).astype(np.uint8)
    for rgb in (rgb8(), deep, large, rgb8()[:1, :1], deep[:, :1]):
        found = open_photo(encode(rgb, photo_of(rgb), PROVENANCE, format_))
        assert found.format == format_
        assert found.pixels.dtype == rgb.dtype
        assert np.array_equal(found.pixels, rgb)
        assert found.alpha is None


@pytest.mark.parametrize("format_", EXACT)
@pytest.mark.parametrize("deep", [False, True])
def test_exact_formats_hold_alpha(format_: str, deep: bool) -> None:
    rgb, alpha = (np.dstack([gray16(), gray16()[::-1], gray16()]), gray16()) if deep else (rgb8(), gray8())
    found = open_photo(encode(rgb, photo_of(rgb, alpha=alpha), PROVENANCE, format_))
    assert np.array_equal(found.pixels, rgb)
    assert found.alpha is not None
    assert np.array_equal(found.alpha, alpha)


def test_webp_keeps_alpha_and_jpeg_is_laid_on_white() -> None:
    rgb = np.zeros((16, 24, 3), np.uint8)
    alpha = np.zeros((16, 24), np.uint8)
    alpha[:, 12:] = 255
    photo = photo_of(rgb, alpha=alpha)
    webp = open_photo(encode(rgb, photo, PROVENANCE, "WEBP"))
    assert webp.alpha is not None
    assert np.array_equal(webp.alpha, alpha)
    jpeg = np.asarray(opened(encode(rgb, photo, PROVENANCE, "JPEG")))
    assert jpeg[:, :8].min() > 240
    assert jpeg[:, 16:].max() < 15


def test_jpeg_is_of_quality_95_with_full_colour_resolution() -> None:
    image = opened(encode(rgb8(), photo_of(rgb8()), PROVENANCE, "JPEG"))
    expected = opened(saved(rgb8(), "JPEG", quality=95, subsampling=0))
    assert image.quantization == expected.quantization  # type: ignore[attr-defined]
    assert [component[1:3] for component in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("format_", ["JPEG", "WEBP"])
def test_sixteen_bits_become_eight_where_the_format_has_no_more(format_: str) -> None:
    smooth = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    found = open_photo(encode(np.dstack([smooth] * 3), photo_of(smooth), PROVENANCE, format_))
    assert found.pixels.dtype == np.uint8
    assert np.abs(pictures_gray(found) - smooth / 257).max() < 6


def pictures_gray(photo: Photo) -> NDArray[np.float64]:
    return photo.pixels.reshape(photo.height, photo.width, -1).mean(axis=2)


@pytest.mark.parametrize("format_", FORMATS)
def test_what_belongs_to_the_photo_goes_along(format_: str) -> None:
    source = saved(gray8(), "JPEG", exif=exif(6, artist="Lange", camera="Graflex"), dpi=(300, 200), xmp=EXISTING)
    photo = open_photo(source)
    rgb = np.dstack([photo.pixels] * 3)
    found = open_photo(encode(rgb, photo, PROVENANCE, format_))
    assert found.exif is not None
    block = Image.Exif()
    block.load(b"Exif\0\0" + found.exif)
    assert (block[0x0112], block[0x013B], block[0x0110]) == (1, "Lange", "Graflex")
    assert block.get_ifd(0x8769)[0x9003] == "1936:03:01 12:00:00"
    assert (found.width, found.height) == (photo.width, photo.height)
    if format_ != "WEBP":
        assert found.dpi == pytest.approx((200, 300), abs=0.1)
    assert found.xmp is not None
    kept = properties(found.xmp)
    assert kept["{http://example.org/own/}Box"] == "17"
    assert kept[f"{XMP}CreatorTool"] == "photo-colorizer"


@pytest.mark.parametrize("format_", FORMATS)
def test_every_file_is_srgb_and_says_so(format_: str) -> None:
    image = opened(encode(rgb8(), photo_of(rgb8()), PROVENANCE, format_))
    profile = image.info["icc_profile"]
    assert profile[16:20] == b"RGB "
    assert "sRGB".encode("utf-16-be") in profile


@pytest.mark.parametrize("format_", FORMATS)
def test_every_file_says_who_coloured_what(format_: str) -> None:
    found = open_photo(encode(rgb8(), photo_of(rgb8()), PROVENANCE, format_))
    assert found.xmp is not None
    said = properties(found.xmp)
    assert said[f"{IPTC}DigitalSourceType"] == DIGITAL_SOURCE_TYPE
    assert DIGITAL_SOURCE_TYPE.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert said[f"{DC}source"] == "sha256:" + "cd" * 32
    assert said[f"{{{NAMESPACE}}}Model"] == "default"
    assert said[f"{{{NAMESPACE}}}WeightsSHA256"] == "ab" * 32
    assert said[f"{{{NAMESPACE}}}WeightsVerified"] == "True"


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_input_gives_the_same_bytes(format_: str) -> None:
    photo = photo_of(gray8(), dpi=(72.0, 72.0), exif=exif(1, artist="Lange")[6:])
    assert encode(rgb8(), photo, PROVENANCE, format_) == encode(rgb8(), photo, PROVENANCE, format_)


def test_packet_keeps_what_was_there_and_replaces_what_is_new() -> None:
    packet = xmp_packet(PROVENANCE, EXISTING)
    said = properties(packet)
    assert said[f"{TIFF}Orientation"] == "1"
    assert said[f"{XMP}CreatorTool"] == "photo-colorizer"
    assert b"Nipomo" in packet
    assert said[f"{{{NAMESPACE}}}OriginalCreatorTool"] == "Scanner"
    again = xmp_packet(dataclasses.replace(PROVENANCE, model="eccv16"), packet)
    assert properties(again)[f"{{{NAMESPACE}}}Model"] == "eccv16"
    assert properties(again)[f"{{{NAMESPACE}}}OriginalCreatorTool"] == "Scanner"
    assert f"{{{NAMESPACE}}}OriginalSource" not in properties(again)
    assert again.count(b"DigitalSourceType>") == 2


@pytest.mark.parametrize(
    "existing",
    [
        b"nonsense",
        b"",
        b"<x/>",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
        "<x>\ud55c</x>".encode("utf-16"),
    ],
)
def test_a_broken_packet_is_replaced(existing: bytes) -> None:
    assert xmp_packet(PROVENANCE, existing) == xmp_packet(PROVENANCE)


def test_many_things_to_leave_out_take_no_longer_each() -> None:
    thumbnail = b'<xmp:Thumbnails xmlns:xmp="http://ns.adobe.com/xap/1.0/"/>'
    rdf = b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description>%s</r:Description></r:RDF>'
    start = time.process_time()
    packet = xmp_packet(PROVENANCE, rdf % (thumbnail * 600_000))
    assert time.process_time() - start < 20
    assert b"Thumbnails" not in packet


def test_text_in_provenance_is_escaped() -> None:
    packet = xmp_packet(dataclasses.replace(PROVENANCE, title='<b>&"'))
    assert properties(packet)[f"{{{NAMESPACE}}}ModelTitle"] == '<b>&"'


def test_what_a_jpeg_cannot_hold_is_left_out() -> None:
    block = exif(1, artist="L" * 70_000)[6:]
    padded = EXISTING.replace(b"Nipomo", b"N" * 70_000)
    photo = photo_of(gray8(), exif=block, xmp=padded)
    jpeg = open_photo(encode(rgb8(), photo, PROVENANCE, "JPEG"))
    assert jpeg.exif is None
    assert jpeg.xmp is not None
    assert len(jpeg.xmp) < 65_000
    assert b"N" * 100 in b"".join(jpeg.extended_xmp)
    png = open_photo(encode(rgb8(), photo, PROVENANCE, "PNG"))
    assert png.exif == block
    assert png.xmp is not None
    assert len(png.xmp) > 70_000


def test_exif_that_lies_never_stops_a_tiff_file(caplog: pytest.LogCaptureFixture) -> None:
    random = np.random.default_rng(11)
    block = exif(1, artist="Lange", camera="Graflex")[6:]
    artist_as_float = block.replace(b"\x01\x3b\x00\x02", b"\x01\x3b\x00\x0b")
    for round_ in range(100):
        broken = bytearray(artist_as_float)
        for place in random.integers(8, len(block), round_ % 5):
            broken[place] = random.integers(0, 256)
        found = open_photo(encode(rgb8(), photo_of(gray8(), exif=bytes(broken)), PROVENANCE, "TIFF"))
        assert np.array_equal(found.pixels, rgb8())
    assert "cannot be carried into a TIFF file" in caplog.text


@pytest.mark.parametrize(("format_", "title", "most_px"), [("WEBP", "WebP", 16383), ("JPEG", "JPEG", 65500)])
def test_a_picture_larger_than_a_format_allows_is_refused(format_: str, title: str, most_px: int) -> None:
    for shape in ((1, most_px, 3), (most_px, 1, 3)):
        largest = np.zeros(shape, np.uint8)
        file = encode(largest, photo_of(largest), PROVENANCE, format_)
        assert open_photo(file).pixels.shape[:2] == shape[:2]
        larger = np.repeat(largest, 2, axis=shape.index(most_px))
        with pytest.raises(TooLargeForFormatError, match=f"{title} holds at most {most_px} pixels"):
            encode(larger, photo_of(larger), PROVENANCE, format_)
        assert open_photo(encode(larger, photo_of(larger), PROVENANCE, "PNG")).pixels.shape[:2] == larger.shape[:2]


@pytest.mark.parametrize(
    ("format_", "expected"),
    [("JPEG", "JPEG"), ("MPO", "JPEG"), ("PNG", "PNG"), ("TIFF", "TIFF"), ("WEBP", "WEBP")]
    + [(name, "PNG") for name in ("HEIF", "AVIF", "GIF", "BMP", "JPEG2000", "PPM")],
)
def test_format_of_the_result(format_: str, expected: str) -> None:
    photo = photo_of(gray8(), format=format_)
    assert output_format(photo) == expected
    assert open_photo(encode(rgb8(), photo, PROVENANCE)).format == expected
    assert suffix_for(expected) in (".jpg", ".png", ".tif", ".webp")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "result.webp"
    write(path, rgb8(), photo_of(gray8()), PROVENANCE, "WEBP")
    before = path.read_bytes()
    wide = np.zeros((1, 16384, 3), np.uint8)
    with pytest.raises(TooLargeForFormatError):
        write(path, wide, photo_of(wide), PROVENANCE, "WEBP")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
