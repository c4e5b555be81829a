"""Registry entries of made-up weights files."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from colorizers.weights.registry import ModelSpec


def spec_for(name: str, content: bytes, **changes: Any) -> ModelSpec:
    """Return an entry for a weights file with `content`; `changes` are fields of it with other values."""
    fields: dict[str, Any] = {
        "name": name,
        "family": "siggraph17",
        "title": f"The {name} network",
        "filename": f"{name}.pth",
        "licence": "MIT",
        "trained_on": "nothing",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return ModelSpec(**{**fields, **changes})


def saved_spec(folder: Path, name: str, state: dict[str, torch.Tensor], **changes: Any) -> ModelSpec:
    """Save `state` in `folder` as weights of the embedded family; return an entry for the file."""
    path = folder / f"{name}.safetensors"
    save_file(state, path)
    fields = {"family": "default", "filename": path.name, "accepts_hints": True, "has_distribution": True}
    return spec_for(name, path.read_bytes(), **{**fields, **changes})
