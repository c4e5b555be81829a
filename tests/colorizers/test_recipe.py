"""Tests of recipes: validation, JSON, and replay to the same bytes."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import colorizers
from colorizers.cli.main import main
from colorizers.colorizer import Colorizer
from colorizers.errors import (
    InvalidHintError,
    InvalidRecipeError,
    InvalidTemperatureError,
    OtherWeightsError,
    RequestError,
    TooLargeForFormatError,
)
from colorizers.photo.photo import open_photo
from colorizers.pipeline import pages_of, replay, write_result
from colorizers.prediction.hints import Hint
from colorizers.recipe import Recipe
from tests.support import color_oracle, picture_files

PHOTO = Path(__file__).parent.parent / "data" / "photos" / "migrant-mother.jpg"
HASH = "0123456789abcdef" * 4
HINTS = (Hint(0.5, 0.4, 0.1, 40, -20), Hint(0.1, 0.1, 0, 0, 0))
FULL = Recipe(
    model="default",
    weights_sha256=HASH,
    working_size_px=160,
    original_sha256=HASH[::-1],
    hints=HINTS,
    temperature=0.5,
    saturation=1.4,
    warmth=-0.3,
    edge_aware=False,
    format="tiff",
    quality=80,
    bits=16,
    size_px=300,
    strip_location=True,
)


@pytest.fixture(scope="session")
def colorizer(model_dir: Path) -> Colorizer:
    return Colorizer(model_dir=model_dir)


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 16-bit TIFF file with two pages."""
    path = tmp_path_factory.mktemp("scan") / "scan.tif"
    with tifffile.TiffWriter(path) as writer:
        for pixels in (picture_files.gray16(), 65535 - picture_files.gray16()):
            writer.write(pixels, photometric="minisblack")
    return path


def make(recipe: Recipe, colorizer: Colorizer, source: Path, target: Path) -> bytes:
    """Return the file that `recipe` makes of `source`, made by the library's parts."""
    first = open_photo(source)
    write_result(target, pages_of(colorizer, recipe, lambda number: open_photo(source, page=number), first), recipe)
    return target.read_bytes()


def test_json_there_and_back() -> None:
    assert Recipe.from_json(FULL.to_json()) == FULL
    assert json.loads(FULL.to_json())["version"] == colorizers.__version__
    short = json.dumps({"model": "default", "weights_sha256": HASH, "working_size_px": 160})
    assert Recipe.from_json(short) == Recipe(model="default", weights_sha256=HASH, working_size_px=160)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("saturation", -1), ("saturation", float("nan")), ("warmth", 2), ("quality", 0), ("quality", 95.5)),
        *(("format", "gif"), ("format", "JPEG"), ("bits", 12), ("size_px", 0), ("size_px", "big"), ("edge_aware", 1)),
        *(("weights_sha256", "abc"), ("weights_sha256", None), ("original_sha256", 5), ("model", None)),
    ],
)
def test_what_means_nothing_is_refused_with_its_fields_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        dataclasses.replace(FULL, **{field: value})
    assert caught.value.data["field"] == field
    with pytest.raises(InvalidRecipeError):
        Recipe.from_json(json.dumps(json.loads(FULL.to_json()) | {field: value}))


@pytest.mark.parametrize("text", ["", "[]", "{}", "no", '{"model": "default"}', '{"colour": "red"}', b"\xff"])
def test_other_texts_are_no_recipe(text: str | bytes) -> None:
    with pytest.raises(InvalidRecipeError):
        Recipe.from_json(text)


DEEP, HUGE, DIGITS = "[" * 3000, "1" + "0" * 400, "1" * 5000


@pytest.mark.parametrize("value", [DEEP, DEEP + "]" * 3000, HUGE, DIGITS, "-" + HUGE, "1e400", "NaN", "-Infinity"])
def test_values_beyond_all_measure_are_refused(value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hint = f'[{{"x": {value}, "y": 0, "radius": 0, "a": 0, "b": 0}}]'
    for field in ("hints", "temperature", "saturation", "quality", "size_px", "working_size_px", "model", "version"):
        for said in (value, hint) if field == "hints" else (value,):
            text = f'{{"model": "default", "weights_sha256": "{HASH}", "working_size_px": 64, "{field}": {said}}}'
            with pytest.raises(RequestError):
                Recipe.from_json(text)
    (tmp_path / "recipe.json").write_text(f'{{"hints": {value}}}')
    assert main(["replay", str(tmp_path / "recipe.json"), str(PHOTO), "-o", str(tmp_path / "out.png")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "Traceback" not in told


def test_hints_and_temperature_are_checked_too() -> None:
    said = json.loads(FULL.to_json())
    with pytest.raises(InvalidHintError):
        Recipe.from_json(json.dumps(said | {"hints": [{"x": 0.5}]}))
    with pytest.raises(InvalidTemperatureError):
        Recipe.from_json(json.dumps(said | {"temperature": -1}))


@pytest.mark.parametrize("format_", ["jpeg", "tiff", "png", "webp", "layer"])
def test_a_recipe_replays_to_the_same_bytes(
    colorizer: Colorizer, model_dir: Path, tmp_path: Path, format_: str
) -> None:
    photo = open_photo(PHOTO)
    choices: dict[str, Any] = {
        "saturation": 1.4,
        "warmth": 0.2,
        "quality": 90,
        "bits": 16 if format_ == "tiff" else None,
    }
    recipe = colorizer.recipe(photo, hints=HINTS, temperature=0.7, format=format_, **choices)
    made = make(recipe, colorizer, PHOTO, tmp_path / "made")
    assert replay(Recipe.from_json(recipe.to_json()), PHOTO, tmp_path / "again", model_dir)
    assert (tmp_path / "again").read_bytes() == made
    plain = dataclasses.replace(recipe, hints=())
    assert make(plain, colorizer, PHOTO, tmp_path / "plain") != made


def test_a_scan_of_several_pages_replays_to_the_same_bytes(
    colorizer: Colorizer, model_dir: Path, tmp_path: Path, scan: Path
) -> None:
    recipe = colorizer.recipe(open_photo(scan), hints=HINTS, saturation=0.8)
    made = make(recipe, colorizer, scan, tmp_path / "made.tif")
    assert replay(Recipe.from_json(recipe.to_json()), scan, tmp_path / "again.tif", model_dir)
    assert (tmp_path / "again.tif").read_bytes() == made
    with tifffile.TiffFile(tmp_path / "again.tif") as file:
        assert [page.dtype for page in file.pages] == [np.uint16] * 2
        for page, original in zip(file.pages, (picture_files.gray16(), 65535 - picture_files.gray16()), strict=True):
            assert np.abs(color_oracle.gray(page.asarray()) - original.astype(int)).max() <= 1


def test_a_recipe_tells_whose_photo_it_was_written_for(model_dir: Path, tmp_path: Path, colorizer: Colorizer) -> None:
    recipe = dataclasses.replace(colorizer.recipe(open_photo(PHOTO)), original_sha256=HASH)
    assert not replay(recipe, PHOTO, tmp_path / "other.jpg", model_dir)
    assert replay(colorizer.recipe(), PHOTO, tmp_path / "any.jpg", model_dir)


def test_smaller_results_keep_the_grays_of_the_smaller_photo(colorizer: Colorizer, tmp_path: Path) -> None:
    recipe = colorizer.recipe(size_px=100, format="png")
    make(recipe, colorizer, PHOTO, tmp_path / "small.png")
    with Image.open(tmp_path / "small.png") as image, Image.open(PHOTO) as original:
        expected = np.asarray(original.convert("L").resize(image.size, Image.Resampling.LANCZOS))
        assert max(image.size) == 100
        assert np.array_equal(color_oracle.gray(np.asarray(image)), expected)


def test_a_result_larger_than_its_format_is_not_begun(model_dir: Path, tmp_path: Path, colorizer: Colorizer) -> None:
    wide = tmp_path / "wide.png"
    Image.fromarray(np.zeros((1, 16384), np.uint8)).save(wide)
    recipe = dataclasses.replace(colorizer.recipe(open_photo(wide)), format="webp")
    with pytest.raises(TooLargeForFormatError):
        replay(recipe, wide, tmp_path / "out.webp", model_dir)
    assert not (tmp_path / "out.webp").exists()
    replay(dataclasses.replace(recipe, size_px=16383), wide, tmp_path / "out.webp", model_dir)
    assert open_photo(tmp_path / "out.webp").width == 16383


def test_other_weights_than_the_recipes_are_refused(model_dir: Path, tmp_path: Path, colorizer: Colorizer) -> None:
    recipe = dataclasses.replace(colorizer.recipe(open_photo(PHOTO)), weights_sha256=HASH)
    with pytest.raises(OtherWeightsError, match=f"made with other weights of default .SHA-256 {HASH}"):
        replay(recipe, PHOTO, tmp_path / "out.jpg", model_dir)
    assert not (tmp_path / "out.jpg").exists()


def test_the_command_line_writes_recipes_and_replays_them(
    model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(PHOTO, tmp_path / "photo.jpg")
    folder = ["--model-dir", str(model_dir)]
    out = tmp_path / "out.jpg"
    look = ["--saturation", "1.5", "--warmth", "0.5", "--temperature", "2", "--size", "200", "--quality", "70"]
    assert main([str(tmp_path / "photo.jpg"), "-o", str(out), "--recipe", *look, *folder]) == 0
    recipe = tmp_path / "out.jpg.recipe.json"
    said = Recipe.from_json(recipe.read_text())
    assert (said.saturation, said.warmth, said.temperature, said.size_px, said.quality) == (1.5, 0.5, 2, 200, 70)
    again = ["replay", str(recipe), str(PHOTO), "-o", str(tmp_path / "again.jpg"), *folder]
    assert main(again) == 0
    assert (tmp_path / "again.jpg").read_bytes() == out.read_bytes()
    assert capsys.readouterr().err.count("another photo") == 0
    recipe.write_text(dataclasses.replace(said, original_sha256=HASH, version="0.0.1").to_json())
    assert main(again) == 0
    complaints = capsys.readouterr().err
    assert "written for another photo" in complaints
    assert "written by version 0.0.1" in complaints
    recipe.write_text(dataclasses.replace(said, weights_sha256=HASH).to_json())
    assert main(again) == 1
    assert "other weights" in capsys.readouterr().err
    assert main(["replay", str(PHOTO), str(PHOTO), "-o", str(tmp_path / "x.jpg")]) == 1
    assert "no recipe" in capsys.readouterr().err


def test_the_command_line_refuses_what_means_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--saturation", "9"], ["--temperature", "0"], ["--quality", "0"], ["--size", "0"]):
        with pytest.raises(SystemExit):
            main([str(PHOTO), *wrong])
        assert wrong[0][2:] in capsys.readouterr().err
