"""Setup of a training run from its request: recipe, photographs, validation photos and trainer."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorizers.weights.state_dict import parse_state_dict
from training.data.samples import PICTURE_SUFFIXES, Sample, index_shards
from training.distributed import join_team
from training.loop.checkpoint import CHECKPOINT_NAME, Checkpoint, load_checkpoint
from training.loop.trainer import Trainer
from training.recipes.base import Recipe, Settings, TrainingSet
from training.recipes.registry import find_recipe

T = TypeVar("T")
_LENGTHS = ("steps", "epochs", "minutes")


@dataclass(frozen=True)
class Request:
    """What to train on what; `changes` are settings that differ from the preset's (or the resumed run's)."""

    recipe: str
    data: Path
    run: Path
    preset: str = "author"
    changes: dict[str, Any] = field(default_factory=dict)
    resume: bool = False
    start_from: Path | None = None
    validation: Path | None = None
    without: tuple[str, ...] = ()
    device: str | None = None
    threads: int = 2


def make_trainer(request: Request) -> Trainer:
    """Return the trainer that `request` describes.

    Raises `FileNotFoundError` without photographs or without the run to resume, `FileExistsError` where a new run
    would replace another, `ValueError` for settings that do not exist.
    """
    device, team = place(request.device)
    checkpoint = load_checkpoint(request.run) if request.resume else None
    if checkpoint is None and (request.run / CHECKPOINT_NAME).exists():
        raise FileExistsError(f"There is a training run at {request.run}; --resume goes on with it.")
    recipe = _recipe_of(request, checkpoint)
    everything = [sample for sample in index_shards(request.data) if not sample.name.startswith(request.without)]
    training, held = _split(everything, 0.0 if request.validation else recipe.settings.validation_share)
    photos = _validation_photos(recipe, request.validation, held or training)
    data = TrainingSet(training, team, device, request.threads)
    weights = None
    if request.start_from is not None and checkpoint is None:
        weights = parse_state_dict(request.start_from.read_bytes(), request.start_from)
    if team.leads:
        _announce(recipe, training, len(held), device)
    return Trainer(recipe, data, photos, request.run, weights, checkpoint)


def place(device: str | None) -> tuple[torch.device, Any]:
    """Return the device to train on (this process's GPU under torchrun) and the team it is part of."""
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if kind == "cuda" and "LOCAL_RANK" in os.environ:
        kind = f"cuda:{os.environ['LOCAL_RANK']}"
    chosen = torch.device(kind)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    return chosen, join_team(chosen)


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return `settings` with `changes`; a new length (steps, epochs or minutes) takes the place of the old one."""
    known = {field.name for field in fields(settings)}
    for name in changes:
        if name not in known:
            raise ValueError(f"This recipe has no setting {name!r}. It has: {', '.join(sorted(known))}.")
    if any(name in changes for name in _LENGTHS):
        changes = {**dict.fromkeys(_LENGTHS), **changes}
    return replace(settings, **changes)


def _recipe_of(request: Request, checkpoint: Checkpoint | None) -> Recipe:
    if checkpoint is not None:
        if checkpoint.recipe != request.recipe:
            raise ValueError(f"The run at {request.run} is of the recipe {checkpoint.recipe}, not {request.recipe}.")
        recipe = checkpoint.make_recipe()
        recipe.settings = changed(recipe.settings, request.changes)
        return recipe
    kind = find_recipe(request.recipe)
    preset = {"author": kind.author, "laptop": kind.laptop}[request.preset]
    return kind(changed(preset, request.changes), warm=request.start_from is not None)


def _split(samples: Sequence[Sample], share: float) -> tuple[list[Sample], list[Sample]]:
    """Return the photographs to train on and those held out, evenly spread; a share above 0 holds out one at least."""
    if share == 0 or len(samples) < 2:
        return list(samples), []
    count = min(max(1, round(share * len(samples))), len(samples) - 1)
    held = {int(index) for index in np.linspace(0, len(samples) - 1, count).round()}
    return [s for i, s in enumerate(samples) if i not in held], [samples[i] for i in sorted(held)]


def _validation_photos(recipe: Recipe, folder: Path | None, held: Sequence[Sample]) -> list[Tensor]:
    """Return evenly chosen photos of `folder`, else of `held`, as the recipe looks at them."""
    most = recipe.settings.most_validation
    if folder is None:
        return [recipe.still(sample.open()) for sample in _spread(held, most)]
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
    photos = []
    for path in _spread(paths, most):
        with Image.open(path) as image:
            photos.append(recipe.still(image.convert("RGB")))
    return photos


def _spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` of `items`, evenly spread."""
    if len(items) <= most:
        return list(items)
    return [items[int(index)] for index in np.linspace(0, len(items) - 1, most)]


def _announce(recipe: Recipe, samples: Sequence[Sample], held: int, device: torch.device) -> None:
    print(f"{recipe.name}: {len(samples):,} photographs to train on, {held:,} held out, on {device}", flush=True)
    shorts = sorted(min(sample.open().size) for sample in _spread(samples, 50))
    median, needed = shorts[len(shorts) // 2], recipe.settings.canvas.least_short_px
    if median < needed:
        print(f"The photographs have a short side of {median} px; the recipe's {needed} px are upscaled from that.")
