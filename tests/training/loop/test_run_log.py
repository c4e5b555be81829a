"""Tests of a run's log: progress bar, printed lines, CSV and TensorBoard files."""

import csv
import io
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.loop import run_log
from training.loop.run_log import Journal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def write_three_steps(run: Path) -> None:
    log = Journal(run, total=10, unit="steps", done=0)
    for step in (1, 2, 3):
        log.step({"loss": 4.0 / step}, photos=32, step=step, minutes=step / 2, rate=0.1, done=step)
    log.note(3, 1.5, {"psnr": 22.5}, group="validation")
    log.say("three steps")
    log.close()


def test_a_terminal_gets_a_bar_with_speed_and_time_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(run_log, "_FIGURES_EVERY_S", 0.0)
    write_three_steps(tmp_path)
    bar = terminal.getvalue().split("\r")[-1]
    assert " 30%|" in bar
    assert " left, loss 1.333, " in bar
    assert "photos/s" in bar


def test_a_log_gets_a_line_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("_FIGURES_EVERY_S", "_LINE_EVERY_S"):
        monkeypatch.setattr(run_log, name, 0.0)
    write_three_steps(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    # 7 of 10 steps are left after 1.5 minutes.
    assert lines[2].startswith("step 3, 1.5 min, 3.5 min left, loss 1.333, ")
    assert lines[2].endswith(" photos/s")
    assert lines[3] == "three steps"


def test_csv_and_tensorboard_hold_the_same_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "_FIGURES_EVERY_S", 0.0)
    write_three_steps(tmp_path)
    with (tmp_path / "log.csv").open() as file:
        rows = [(int(r["step"]), r["group"], r["figure"], float(r["value"])) for r in csv.DictReader(file)]
    assert {row[2] for row in rows if row[1] == "train"} == {"loss", "rate", "photos_per_s"}
    board = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert set(board.Tags()["scalars"]) == {"train/loss", "train/rate", "train/photos_per_s", "validation/psnr"}
    for step, group, figure, value in rows:
        (event,) = (event for event in board.Scalars(f"{group}/{figure}") if event.step == step)
        assert event.value == pytest.approx(value, rel=1e-4)
