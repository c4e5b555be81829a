"""Checkpoint files: the complete state of a training run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.recipes.base import Recipe
from training.recipes.registry import find_recipe

CHECKPOINT_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """The state from which a run is resumed or exported; `best` is that of `Best.state`."""

    recipe: str
    settings: dict[str, Any]
    warm: bool
    photographs: int
    step: int
    minutes: float
    network: dict[str, Tensor]
    ema: dict[str, Tensor] | None
    best: dict[str, Any] | None
    optimizer: dict[str, Any]
    recipe_state: dict[str, Tensor]
    random_state: Tensor

    @property
    def weights(self) -> dict[str, Tensor]:
        """The weights to export: the best ones, else their moving average, else the latest."""
        best: dict[str, Tensor] | None = self.best["weights"] if self.best else None
        return best or self.ema or self.network

    def make_recipe(self) -> Recipe:
        """Create the recipe of the run, with its settings."""
        kind = find_recipe(self.recipe)
        return kind(kind.settings_class(**self.settings), self.warm)


def save_checkpoint(checkpoint: Checkpoint, run: Path) -> None:
    """Write `checkpoint` to the folder `run`; the previous file is replaced atomically."""
    run.mkdir(parents=True, exist_ok=True)
    part = run / (CHECKPOINT_NAME + ".part")
    values = {name: getattr(checkpoint, name) for name in checkpoint.__dataclass_fields__}
    torch.save(values, part)
    part.replace(run / CHECKPOINT_NAME)


def load_checkpoint(run: Path) -> Checkpoint:
    """Read the checkpoint in the folder `run`; raises `FileNotFoundError` without one."""
    path = run / CHECKPOINT_NAME
    if not path.exists():
        raise FileNotFoundError(f"There is no training run to go on with at {run} (no {CHECKPOINT_NAME}).")
    return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
