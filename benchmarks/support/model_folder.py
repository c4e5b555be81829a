"""Model folders for measurements, with stand-in weights where the real ones are absent.

Speed and memory of a network do not depend on the numbers in its weights; those of the colour pass depend on how vivid
the colours are, so the last layer of a stand-in is scaled until its colours have the chroma that the real network gives
to a photograph. A stand-in is registered under its own name, so that nobody takes it for the real network.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors.torch

from benchmarks.support.standin_weights import standin_state_dict
from colorizers.weights.registry import (
    EMBEDDED,
    MODEL_DIR,
    PUBLISHED,
    ModelSpec,
    known_specs,
    read_manifest,
    weights_path,
    write_manifest,
)

# Unscaled, the mean chroma of the benchmarks' photo is 5 and 51; the published networks give 14 and 15 to the
# photograph that their authors show.
_AS_VIVID = {"eccv16": 2.75, "siggraph17": 0.27}
_LAST_LAYER = "model_out."

NAMES = (*(spec.name for spec in PUBLISHED), EMBEDDED)


@dataclass(frozen=True)
class Models:
    """A model folder, and the spec of what is measured by the name that was asked for."""

    folder: Path
    specs: dict[str, ModelSpec]


def prepare(names: Sequence[str], folder: Path) -> Models:
    """Return the networks `names` with weights in `folder` (or beside the library), making stand-ins there."""
    known = known_specs(MODEL_DIR)
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
    state = {
        key: (value * _AS_VIVID[spec.family] if key.startswith(_LAST_LAYER) else value).contiguous()
        for key, value in standin_state_dict(spec.family).items()
    }
    safetensors.torch.save_file(state, path)
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
