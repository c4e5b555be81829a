"""Reference data of the published networks: deterministic stand-in weights, stored inputs and outputs.

The published weights are large and are not part of the project. The stored outputs were computed by the networks as
their authors published them, carrying these stand-in weights: each tensor is drawn from NumPy's legacy generator,
seeded with the CRC-32 of its key.
"""

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

REFERENCE = Path(__file__).parents[2] / "tests" / "data" / "reference"


def manifest(network: str) -> list[dict[str, Any]]:
    """Return the published state dict's entries, each with key, shape, dtype and role."""
    entries: list[dict[str, Any]] = json.loads((REFERENCE / f"{network}.manifest.json").read_text())["entries"]
    return entries


@cache
def standin_state_dict(network: str) -> dict[str, Tensor]:
    """Return a full state dict; the tensors are shared between callers."""
    return {entry["key"]: _tensor(entry["key"], entry["shape"], entry["role"]) for entry in manifest(network)}


def reference(network: str) -> dict[str, Tensor]:
    """Return the stored inputs and outputs by name."""
    with np.load(REFERENCE / f"{network}.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays.files}


def _tensor(key: str, shape: list[int], role: str) -> Tensor:
    random = np.random.RandomState(zlib.crc32(key.encode()))
    if role == "counter":
        return torch.tensor(0, dtype=torch.int64)
    if role == "variance":
        values = 0.5 + random.random_sample(shape)
    elif role == "scale":
        values = 0.8 + 0.4 * random.random_sample(shape)
    elif role == "vector":
        values = 0.05 * random.standard_normal(shape)
    elif role == "points":
        values = random.uniform(-1.0, 1.0, shape)
    else:
        values = random.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
