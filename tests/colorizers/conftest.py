"""Model folder with small random networks."""

from pathlib import Path

import pytest
import torch

from colorizers.networks.embedded import BINS, EmbeddedColorizer
from colorizers.weights.registry import write_manifest
from tests.support.specs import saved_spec

SETTINGS = {"working_size_px": 64, "keeps_aspect": True, "size_multiple": 16, "temperature": 0.01}


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the network `default`, and `gray` and `broken`, which answer without colour and without numbers."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(3)
    state = {key: value.contiguous() for key, value in EmbeddedColorizer().state_dict().items()}
    colours = 80 * torch.rand(BINS, 2) - 40
    specs = [
        saved_spec(folder, name, state | {"bin_centres": centres}, title=f"Stand-in {name}", **SETTINGS)
        for name, centres in {"default": colours, "gray": colours * 0, "broken": colours * torch.nan}.items()
    ]
    write_manifest(folder, tuple(specs))
    return folder
