"""Tests of the training loop: exact resuming, early stopping, time limits, signals, several processes."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from tests.support.training_pictures import landscape
from tests.training.conftest import tiny
from training.cli.main import main
from training.loop.checkpoint import load_checkpoint
from training.loop.early_stopping import Best
from training.loop.start import Request, changed, make_trainer
from training.loop.trainer import update_ema

ROOT = Path(__file__).parents[3]


def command(recipe: str, shards: Path, run: Path, *more: str) -> list[str]:
    return ["train", recipe, "--data", str(shards), "--out", str(run), *more]


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(shards: Path, tmp_path: Path) -> None:
    for recipe in ("ushaped", "default"):
        settings = tiny(recipe, schedule="constant", warmup_steps=0)
        whole, halves = tmp_path / f"{recipe}-whole", tmp_path / f"{recipe}-halves"
        make_trainer(Request(recipe, shards, whole, "laptop", {**settings, "steps": 6})).train()
        make_trainer(Request(recipe, shards, halves, "laptop", {**settings, "steps": 3})).train()
        make_trainer(Request(recipe, shards, halves, "laptop", {"steps": 6}, resume=True)).train()
        one, other = load_checkpoint(whole), load_checkpoint(halves)
        assert one.step == other.step == 6
        assert all(torch.equal(one.network[name], other.network[name]) for name in one.network)
        assert one.ema is not None
        assert other.ema is not None
        assert all(torch.equal(one.ema[name], other.ema[name]) for name in one.ema)


def test_two_processes_learn_what_one_does(shards: Path, tmp_path: Path) -> None:
    changes = [f"--set={name}={value}" for name, value in tiny("ushaped", batch=4, ema=None).items()]
    arguments = ["--preset", "laptop", "--steps", "20", "--device", "cpu", *changes]
    assert main(command("ushaped", shards, tmp_path / "one", *arguments)) == 0
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "training"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*run, *command("ushaped", shards, tmp_path / "two", *arguments)],
        cwd=ROOT, env=environment, check=True, capture_output=True, timeout=280,
    )  # fmt: skip
    one, two = load_checkpoint(tmp_path / "one"), load_checkpoint(tmp_path / "two")
    assert one.step == two.step == 20
    assert all(torch.allclose(one.network[name], two.network[name], atol=1e-4, rtol=0) for name in one.network)
    moved = make_trainer(Request("ushaped", shards, tmp_path / "new", "laptop", tiny("ushaped"))).network.state_dict()
    assert max(float((one.network[name] - moved[name]).abs().max()) for name in moved) > 1e-3


def test_ctrl_c_saves_and_resume_goes_on(shards: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = command("ushaped", shards, run, "--epochs", "1000000", "--set", "save_every_minutes=1000")
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    deadline = time.monotonic() + 200
    while not (run / "log.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 130, output
    assert "--resume goes on from here" in output
    step = load_checkpoint(run).step
    assert step > 0
    assert main(command("ushaped", shards, run, "--resume", "--steps", str(step + 2))) == 0
    assert load_checkpoint(run).step == step + 2
    assert load_checkpoint(run).settings["save_every_minutes"] == 1000


def test_the_command_explains_what_is_wrong(shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    assert main(command("ushaped", tmp_path / "nothing", run)) == 1
    assert "no pictures in tar shards" in capsys.readouterr().err
    assert main(command("ushaped", shards, run, "--resume")) == 1
    assert "no training run to go on with" in capsys.readouterr().err
    assert main(command("ushaped", shards, run, "--set", "batsh=3")) == 1
    assert "no setting 'batsh'" in capsys.readouterr().err
    assert main(command("ushaped", shards, run, "--steps", "1", "--preset", "laptop")) == 0
    assert main(command("ushaped", shards, run, "--steps", "1")) == 1
    assert "--resume goes on with it" in capsys.readouterr().err
    assert main(command("residual", shards, run, "--resume")) == 1
    assert "is of the recipe ushaped" in capsys.readouterr().err


def test_small_shards_are_upscaled_and_it_says_so(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("ushaped", shards, tmp_path / "run", "--steps", "1")) == 0
    assert "short side of 72 px; the recipe's 184 px are upscaled" in capsys.readouterr().out


def test_minutes_are_kept(shards: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    settings = tiny("ushaped", minutes=0.05, save_every_minutes=0.02, sheet_photos=1)
    trainer = make_trainer(Request("ushaped", shards, tmp_path, "laptop", settings))
    outcome = trainer.train()
    assert len(list((tmp_path / "sheets").iterdir())) >= 2
    assert outcome.step > 1
    assert trainer.clock.minutes >= 0.05
    assert time.monotonic() - began < 200


def test_the_time_of_a_step_counts_at_once(shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tiny("ushaped", steps=2, save_every_steps=1, validation_share=0.2, sheet_photos=1)
    trainer = make_trainer(Request("ushaped", shards, tmp_path, "laptop", settings))
    usual = trainer.recipe.losses

    def slow(*arguments: Any) -> Any:
        time.sleep(1.2)
        return usual(*arguments)

    monkeypatch.setattr(trainer.recipe, "losses", slow)
    trainer.train()
    with (tmp_path / "log.csv").open() as file:
        minutes = {int(row["step"]): float(row["minutes"]) for row in csv.DictReader(file)}
    assert minutes[1] >= 0.02
    assert minutes[2] >= 0.04


def test_a_run_that_had_no_time_for_a_step_fails(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command("ushaped", shards, tmp_path / "run", "--preset", "laptop", "--minutes", "0.00001")) == 1
    assert "No step was made" in capsys.readouterr().err


def test_a_folder_of_validation_photographs_leaves_all_others_to_train_on(shards: Path, tmp_path: Path) -> None:
    folder = tmp_path / "val"
    folder.mkdir()
    for seed in range(3):
        landscape(100 + seed).save(folder / f"{seed}.png")
    settings = tiny("ushaped", steps=1, validation_share=0.5, sheet_photos=2)
    request = Request("ushaped", shards, tmp_path / "a", "laptop", settings, validation=folder)
    trainer = make_trainer(request)
    assert (len(trainer.data.samples), len(trainer.validation)) == (12, 3)
    held_out = make_trainer(Request("ushaped", shards, tmp_path / "b", "laptop", settings))
    assert (len(held_out.data.samples), len(held_out.validation)) == (6, 6)
    trainer.train()
    (sheet,) = (tmp_path / "a" / "sheets").iterdir()
    with Image.open(sheet) as image:
        assert image.size == (3 * 164 - 4, 16 + 2 * 164 - 4)
    with (tmp_path / "a" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["figure"] for row in rows if row["group"] == "validation"} == {"psnr", "gray_psnr", "chroma_ratio"}


def test_the_best_epoch_is_kept_and_fruitless_passes_counted() -> None:
    best = Best(chunks=2, patience=0)
    network = torch.nn.Linear(1, 1)
    kept = []
    for loss in (5.0, 4.0, 3.0, 4.5):
        torch.nn.init.constant_(network.weight, loss)
        best.consider(network, loss)
        assert best.weights is not None
        kept.append(float(best.weights["weight"]))
    assert kept == [5, 4, 3, 3]
    assert not best.exhausted  # the second pass, 3.75 on average, was better than the first, 4.5
    again = Best(**best.state())
    for loss in (3.5, 4.2):
        again.consider(network, loss)
    assert again.exhausted
    assert again.loss == 3.0


def test_autoencoder_stops_when_a_pass_brings_nothing(shards: Path, tmp_path: Path) -> None:
    settings = tiny("autoencoder", patience=0, learning_rate=0.0, epochs=50, schedule="constant")
    trainer = make_trainer(Request("autoencoder", shards, tmp_path, "laptop", settings))
    outcome = trainer.train()
    # At a rate of 0 nothing improves: two passes over two chunks of two batches, then the end.
    assert outcome.step == 2 * 2 * 2
    assert load_checkpoint(tmp_path).best is not None


def test_averages_move_by_the_decay() -> None:
    average, network = torch.nn.BatchNorm2d(1), torch.nn.BatchNorm2d(1)
    torch.nn.init.constant_(network.weight, 3.0)
    network.get_buffer("running_mean").fill_(10.0)
    update_ema(average, network, 0.9)
    assert float(average.weight.detach()) == pytest.approx(1.2)
    assert float(average.get_buffer("running_mean")) == pytest.approx(1.0)


def test_a_new_length_replaces_the_old_one() -> None:
    from training.recipes.residual import Residual

    assert changed(Residual.author, {"minutes": 3.0}).epochs is None
    assert changed(Residual.laptop, {"steps": 9}).minutes is None
    assert changed(Residual.laptop, {"batch": 3}).minutes == Residual.laptop.minutes
