"""A run's whole state in, one file out, and back: settings, weights, optimizer, chance and clock."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.recipe import Recipe
from training.recipes import find_recipe

CHECKPOINT_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """Everything needed to go on, or to export: `best` is the state of a `Best`."""

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
        """Return the weights that are worth using: the best, else the averaged, else the latest."""
        best: dict[str, Tensor] | None = self.best["weights"] if self.best else None
        return best or self.ema or self.network

    def make_recipe(self) -> Recipe:
        """Return the recipe with the settings of the run."""
        kind = find_recipe(self.recipe)
        return kind(kind.settings_class(**self.settings), self.warm)


def save_checkpoint(checkpoint: Checkpoint, run: Path) -> None:
    """Write `checkpoint` into the folder `run`, replacing the previous one in one step."""
    run.mkdir(parents=True, exist_ok=True)
    part = run / (CHECKPOINT_NAME + ".part")
    values = {name: getattr(checkpoint, name) for name in checkpoint.__dataclass_fields__}
    torch.save(values, part)
    part.replace(run / CHECKPOINT_NAME)


def load_checkpoint(run: Path) -> Checkpoint:
    """Return the checkpoint in the folder `run`; raises `FileNotFoundError` where there is none."""
    path = run / CHECKPOINT_NAME
    if not path.exists():
        raise FileNotFoundError(f"There is no training run to go on with at {run} (no {CHECKPOINT_NAME}).")
    return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
