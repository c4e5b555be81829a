"""Settings that keep the tests of training small and quick."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

# One or two steps of any recipe in a second: small pictures, small batches, nothing measured on many photographs.
TINY: dict[str, dict[str, Any]] = {
    "default": {"stages": ((1.0, ((32, 32),)),), "still_px": 32, "memory_px": 64},
    "residual": {},
    "ushaped": {},
    "autoencoder": {"dense": 8, "chunks": 2, "validation_share": 0.3},
    "eccv16": {},
    "siggraph17": {},
}


def tiny(recipe: str, **more: Any) -> dict[str, Any]:
    """Return changes that make the laptop preset of `recipe` tiny."""
    return {"height_px": 32, "width_px": 32, "batch": 2, **TINY[recipe], **more}


@pytest.fixture(autouse=True)
def _same_chance() -> Iterator[None]:
    """Leave torch's random state as it was, whatever a test trains."""
    state = torch.get_rng_state()
    torch.manual_seed(0)
    yield
    torch.set_rng_state(state)
