"""A model folder whose networks are small and random, for tests that need a network and not a good one."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from colorizers.networks.embedded import BINS, EmbeddedColorizer
from colorizers.weights.registry import ModelSpec, write_manifest


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the network `default`, and `gray` and `broken`, which answer without colour and without numbers."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(3)
    state = {key: value.contiguous() for key, value in EmbeddedColorizer().state_dict().items()}
    colours = 80 * torch.rand(BINS, 2) - 40
    specs = [
        registered(folder, name, state | {"bin_centres": centres})
        for name, centres in {"default": colours, "gray": colours * 0, "broken": colours * torch.nan}.items()
    ]
    write_manifest(folder, tuple(specs))
    return folder


def registered(folder: Path, name: str, state: dict[str, torch.Tensor]) -> ModelSpec:
    """Save `state` in `folder` and return its spec."""
    path = folder / f"{name}.safetensors"
    save_file(state, path)
    spec = ModelSpec(
        name=name,
        family="default",
        title=f"Stand-in {name}",
        filename=path.name,
        licence="MIT",
        trained_on="nothing",
        working_size_px=64,
        keeps_aspect=True,
        size_multiple=16,
        accepts_hints=True,
        has_distribution=True,
        temperature=0.01,
    )
    data = path.read_bytes()
    return replace(spec, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
