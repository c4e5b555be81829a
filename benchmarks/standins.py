"""Names of networks in, a model folder that has their weights out; stand-ins where the real ones are absent.

Speed and memory do not depend on the numbers in the weights. A stand-in is registered under its own name, so that
nobody takes it for the real network.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from colorizers.default_network import EmbeddedColorizer
from colorizers.registry import (
    MODEL_DIR,
    PUBLISHED,
    ModelSpec,
    known_specs,
    read_manifest,
    weights_path,
    write_manifest,
)
from tests.colorizers.standin import standin_state_dict

_DEFAULT = ModelSpec(
    name="default",
    family="default",
    title="Embedded default",
    filename="default.safetensors",
    licence="BSD-2-Clause",
    trained_on="nothing",
    working_size_px=192,
    keeps_aspect=True,
    size_multiple=16,
    accepts_hints=True,
    has_distribution=True,
    temperature=0.5,
)
NAMES = (*(spec.name for spec in PUBLISHED), _DEFAULT.name)


@dataclass(frozen=True)
class Models:
    """A model folder and its networks: the name asked for, and the contract of what is measured."""

    folder: Path
    specs: dict[str, ModelSpec]


def prepare(names: Sequence[str], folder: Path) -> Models:
    """Return the networks `names` with weights in `folder` (or beside the library), making stand-ins there."""
    known = {_DEFAULT.name: _DEFAULT} | known_specs(MODEL_DIR)
    specs = {}
    for name in names:
        spec = known[name]
        specs[name] = spec if weights_path(spec, folder).exists() else _make(spec, folder)
    return Models(folder, specs)


def _make(spec: ModelSpec, folder: Path) -> ModelSpec:
    path = folder / f"{spec.name}-standin.safetensors"
    before = read_manifest(folder)
    for made in before:
        if made.filename == path.name:
            return made
    safetensors.torch.save_file(_state(spec.family), path)
    data = path.read_bytes()
    standin = replace(
        spec,
        name=f"{spec.name}-standin",
        title=f"{spec.title} (stand-in weights)",
        filename=path.name,
        urls=(),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    write_manifest(folder, (*before, standin))
    return standin


def _state(family: str) -> dict[str, Tensor]:
    if family != _DEFAULT.family:
        return {key: value.contiguous() for key, value in standin_state_dict(family).items()}
    torch.manual_seed(0)
    network = EmbeddedColorizer()
    torch.nn.init.normal_(network.get_buffer("bin_centres"), std=40.0)
    return network.state_dict()
