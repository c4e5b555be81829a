"""What a file says besides its pixels, compared by ExifTool before and after: nothing is lost, places go if asked."""

import json
import subprocess
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from colorizers.metadata.xmp import DIGITAL_SOURCE_TYPE, Provenance
from colorizers.output.encode import encode, suffix_for
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import rgb8
from tests.support.picture_files import gray8, saved

pytestmark = pytest.mark.exiftool

FORMATS = ["JPEG", "PNG", "TIFF", "WEBP"]
OTHERS = {"HEIF": ".heic", "AVIF": ".avif", "JPEG2000": ".jp2", "GIF": ".gif"}
PROVENANCE = Provenance("default", "Embedded default", "ab" * 32, True, "cd" * 32)
WRITTEN = {
    "IFD0:Artist": "Dorothea Lange",
    "IFD0:ImageDescription": "Migrant Mother, Nipomo — 1936",
    "IFD0:Copyright": "none",
    "ExifIFD:DateTimeOriginal": "1936:03:01 12:00:00",
    "ExifIFD:LensModel": "Objektiv für Plättchen",
    "ExifIFD:UserComment": "from the archive",
    "ExifIFD:ColorSpace": "Uncalibrated",
    "XMP-dc:Title": "Migrant Mother",
    "XMP-dc:Source": "LC-USF34-9058-C",
    "XMP-xmp:CreatorTool": "Scanner 3",
    "XMP-dc:Subject": ["mother", "camp"],
    "XMP-xmpRights:UsageTerms": "public domain",
    "XMP-photoshop:Headline": "Destitute pea picker",
}
IPTC = {
    "IPTC:Caption-Abstract": "Destitute pea pickers in California",
    "IPTC:By-line": "Lange",
    "IPTC:Keywords": ["mother", "camp", "pea"],
    "IPTC:DateCreated": "1936:03:01",
}
PLACES = {
    "GPS:GPSLatitude": "35.04",
    "GPS:GPSLatitudeRef": "N",
    "GPS:GPSLongitude": "120.48",
    "GPS:GPSLongitudeRef": "W",
    "XMP-exif:GPSAltitude": "101",
    "XMP-photoshop:City": "Nipomo",
    "XMP-iptcCore:Location": "pea fields",
}
IPTC_PLACES = {"IPTC:City": "Nipomo", "IPTC:Country-PrimaryLocationName": "United States"}
# Groups that describe the file, the tool or the profile, and tags that are made anew on purpose.
NOT_COMPARED = ("SourceFile", "ExifTool", "System", "File", "Composite", "ICC", "JFIF", "PNG:", "RIFF", "PNG-pHYs")
CORRECTED = ("CreatorTool", "Source", "ColorSpace", "IFD1", "ImageWidth", "ImageHeight", "Orientation", "XMPToolkit")
STORAGE = (
    "BitsPerSample",
    "Compression",
    "Photometric",
    "Strip",
    "SamplesPerPixel",
    "RowsPerStrip",
    "PlanarConf",
    "Predictor",
    "SampleFormat",
)


def exiftool(*arguments: str | Path) -> str:
    done = subprocess.run(["exiftool", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def said_by(*paths: Path) -> list[dict[str, Any]]:
    """Return what ExifTool finds in each file, by group and tag."""
    found: list[dict[str, Any]] = json.loads(exiftool("-j", "-G1", "-struct", *paths))
    return found


def original(folder: Path, format_: str, places: bool = True) -> Path:
    """Make a gray photo lying on its side, with all that ExifTool can write into that format."""
    y, x = np.mgrid[0:240, 0:320]
    path = folder / f"original{OTHERS.get(format_) or suffix_for(format_)}"
    path.write_bytes(saved(((x + y) % 256).astype(np.uint8), format_, dpi=(300, 150)))
    has_iptc = format_ not in ("WEBP", "HEIF", "AVIF", "GIF")
    tags = WRITTEN | (IPTC if has_iptc else {})
    if places:
        tags = tags | PLACES | (IPTC_PLACES if has_iptc else {})
    arguments = [
        f"-{tag}={text}" for tag, value in tags.items() for text in (value if isinstance(value, list) else [value])
    ]
    exiftool("-q", "-overwrite_original", "-m", "-IFD0:Orientation#=6", *arguments, path)
    return path


def coloured(path: Path, format_: str, strip_location: bool = False) -> Path:
    photo = open_photo(path)
    target = path.with_name(f"{path.stem}-coloured{'-nowhere' * strip_location}{suffix_for(format_)}")
    target.write_bytes(encode(rgb8(photo), photo, PROVENANCE, format_, strip_location=strip_location))
    return target


def compared(tags: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in tags.items()
        if not name.startswith(NOT_COMPARED) and not any(word in name for word in CORRECTED + STORAGE)
    }


@pytest.mark.parametrize("format_", FORMATS)
def test_nothing_that_was_there_is_lost(format_: str, tmp_path: Path) -> None:
    path = original(tmp_path, format_)
    before, after, nowhere = said_by(path, coloured(path, format_), coloured(path, format_, strip_location=True))
    for name, value in compared(before).items():
        if name in ("IFD0:XResolution", "IFD0:YResolution"):
            continue
        assert after.get(name) == value, name
    assert len(compared(before)) >= 20
    assert after["IFD0:Orientation"] == "Horizontal (normal)"
    assert after["ExifIFD:ColorSpace"] == "sRGB"
    assert after["XMP-xmp:CreatorTool"] == "photo-colorizer"
    assert after["XMP-colorizer:OriginalCreatorTool"] == "Scanner 3"
    assert after["XMP-colorizer:OriginalSource"] == "LC-USF34-9058-C"
    assert after["XMP-dc:Source"] == "sha256:" + "cd" * 32
    assert after["XMP-iptcExt:DigitalSourceType"] == DIGITAL_SOURCE_TYPE
    assert after["XMP-colorizer:WeightsSHA256"] == "ab" * 32
    assert not any("Warning" in name or "Error" in name for name in after), after
    if format_ != "WEBP":
        resolution = {name: value for name, value in after.items() if name.endswith(("XResolution", "YResolution"))}
        assert {name[0] for name in resolution} <= {"J", "I", "P"}
        assert open_photo(coloured(path, format_)).dpi == pytest.approx((150, 300), abs=0.1)
    kept = {*WRITTEN, *(IPTC if format_ != "WEBP" else ())}
    assert not [name for name in nowhere if "GPS" in name or "City" in name or "Country" in name or "Location" in name]
    assert not [name for name in kept if name not in nowhere and name in after]
    removed = coloured(path, format_, strip_location=True).read_bytes()
    assert b"Nipomo</" not in removed


def test_iptc_data_become_xmp_where_there_is_no_room(tmp_path: Path) -> None:
    path = original(tmp_path, "JPEG")
    more = {"IPTC:Credit": "Farm Security Administration — größer", "IPTC:Contact": "Library", "IPTC:City": "Nipomo"}
    exiftool(
        "-q", "-overwrite_original", "-m", "-codedcharacterset=utf8", *(f"-{k}={v}" for k, v in more.items()), path
    )
    exiftool("-q", "-overwrite_original", "-XMP-photoshop:City=Santa Maria", path)
    after, nowhere = said_by(coloured(path, "WEBP"), coloured(path, "WEBP", strip_location=True))
    assert after["XMP-dc:Description"] == IPTC["IPTC:Caption-Abstract"]
    assert after["XMP-dc:Creator"] == [IPTC["IPTC:By-line"]]
    assert after["XMP-photoshop:DateCreated"] == IPTC["IPTC:DateCreated"]
    assert after["XMP-photoshop:Credit"] == more["IPTC:Credit"]
    assert after["XMP-photoshop:Country"] == "United States"
    # XMP that is there counts; what it does not say stays beside it.
    assert after["XMP-dc:Subject"] == ["mother", "camp"]
    assert after["XMP-photoshop:City"] == "Santa Maria"
    assert sorted(after["XMP-colorizer:Others"]) == ["dc:subject pea", "photoshop:City Nipomo"]
    assert after["XMP-colorizer:Iptc"] == ["2:118 Library"]
    assert nowhere["XMP-dc:Description"] == IPTC["IPTC:Caption-Abstract"]
    assert not [name for name, value in nowhere.items() if "Nipomo" in str(value) and name != "IFD0:ImageDescription"]
    again = coloured(coloured(path, "WEBP"), "WEBP")
    assert said_by(again)[0]["XMP-colorizer:Others"] == after["XMP-colorizer:Others"]


def test_resolution_has_its_place_in_a_webp_file(tmp_path: Path) -> None:
    photo = open_photo(saved(gray8(), "PNG", dpi=(300, 150)))
    path = tmp_path / "coloured.webp"
    path.write_bytes(encode(rgb8(photo), photo, PROVENANCE, "WEBP"))
    (after,) = said_by(path)
    assert (round(after["IFD0:XResolution"]), round(after["IFD0:YResolution"])) == (300, 150)
    assert after["IFD0:ResolutionUnit"] == "inches"


def test_texts_of_a_png_file_go_into_xmp_where_there_is_no_room() -> None:
    texts = PngInfo()
    texts.add_text("Author", "Lange")
    texts.add_itxt("Title", "Mutter — 1936")
    photo = open_photo(saved(gray8(), "PNG", pnginfo=texts))
    for format_ in ("TIFF", "WEBP", "JPEG"):
        packet = open_photo(encode(rgb8(photo), photo, PROVENANCE, format_)).xmp
        assert packet is not None
        assert "<rdf:li>Author: Lange</rdf:li><rdf:li>Title: Mutter — 1936</rdf:li>" in packet.decode()


def test_xmp_that_is_too_large_for_a_segment_continues(tmp_path: Path) -> None:
    path = original(tmp_path, "PNG", places=False)
    (tmp_path / "long").write_text("long " * 30_000)
    exiftool("-q", "-overwrite_original", f"-XMP-photoshop:Instructions<={tmp_path / 'long'}", path)
    before, after = said_by(path, coloured(path, "JPEG"))
    for name, value in compared(before).items():
        if name.startswith("XMP"):
            assert after.get(name) == value, name
    assert after["XMP-iptcExt:DigitalSourceType"] == DIGITAL_SOURCE_TYPE
    assert len(after["XMP-photoshop:Instructions"]) >= 149_999
    assert not any("Warning" in name or "Error" in name for name in after), after


@pytest.mark.parametrize("format_", ["PNG", "TIFF", "JPEG"])
def test_iptc_data_go_from_format_to_format(format_: str, tmp_path: Path) -> None:
    (after,) = said_by(coloured(original(tmp_path, "JPEG", places=False), format_))
    assert {name: after[name] for name in IPTC} == IPTC


@pytest.mark.parametrize("format_", OTHERS)
def test_what_phones_and_archives_wrote_goes_into_the_png(format_: str, tmp_path: Path) -> None:
    path = original(tmp_path, format_)
    before, after, nowhere = said_by(path, coloured(path, "PNG"), coloured(path, "PNG", strip_location=True))
    groups = ("IFD0", "ExifIFD", "GPS", "XMP-", "IPTC")
    said = {name: value for name, value in compared(before).items() if name.startswith(groups)}
    assert [name for name in said if name.startswith("XMP-")]
    assert format_ == "GIF" or [name for name in said if name.startswith("ExifIFD")]
    for name, value in said.items():
        assert after.get(name) == value, name
    assert after["XMP-iptcExt:DigitalSourceType"] == DIGITAL_SOURCE_TYPE
    assert not [name for name in nowhere if "GPS" in name or "City" in name or "Country" in name or "Location" in name]
    assert not any("Warning" in name or "Error" in name for name in after), after


def test_a_thumbnail_is_made_anew_or_goes(tmp_path: Path) -> None:
    small = Image.fromarray(np.random.default_rng(0).integers(0, 256, (120, 160)).astype(np.uint8))
    (tmp_path / "small.jpg").write_bytes(saved(small, "JPEG", quality=90))
    path = original(tmp_path, "JPEG")
    exiftool("-q", "-overwrite_original", f"-ThumbnailImage<={tmp_path / 'small.jpg'}", path)
    photo = open_photo(path)
    red = np.full((photo.height, photo.width, 3), (200, 30, 40), np.uint8)
    result = tmp_path / "red.jpg"
    result.write_bytes(encode(red, photo, PROVENANCE))
    shown = tmp_path / "shown.jpg"
    shown.write_bytes(subprocess.run(["exiftool", "-b", "-ThumbnailImage", result], capture_output=True).stdout)
    thumbnail = Image.open(BytesIO(shown.read_bytes()))
    assert thumbnail.size == (120, 160)
    assert np.abs(np.asarray(thumbnail)[60, 80].astype(int) - (200, 30, 40)).max() < 8
    assert (tmp_path / "small.jpg").read_bytes()[600:700] not in result.read_bytes()
    noise = np.random.default_rng(1).integers(0, 256, (*red.shape[:2], 3)).astype(np.uint8)
    (tmp_path / "tiny.jpg").write_bytes(saved(small.resize((4, 4)), "JPEG"))
    exiftool("-q", "-overwrite_original", f"-ThumbnailImage<={tmp_path / 'tiny.jpg'}", path)
    result.write_bytes(encode(noise, open_photo(path), PROVENANCE))
    assert b"ThumbnailImage" not in exiftool("-j", result).encode()


def test_comments_stay() -> None:
    photo = open_photo(saved(gray8(), "JPEG", comment="taken on glass — 13 × 18"))
    assert photo.comments == (("Comment", "taken on glass — 13 × 18".encode()),)
    for format_ in ("JPEG", "PNG"):
        assert open_photo(encode(rgb8(photo), photo, PROVENANCE, format_)).comments == photo.comments


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_pixels_that_are_not_square_stay_so(format_: str, orientation: int) -> None:
    plain = bytearray(saved(gray8(), "JPEG", exif=Image.Exif().tobytes()))
    plain[13], plain[14:18] = 0, bytes((0, 2, 0, 1))
    photo = open_photo(bytes(plain))
    assert (photo.dpi, photo.density) == (None, (2, 1))
    photo = replace(photo, density=photo.density[::-1]) if photo.density and orientation == 6 else photo
    found = open_photo(encode(rgb8(photo), photo, PROVENANCE, format_))
    assert found.density is not None
    assert found.density[0] / found.density[1] == pytest.approx(2 if orientation == 1 else 0.5)
    assert found.dpi is None


def test_comments_keep_their_bytes_and_their_number() -> None:
    latin, text = "Großmutter in Köln, Mai 1931".encode("latin-1"), b"harbour 1904"
    plain = saved(gray8(), "JPEG")
    segments = b"".join(b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part for part in (latin, text))
    photo = open_photo(plain[:20] + segments + plain[20:])
    assert photo.comments == (("Comment", latin), ("Comment", text))
    assert open_photo(encode(rgb8(photo), photo, PROVENANCE, "JPEG")).comments == photo.comments
    png = encode(rgb8(photo), photo, PROVENANCE, "PNG")
    assert latin.decode("latin-1").encode() in png
    assert text in png


def test_xmp_that_continues_in_a_jpeg_file_stays_unless_places_go() -> None:
    name = b"http://ns.adobe.com/xmp/extension/\0"
    part = name + b"A" * 32 + (8).to_bytes(4, "big") + bytes(4) + b"<x></x>\n"
    plain = saved(gray8(), "JPEG")
    photo = open_photo(plain[:2] + b"\xff\xe1" + (len(part) + 2).to_bytes(2, "big") + part + plain[2:])
    assert photo.extended_xmp == (part,)
    assert part in encode(rgb8(photo), photo, PROVENANCE)
    assert part not in encode(rgb8(photo), photo, PROVENANCE, strip_location=True)
