"""Settings and pictures for small and fast training runs, and a fixed random seed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.training_pictures import write_shards

# With these, one or two steps of any recipe take a second.
TINY: dict[str, dict[str, Any]] = {
    "default": {"stages": ((1.0, ((32, 32),)),), "still_px": 32, "memory_px": 64},
    "lite": {"stages": ((1.0, ((32, 32),)),), "still_px": 32, "memory_px": 64},
    "residual": {},
    "ushaped": {},
    "autoencoder": {"dense": 8, "chunks": 2, "validation_share": 0.3},
    "eccv16": {},
    "siggraph17": {},
}


def tiny(recipe: str, **more: Any) -> dict[str, Any]:
    """Return settings that shrink the laptop preset of `recipe`."""
    return {"height_px": 32, "width_px": 32, "batch": 2, **TINY[recipe], **more}


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a shard of twelve pictures."""
    return write_shards(tmp_path_factory.mktemp("shards"), 12)


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    """Seed torch for each test, and restore its random state afterwards."""
    state = torch.get_rng_state()
    torch.manual_seed(0)
    yield
    torch.set_rng_state(state)
