"""Tests that every recipe overfits eight pictures within seconds, so that loss, network and decoding fit together.

Networks and losses are those of the laptop presets, at 32 or 48 px instead of 64, without augmentation and hints where
these would only take more steps. The published networks have 32 million weights: each step updates them all, so they
take few steps, without an average of the weights.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.support.training_pictures import write_shards
from training.loop.start import Request, make_trainer
from training.loop.validation import validate

OVERFIT: dict[str, Any] = {
    "validation_share": 0.0, "crop": "centre", "mirror": False, "batch": 8, "warmup_steps": 0, "ema": 0.8,
    "height_px": 32, "width_px": 32, "save_every_minutes": 99.0,
}  # fmt: skip
SMALL_STAGES: dict[str, Any] = {"stages": ((1.0, ((48, 48),)),), "still_px": 48}
NO_CHANCE: dict[str, Any] = {"film_share": 0.0, "print_share": 0.0, "hinted_share": 0.0, "least_scale": 1.0}
# Settings, and the PSNR in dB that the result must gain over the gray pictures.
CASES: dict[str, tuple[dict[str, Any], float]] = {
    "default": ({**NO_CHANCE, **SMALL_STAGES, "steps": 30, "learning_rate": 8e-3}, 4.0),
    "lite": ({**NO_CHANCE, "stages": ((1.0, ((64, 64),)),), "still_px": 64, "steps": 30, "learning_rate": 8e-3}, 4.0),
    "residual": ({"steps": 10}, 6.0),
    "ushaped": ({"steps": 110}, 6.0),
    "autoencoder": ({"steps": 20, "keep_best": False, "chunks": 1, "ema": None}, 3.0),
    "eccv16": ({"steps": 15, "ema": None}, 2.0),
    "siggraph17": ({"steps": 15, "ema": None, "classify_share": 0.3, "regression_rate": 1e-3}, 2.0),
}


@pytest.mark.parametrize("recipe", sorted(CASES))
def test_overfits_eight_pictures(recipe: str, tmp_path: Path) -> None:
    changes, gain_db = CASES[recipe]
    shards = write_shards(tmp_path / "shards", 8)
    trainer = make_trainer(Request(recipe, shards, tmp_path / "run", "laptop", {**OVERFIT, **changes}))
    trainer.train()
    figures = validate(trainer.recipe, trainer.ema or trainer.network, trainer.validation, trainer.data.device)
    assert figures["psnr"] > figures["gray_psnr"] + gain_db
    assert 0.5 < figures["chroma_ratio"] < 1.5
