"""Tests of the verdict of the command `fresh`, and of one start of this tree."""

from pathlib import Path

import pytest

from benchmarks.speed.fresh import holds, start_and_send
from benchmarks.support.photos import toned_print
from service.settings import ROOT
from tests.service.conftest import standin_model


@pytest.mark.parametrize(
    ("answer", "seconds", "is_right"), [("200 done", 4.9, True), ("200 done", 5.1, False), ("202 queued", 0.1, False)]
)
def test_result_in_time_is_wanted(answer: str, seconds: float, is_right: bool) -> None:
    assert holds({"answer": answer, "answered after s": seconds}) is is_right


def test_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model_dir = tmp_path / "model"
    model_dir.mkdir()
    standin_model(model_dir, largest_ab=60.0)
    for name, value in {"DATA_DIR": tmp_path / "data", "MODEL_DIR": model_dir, "WEIGHTS": "none", "WORKERS": 1}.items():
        monkeypatch.setenv(name, str(value))
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(toned_print(0.1))
    record = start_and_send(ROOT, photo)
    assert record["answer"] == "200 done"
    assert "Network: Stand-in" in capsys.readouterr().out
