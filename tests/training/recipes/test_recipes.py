"""Tests of every recipe: constants, a few steps, resuming, export and use in the application."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from colorizers.colorizer import Colorizer
from colorizers.errors import WeightsError
from colorizers.weights.registry import read_manifest
from tests.support.training_pictures import landscape
from tests.training.conftest import tiny
from training.cli.export import export
from training.loop.checkpoint import load_checkpoint
from training.loop.start import Request, make_trainer
from training.recipes import autoencoder, default, eccv16, residual, siggraph17, unet
from training.recipes.base import PRESET_MINUTES
from training.recipes.registry import RECIPES

ALL = sorted(RECIPES)


def train(recipe: str, shards: Path, run: Path, resume: bool = False, **changes: object) -> int:
    settings = tiny(recipe, **changes) if not resume else changes
    return make_trainer(Request(recipe, shards, run, "laptop", dict(settings), resume)).train().step


@pytest.mark.parametrize("recipe", ALL)
def test_trains_resumes_exports_and_colors(recipe: str, shards: Path, tmp_path: Path) -> None:
    run, model_dir = tmp_path / "run", tmp_path / "model"
    assert train(recipe, shards, run, steps=1) == 1
    assert train(recipe, shards, run, resume=True, steps=2) == 2
    checkpoint = load_checkpoint(run)
    assert checkpoint.settings == {**asdict(RECIPES[recipe].laptop), **checkpoint.settings}
    assert checkpoint.settings["batch"] == 2
    assert list((run / "sheets").glob("*.jpg"))
    assert "train,loss" in (run / "log.csv").read_text() or "validation,psnr" in (run / "log.csv").read_text()
    assert list((run / "tensorboard").iterdir())

    spec = export(run, f"my-{recipe}", model_dir, title="Mine", licence="all mine")
    assert read_manifest(model_dir) == (spec,)
    assert (spec.title, spec.family, spec.trained_on) == ("Mine", recipe, f"{checkpoint.photographs} photographs")
    colorizer = Colorizer.from_name(spec.name, model_dir)
    assert colorizer.verified
    picture = tmp_path / "photo.png"
    landscape(3, 120, 90).convert("L").save(picture)
    rgb = colorizer.colorize(picture)
    assert rgb.shape == (90, 120, 3)
    assert Colorizer(model_dir / spec.filename, model_dir=model_dir).spec == spec


@pytest.mark.parametrize("recipe", ALL)
def test_presets_are_whole(recipe: str) -> None:
    kind = RECIPES[recipe]
    assert kind.laptop.minutes == PRESET_MINUTES < 5
    assert (kind.laptop.steps, kind.laptop.epochs) == (None, None)
    assert min(kind.laptop.height_px, kind.laptop.width_px) == 64
    lengths = [kind.author.steps, kind.author.epochs, kind.author.minutes]
    assert sum(length is not None for length in lengths) == 1


def test_authors_constants() -> None:
    r, u, a = residual.Residual.author, unet.Ushaped.author, autoencoder.Autoencoder.author
    assert (r.height_px, r.width_px, r.crop) == (512, 512, "top-left")
    assert (r.batch, r.epochs, r.shuffle_buffer) == (14, 30, 7500)
    assert isinstance(r, residual.Settings)
    assert (r.learning_rate, r.beta1, r.sameness_penalty, r.save_every_steps) == (2e-5, 0.8, 26.7, 100)
    assert (u.width_px, u.height_px, u.batch, u.learning_rate, u.epochs) == (272, 184, 6, 1e-3, 6000)
    assert (a.height_px, a.width_px, a.batch, a.chunks, a.epochs) == (80, 80, 50, 20, 500)
    assert (a.validation_share, a.patience, a.keep_best) == (0.3, 0, True)
    s, e = siggraph17.Siggraph17.author, eccv16.Eccv16.author
    assert isinstance(s, siggraph17.Settings)
    assert (s.hint_stop_p, s.hint_patch_px, s.regression_rate, s.fine_rate) == (1 / 8, 9, 1e-5, 1e-6)
    assert isinstance(e, eccv16.Settings)
    assert (e.mix, e.learning_rate, e.weight_decay, eccv16.Eccv16.temperature) == (0.5, 3e-5, 1e-3, 0.38)


def test_residual_loss_is_the_stated_formula() -> None:
    recipe = residual.Residual(residual.Settings(height_px=8, width_px=8, batch=2, learning_rate=1))

    class Fixed(torch.nn.Module):
        def forward(self, L: torch.Tensor) -> torch.Tensor:
            return torch.tensor([3.0, -1.0]).view(1, 2, 1, 1).expand(len(L), 2, 8, 8)

    losses = recipe.losses(Fixed(), torch.full((2, 3, 8, 8), 0.5))
    # Gray truth: squared error (9 + 1) / 2; the mean of the predictions is 1, their variance 4.
    assert float(losses["loss"]) == pytest.approx(5 + 26.7 / 4, rel=1e-3)


def test_siggraph17_classifies_then_regresses_then_refines() -> None:
    settings = siggraph17.Siggraph17.author
    assert isinstance(settings, siggraph17.Settings)
    fresh, warm = (siggraph17.Siggraph17(settings, warm=warm) for warm in (False, True))
    rates = []
    for progress in (0.0, 0.59, 0.61, 0.95):
        fresh.clock.progress = progress
        rates.append(fresh.learning_rate())
    assert rates == [1e-4, 1e-4, 1e-5, 1e-6]
    assert (warm.classifies(), warm.learning_rate()) == (False, 1e-5)


def test_the_default_takes_smaller_steps_from_trained_weights() -> None:
    settings = replace(default.Default.author, warmup_steps=0)
    fresh, warm = (default.Default(settings, warm=warm).learning_rate() for warm in (False, True))
    assert fresh == 2e-3
    assert warm == pytest.approx(3e-4)


def test_eccv16_keeps_its_bins_in_the_last_layer(shards: Path, tmp_path: Path) -> None:
    trainer = make_trainer(Request("eccv16", shards, tmp_path / "run", "laptop", tiny("eccv16", steps=1)))
    recipe = trainer.recipe
    assert isinstance(recipe, eccv16.Eccv16)
    table = trainer.network.state_dict()["model_out.weight"].clone()
    assert torch.allclose(table[:, :, 0, 0].T * 110, recipe.centers)
    assert float(recipe.weights.max()) > float(recipe.weights.min())
    trainer.train()
    assert torch.equal(trainer.network.state_dict()["model_out.weight"], table)
    # A run that starts from weights takes its centers from them.
    trainer.network.state_dict()["model_out.weight"].copy_(table * 0.5)
    weights = tmp_path / "weights.pth"
    torch.save(trainer.network.state_dict(), weights)
    request = Request("eccv16", shards, tmp_path / "warm", "laptop", tiny("eccv16", steps=1), start_from=weights)
    warm = make_trainer(request).recipe
    assert isinstance(warm, eccv16.Eccv16)
    assert torch.allclose(warm.centers, recipe.centers * 0.5, atol=1e-4)


def test_float16_costs_nothing_that_shows(shards: Path, tmp_path: Path) -> None:
    train("ushaped", shards, tmp_path / "run", steps=3)
    export(tmp_path / "run", "small", tmp_path / "model")
    recipe = load_checkpoint(tmp_path / "run").make_recipe()
    network = recipe.build().eval()
    network.load_state_dict(load_checkpoint(tmp_path / "run").weights)
    colorizer = Colorizer.from_name("small", tmp_path / "model")
    L = torch.rand(1, 1, 32, 32) * 100
    none = torch.zeros_like(L)
    with torch.no_grad():
        exact = network.predict(L, none.expand(-1, 2, -1, -1), none)  # type: ignore[operator]
        stored = colorizer._module.predict(L, none.expand(-1, 2, -1, -1), none)
    assert np.allclose(exact.numpy(), stored.numpy(), atol=0.5)


def test_wrong_exports_are_refused(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no training run"):
        export(tmp_path / "none", "mine", tmp_path)
    for name in ("siggraph17", "../evil", ""):
        with pytest.raises(ValueError, match="cannot be a network's name"):
            export(tmp_path / "none", name, tmp_path)
    train("ushaped", shards, tmp_path / "run", steps=1)
    export(tmp_path / "run", "one", tmp_path / "model")
    export(tmp_path / "run", "two", tmp_path / "model")
    again = [export(tmp_path / "run", "one", tmp_path / "model", title="New").sha256 for _ in range(4)]
    assert len(set(again)) == 1
    assert [(spec.name, spec.title) for spec in read_manifest(tmp_path / "model")] == [
        ("two", "U-shaped network"),
        ("one", "New"),
    ]
    (tmp_path / "model" / "two.safetensors").write_bytes(b"broken")
    with pytest.raises(WeightsError):
        Colorizer.from_name("two", tmp_path / "model")
