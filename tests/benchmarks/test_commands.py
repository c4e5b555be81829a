"""Tests that every command that measures the library runs on something small."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import main

PHOTOS = Path(__file__).parent.parent / "data" / "photos"


@pytest.fixture(autouse=True)
def _threads() -> object:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def records(command: list[str], folder: Path) -> list[dict[str, object]]:
    """Return what a command writes as JSON."""
    file = folder / "figures.json"
    assert main([*command, "--json", str(file)]) == 0
    document = json.loads(file.read_text())
    assert document["command"] == command[0]
    assert document["machine"]["threads"] == 1
    found: list[dict[str, object]] = document["records"]
    return found


def test_pipeline(tmp_path: Path) -> None:
    (record,) = records(["pipeline", "--models", "eccv16", "--sizes", "0.05", "--repeats", "1"], tmp_path)
    assert record["network"] == record["reference"] == "eccv16"
    assert record["ratio"] > 0  # type: ignore[operator]
    assert record["grays changed"] == 0
    assert record["levels, same ab"] <= 1  # type: ignore[operator]
    assert 0 <= record["default MiB"] < 200  # type: ignore[operator]


def test_network(tmp_path: Path) -> None:
    (record,) = records(["network", "--models", "default", "--repeats", "1"], tmp_path)
    assert record["ab off, mean"] < 0.5  # type: ignore[operator]


def test_start(tmp_path: Path) -> None:
    (record,) = records(["start", "--models", "default", "--repeats", "1"], tmp_path)
    assert record["start to first photo s"] > record["importing torch CPU s"] > 0.1  # type: ignore[operator]


def test_colour(tmp_path: Path) -> None:
    found = records(["colour", "--sizes", "0.2", "--repeats", "1"], tmp_path)
    passes = {record["pass"]: record["ratio"] for record in found}
    assert passes["reference"] == 1
    assert min(passes.values()) == 1  # type: ignore[type-var]


def test_codecs(tmp_path: Path) -> None:
    found = records(["codecs", "--sizes", "0.1", "--repeats", "1"], tmp_path)
    assert [record["what"] for record in found] == ["JPEG decode", "JPEG encode", "PNG encode"]


def test_upsampling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = records(["upsampling", str(PHOTOS)], tmp_path)
    assert len(found) == 3 * len(list(PHOTOS.glob("*.jpg")))
    assert "worst ratio" in capsys.readouterr().out
