"""Places that metadata name follow the pixels, as exiftool reads them."""

import json
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from colorizers.metadata import exif
from colorizers.metadata.places import Move
from colorizers.metadata.xmp import Provenance, with_places_moved
from colorizers.output.encode import encode
from colorizers.photo.decode import upright
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo, rgb8
from colorizers.photo.resizing import fitted
from tests.support.picture_files import saved

PROVENANCE = Provenance("default", "Embedded default", "0" * 64, True, "1" * 64)
WIDTH, HEIGHT = 320, 240
BOX = (32, 96, 64, 24)  # left, top, width, height

pytestmark = pytest.mark.exiftool


def marked() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a gray picture with one bright box."""
    picture = np.full((HEIGHT, WIDTH), 40, np.uint8)
    left, top, width, height = BOX
    picture[top : top + height, left : left + width] = 230
    return picture


def with_tags(path: Path, orientation: int) -> None:
    left, top, width, height = BOX
    x, y, w, h = left / WIDTH, top / HEIGHT, width / WIDTH, height / HEIGHT
    dimensions = f"AppliedToDimensions={{W={WIDTH},H={HEIGHT},Unit=pixel}}"
    area = f"Area={{X={x + w / 2},Y={y + h / 2},W={w},H={h},Unit=normalized}}"
    boundary = f"RegionBoundary={{RbShape=rectangle,RbUnit=relative,RbX={x},RbY={y},RbW={w},RbH={h}}}"
    subprocess.run(
        [
            *("exiftool", "-q", "-overwrite_original", "-n", f"-IFD0:Orientation={orientation}"),
            f"-ExifIFD:SubjectArea={left + width // 2} {top + height // 2} {width} {height}",
            f"-XMP-mwg-rs:RegionInfo={{{dimensions},RegionList=[{{Name=Jane,Type=Face,{area}}}]}}",
            f"-XMP-MP:RegionInfoMP={{Regions=[{{PersonDisplayName=Jane,Rectangle={x}, {y}, {w}, {h}}}]}}".replace(
                f"{x}, {y}, {w}, {h}", f"{x}|, {y}|, {w}|, {h}"
            ),
            f"-XMP-iptcExt:ImageRegion=[{{Name=Jane,{boundary}}}]",
            path,
        ],
        check=True,
        timeout=60,
    )


def told(photo: Photo, tmp_path: Path, **options: Any) -> dict[str, Any]:
    path = tmp_path / "result.jpg"
    path.write_bytes(encode(rgb8(photo), photo, PROVENANCE, "JPEG", **options))
    done = subprocess.run(["exiftool", "-j", "-n", "-a", path], capture_output=True, timeout=60, check=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def bright_box(photo: Photo) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the bright box, as shares of the sides."""
    rows, columns = np.nonzero(rgb8(photo)[..., 1] > 130)
    left, top = columns.min() / photo.width, rows.min() / photo.height
    return left, top, (columns.max() + 1) / photo.width - left, (rows.max() + 1) / photo.height - top


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size_px", [None, 160])
def test_regions_stay_on_what_they_mark(orientation: int, size_px: int | None, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(marked(), "JPEG", quality=95))
    with_tags(path, orientation)
    photo = fitted(open_photo(path), size_px)
    left, top, width, height = bright_box(photo)
    found = told(photo, tmp_path)
    assert found["RegionAreaX"] == pytest.approx(left + width / 2, abs=0.02)
    assert found["RegionAreaY"] == pytest.approx(top + height / 2, abs=0.02)
    assert (found["RegionAreaW"], found["RegionAreaH"]) == pytest.approx((width, height), abs=0.02)
    applied = found["RegionAppliedToDimensionsW"], found["RegionAppliedToDimensionsH"]
    assert applied == (photo.width, photo.height)
    rectangle = [float(part) for part in found["RegionRectangle"].split(",")]
    assert rectangle == pytest.approx([left, top, width, height], abs=0.02)
    boundary = [found[f"ImageRegionBoundary{name}"] for name in "XYWH"]
    assert boundary == pytest.approx([left, top, width, height], abs=0.02)
    subject = [float(part) for part in found["SubjectArea"].split()]
    centre = [(left + width / 2) * photo.width, (top + height / 2) * photo.height]
    assert subject == pytest.approx([*centre, width * photo.width, height * photo.height], abs=3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_move_is_that_of_the_pixels(orientation: int) -> None:
    turned = upright(marked(), orientation)
    height, width = turned.shape
    rows, columns = np.nonzero(turned > 130)
    move = Move(orientation, (WIDTH, HEIGHT), (width, height))
    expected = columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1
    assert move.box(*BOX, in_pixels=True) == pytest.approx(expected)


def test_sizes_of_a_panorama_follow_the_picture_and_go_when_it_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(saved(marked(), "JPEG"))
    tags = {"CroppedAreaImageWidthPixels": 320, "FullPanoWidthPixels": 640, "CroppedAreaTopPixels": 60}
    arguments = [f"-XMP-GPano:{name}={value}" for name, value in tags.items()]
    subprocess.run(["exiftool", "-q", "-overwrite_original", *arguments, path], check=True, timeout=60)
    photo = open_photo(path)
    found = told(fitted(photo, 160), tmp_path)
    assert {name: found[name] for name in tags} == {name: value // 2 for name, value in tags.items()}
    assert photo.xmp is not None
    turned = with_places_moved(photo.xmp, Move(6, (WIDTH, HEIGHT), (HEIGHT, WIDTH)))
    assert "FullPanoWidthPixels" not in told(replace(photo, xmp=turned), tmp_path)


def test_geographic_tags_are_scaled_and_go_when_the_picture_is_turned() -> None:
    values = {33550: (10.0, 10.0, 0.0), 33922: (4.0, 2.0, 0.0, 500.0, 700.0, 0.0)}
    entries, data = b"", b""
    for tag, numbers in values.items():
        entries += struct.pack("<HHLL", tag, 12, len(numbers), 8 + 2 + 24 + 4 + len(data))
        data += struct.pack(f"<{len(numbers)}d", *numbers)
    block = b"II*\0" + struct.pack("<LH", 8, 2) + entries + bytes(4) + data
    scaled = exif.with_places_moved(block, Move(1, (100, 80), (50, 20)))
    assert struct.unpack_from("<9d", scaled, 38) == (20.0, 40.0, 0.0, 2.0, 0.5, 0.0, 500.0, 700.0, 0.0)
    turned = exif.with_places_moved(block, Move(6, (100, 80), (80, 100)))
    assert struct.unpack_from("<H", turned, 8) == (0,)
    assert exif.with_places_moved(block[:20], Move(1, (1, 1), (1, 1))) == block[:20]


def test_entries_of_what_stood_behind_the_picture_go() -> None:
    spaces = (
        'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
    )
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} hdrgm:Version="1.0" GCamera:MotionPhoto="1" GCamera:Kept="yes"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    photo = replace(open_photo(saved(marked(), "JPEG")), xmp=packet.encode())
    data = encode(rgb8(photo), photo, PROVENANCE, "JPEG")
    assert b"MotionPhoto" not in data
    assert b"hdrgm" not in data
    assert b"Kept" in data
