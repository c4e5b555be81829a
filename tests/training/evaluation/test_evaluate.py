"""Tests of the commands `evaluate` and `sheet`: rows, hints, resuming, report and contact sheets."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizers.colorizer import Colorizer
from colorizers.photo.photo import open_photo
from colorizers.weights.registry import find_spec
from tests.support.training_pictures import landscape, write_shards
from tests.training.conftest import tiny
from training.cli.evaluate import parameter_grid, photos_in
from training.cli.export import export
from training.cli.main import main
from training.cli.sheet import jpeg_below
from training.evaluation import evaluate_hints
from training.evaluation.evaluate import evaluate
from training.evaluation.evaluate_hints import psnr_by_hints, random_hints
from training.evaluation.evaluated_models import EvaluatedModel, gray_photo, mean_ab, read_truth
from training.evaluation.metrics import FIGURES
from training.evaluation.model_card import BEGIN, END, write_card
from training.evaluation.results_csv import ResultsCsv
from training.loop.start import Request, make_trainer


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(4):
        landscape(seed, 64, 48).save(folder / f"{seed}.png")
    (folder / "notes.txt").write_text("not a photo")
    return folder


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model folder with two hardly trained networks, of which `my-default` takes hints."""
    folder = tmp_path_factory.mktemp("trained")
    shards = write_shards(folder / "shards", 8)
    for recipe in ("default", "ushaped"):
        make_trainer(Request(recipe, shards, folder / recipe, "laptop", tiny(recipe, steps=2))).train()
        export(folder / recipe, f"my-{recipe}", folder / "model")
    return folder / "model"


def test_measures_what_users_get(photos: Path, model_dir: Path, tmp_path: Path) -> None:
    paint = EvaluatedModel("mine", "my-default").load(model_dir)
    truth = read_truth(photos / "1.png")
    gray = gray_photo(truth)
    Image.fromarray(gray.pixels).save(tmp_path / "gray.png")
    by_user = Colorizer.from_name("my-default", model_dir).colorize(open_photo(tmp_path / "gray.png"))
    assert np.array_equal(paint(gray), by_user)


def test_temperature_and_size_can_be_swept(photos: Path, model_dir: Path) -> None:
    models = parameter_grid(["my-default"], [0.3, 1.0], [32, 64])
    assert [model.label for model in models] == [
        "my-default T=0.3 32 px", "my-default T=0.3 64 px", "my-default T=1 32 px", "my-default T=1 64 px",
    ]  # fmt: skip
    gray = gray_photo(read_truth(photos / "0.png"))
    results = {model.load(model_dir)(gray).tobytes() for model in models}
    assert len(results) == 4
    assert parameter_grid(["a", "b"], None, None) == [EvaluatedModel("a", "a"), EvaluatedModel("b", "b")]


def test_rows_of_gray_mean_color_and_truth(photos: Path, model_dir: Path) -> None:
    paths = photos_in(photos)
    ab = mean_ab([read_truth(path) for path in paths])
    models = [EvaluatedModel("gray"), EvaluatedModel("mean", ab=ab), EvaluatedModel("mine", "my-ushaped")]
    gray, mean, mine, original = evaluate(models, paths, model_dir)
    assert [gray.label, mean.label, mine.label, original.label] == ["gray", "mean", "mine", "original"]
    assert gray.chroma < 0.1
    assert original.chroma_share == pytest.approx(1)
    assert original.psnr == 100
    assert 0 < mean.chroma_share < 1
    assert mean.psnr > gray.psnr
    assert mean.auc > gray.auc
    in_parallel = evaluate(models[:2], paths, model_dir, processes=2)
    assert in_parallel == [gray, mean, original]


def test_hints_lie_where_they_were_taken() -> None:
    ab = np.dstack([np.arange(64.0).repeat(80).reshape(64, 80), np.full((64, 80), 5.0)]).astype(np.float32)
    hints = random_hints(ab, 3, np.random.default_rng(0))
    assert len(hints) == 3
    for hint in hints:
        assert hint.a == pytest.approx(64 * hint.y - 0.5)
        assert hint.b == 5
        assert 0 < hint.x < 1
    assert random_hints(ab, 0, np.random.default_rng(0)) == []


def test_psnr_is_counted_for_every_number_of_hints(photos: Path, model_dir: Path) -> None:
    spec = replace(find_spec("my-default", model_dir), working_size_px=64)
    figures = psnr_by_hints(spec, photos_in(photos)[:1], model_dir)
    assert list(figures) == [0, 1, 5, 10, 50]
    assert all(5 < value < 60 for value in figures.values())


def test_the_command_prints_protocol_and_tables(
    photos: Path, model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--photos", str(photos), "--model-dir", str(model_dir), "--processes", "1", "--hint-photos", "0"]
    outputs = ["--out", str(tmp_path), "--gray-photos", str(photos)]
    assert main(["evaluate", "--model", "my-ushaped", *arguments, *outputs]) == 0
    printed = capsys.readouterr().out
    assert "4 photographs" in printed
    assert "mean over thresholds 0..150" in printed
    for row in ("| gray |", "| mean colour (", "| my-ushaped |", "| original |"):
        assert row in printed
    assert (tmp_path / "table.md").read_text() in printed
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.size == (3 * 244 - 4, 16 + 4 * 244 - 4)
    with Image.open(tmp_path / "gray-photos.jpg") as sheet:
        assert sheet.size == (2 * 244 - 4, 16 + 4 * 244 - 4)
    assert main(["evaluate", "--model", "nobody", *arguments]) == 1
    assert "no network called 'nobody'" in capsys.readouterr().err


def test_what_was_measured_is_not_measured_again(photos: Path, model_dir: Path, tmp_path: Path) -> None:
    models = [EvaluatedModel("gray"), EvaluatedModel("mine", "my-ushaped")]
    file = tmp_path / "figures.csv"
    rows = evaluate(models, photos_in(photos), model_dir, results=ResultsCsv(FIGURES, file))
    lines = file.read_text().splitlines()
    assert len(lines) == 1 + 4 * 3
    # Cut short while the last photo was being written; another photo's figure is altered to show that it is read.
    lines[1] = lines[1].replace(lines[1].split(",")[3], "50.0")
    file.write_text("\n".join(lines[:11]) + "\n" + lines[11][:30])
    resumed = ResultsCsv(FIGURES, file, resume=True)
    gray, mine, original = evaluate(models, photos_in(photos), model_dir, results=resumed)
    assert len(file.read_text().splitlines()) == 1 + 4 * 3
    assert gray.psnr > rows[0].psnr
    assert replace(gray, psnr=rows[0].psnr) == rows[0]
    assert [mine, original] == rows[1:]
    # Other weights are measured anew, and without `resume` everything is.
    other = ResultsCsv(FIGURES, file, resume=True)
    assert evaluate([EvaluatedModel("mine", "my-default")], photos_in(photos), model_dir, results=other)[0] != mine
    assert evaluate(models, photos_in(photos), model_dir, results=ResultsCsv(FIGURES, file)) == rows


def test_hint_results_are_kept_too(photos: Path, model_dir: Path, tmp_path: Path) -> None:
    spec, paths = find_spec("my-default", model_dir), photos_in(photos)[:2]
    names = evaluate_hints.FIGURES
    whole = psnr_by_hints(spec, paths, model_dir, results=ResultsCsv(names, tmp_path / "hints.csv"))
    file = tmp_path / "hints.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    assert psnr_by_hints(spec, paths, model_dir, results=ResultsCsv(names, file, resume=True)) == pytest.approx(whole)


def test_the_report_goes_into_its_place_in_the_card(tmp_path: Path) -> None:
    card = tmp_path / "README.md"
    card.write_text(f"# Card\n\n{BEGIN}\nold\n{END}\n\nMore.\n")
    for report in ("| a |\n", "| b |\n"):
        write_card(card, report)
    assert card.read_text() == f"# Card\n\n{BEGIN}\n\n| b |\n\n{END}\n\nMore.\n"
    card.write_text("# Card\n")
    with pytest.raises(ValueError, match="no place for the figures"):
        write_card(card, "| c |")


def test_a_sheet_shows_photographs_before_and_after(
    photos: Path, model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sheets" / "sheet.jpg"
    arguments = ["--model", "my-default", "--model-dir", str(model_dir), "--cell", "64", "--out", str(out)]
    assert main(["sheet", str(photos), str(photos / "0.png"), "--most", "3", *arguments]) == 0
    assert "3 photographs by my-default" in capsys.readouterr().out
    with Image.open(out) as sheet:
        assert sheet.size == (4 * 68 - 4, 16 + 2 * 68 - 4)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8))
    assert len(jpeg_below(noise, 60_000)) <= 60_000
    with pytest.raises(ValueError, match="No JPEG"):
        jpeg_below(noise, 100)


def test_a_folder_without_photographs_is_explained(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no photographs"):
        photos_in(tmp_path)
