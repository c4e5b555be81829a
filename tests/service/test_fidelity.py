"""What archives send through the application and get back, by its API and by its pages: nothing lost, nothing added."""

import io
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image

from colorizers.cli.main import main
from colorizers.photo.photo import open_photo
from colorizers.rendering.color_pass import count_changed_grays, gray_levels
from tests.support.uploads import as_file, field, pixels_of, scene

pytestmark = pytest.mark.exiftool

WAIT = {"Prefer": "wait=90"}
PLACES = {"GPS:GPSLatitude": "35.04", "GPS:GPSLatitudeRef": "N", "XMP-photoshop:City": "Nipomo", "IPTC:City": "Nipomo"}
SAID = {"IFD0:Artist": "Lange", "XMP-dc:Title": "Mother", "IPTC:By-line": "Lange", "ExifIFD:LensModel": "Plättchen"}


def sent(client: FlaskClient, data: bytes, name: str = "scan.tif", **options: Any) -> dict[str, Any]:
    """Return the finished photo as the API describes it."""
    answer = client.post("/v1/colorizations", data={"photo": field(data, name), **options}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.get_json()
    return document


def render(client: FlaskClient, photo: dict[str, Any], **options: Any) -> bytes:
    answer = client.post(photo["urls"]["renders"], json=options, headers=WAIT)
    assert answer.status_code == 201, answer.text
    return bytes(client.get(answer.get_json()["urls"]["file"]).data)


def exiftool(path: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(["exiftool", "-j", "-G1", *arguments, path], capture_output=True, timeout=60, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout) if not arguments else [{}]
    return found[0]


def with_places(folder: Path) -> bytes:
    """Return a photo that says who made it, with what and where."""
    path = folder / "original.jpg"
    path.write_bytes(as_file(scene()))
    texts = [f"-{name}={text}" for name, text in (SAID | PLACES).items()]
    subprocess.run(["exiftool", "-q", "-overwrite_original", *texts, path], timeout=60, check=True)
    return path.read_bytes()


def test_sixteen_bit_scan_goes_through_with_all_that_it_says(client: FlaskClient, tmp_path: Path) -> None:
    levels = (scene(90, 300).astype(np.uint16) << 8) + np.arange(90, dtype=np.uint16)
    path = tmp_path / "scan.tif"
    tifffile.imwrite(
        path, levels, photometric="minisblack", tile=(64, 64), compression="deflate", resolution=(600, 600)
    )
    texts = [f"-{name}={text}" for name, text in SAID.items()]
    subprocess.run(["exiftool", "-q", "-overwrite_original", *texts, path], timeout=60, check=True)
    photo = sent(client, path.read_bytes())
    assert photo["grays"]["pixels"] == levels.size
    result = tmp_path / "result.tif"
    result.write_bytes(client.get(photo["urls"]["result"]).data)
    found = open_photo(result)
    assert (found.format, found.pixels.shape) == ("TIFF", (300, 90, 3))
    assert found.pixels.dtype == np.uint16
    assert np.abs(gray_levels(found.pixels).astype(int) - levels).max() <= 1
    before, after = exiftool(path), exiftool(result)
    for name in (*SAID, "IFD0:XResolution", "IFD0:ResolutionUnit"):
        assert after[name] == before[name], name
    assert after["XMP-iptcExt:DigitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert after["XMP-dc:Source"] == f"sha256:{open_photo(path).sha256}"
    assert after["XMP-colorizer:WeightsSHA256"] == photo["weights_sha256"]


@pytest.mark.parametrize("way", ["api", "page"])
def test_places_go_where_asked(client: FlaskClient, tmp_path: Path, way: str) -> None:
    photo = sent(client, with_places(tmp_path), "photo.jpg")
    kept, nowhere = tmp_path / "kept.jpg", tmp_path / "nowhere.jpg"
    kept.write_bytes(client.get(photo["urls"]["result"]).data)
    if way == "api":
        nowhere.write_bytes(render(client, photo, strip_location=True))
    else:
        page = client.get(photo["urls"]["page"]).text
        assert 'name="strip_location"' in page
        form = {"format": "", "quality": "95", "strip_location": "true"}
        ready = client.post(f"{photo['urls']['page']}/download", data=form, follow_redirects=True)
        (address,) = re.findall(r'href="([^"]+/renders/[0-9a-f]{32}/file)"', ready.text)
        nowhere.write_bytes(client.get(address).data)
    assert {"GPS:GPSLatitude", "XMP-photoshop:City", "IPTC:City"} <= exiftool(kept).keys()
    told = exiftool(nowhere)
    assert not [name for name in told if "GPS" in name or "City" in name]
    assert {name: told[name] for name in SAID} == SAID


@pytest.mark.parametrize("deep", [False, True])
def test_layer_over_the_original_gives_the_result(client: FlaskClient, deep: bool) -> None:
    gray: NDArray[Any] = scene()
    if deep:
        gray = gray.astype(np.uint16) * np.uint16(257)
    photo = sent(client, as_file(gray, "PNG"), "photo.png")
    with Image.open(io.BytesIO(render(client, photo, format="layer"))) as layer:
        assert layer.mode == "RGBA"
        below = Image.fromarray(scene()).convert("RGBA")
        found = np.asarray(Image.alpha_composite(below, layer).convert("RGB")).astype(int)
        alpha = np.asarray(layer.getchannel("A"))
    wanted = pixels_of(render(client, photo, format="png", bits=8))
    assert np.abs(found - wanted).max() <= 1
    assert count_changed_grays(scene(), wanted) == 0
    assert alpha.mean() < 200, "an opaque copy is no layer"


@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("TIFF", {}),
        ("JPEG", {"saturation": "1.4", "warmth": "0.3", "quality": "80"}),
        ("PNG", {"format": "webp", "size_px": "90"}),
    ],
)
def test_recipe_of_the_api_replays_to_the_same_bytes_on_the_command_line(
    client: FlaskClient, model_dir: Path, tmp_path: Path, format_: str, options: dict[str, str]
) -> None:
    original, recipe, again = tmp_path / "photo", tmp_path / "recipe.json", tmp_path / "again"
    original.write_bytes(as_file(scene(), format_))
    photo = sent(client, original.read_bytes(), "photo.jpg", **options)
    recipe.write_bytes(client.get(photo["urls"]["recipe"]).data)
    assert main(["replay", str(recipe), str(original), "-o", str(again), "--model-dir", str(model_dir)]) == 0
    assert again.read_bytes() == client.get(photo["urls"]["result"]).data
