"""Parsing of weights files, and strict loading of state dicts into modules."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from colorizers.errors import WeightsCorruptError
from colorizers.weights import store
from colorizers.weights.registry import MODEL_DIR, find_spec


def parse_state_dict(data: bytes, path: Path) -> dict[str, Tensor]:
    """Return the state dict (on the CPU) that `data`, the contents of `path`, hold as safetensors or PyTorch file.

    PyTorch files are read with `weights_only=True`, so no code in them runs. Raises `WeightsCorruptError` where the
    bytes are neither, are incomplete, or hold anything else than named tensors.
    """
    # A safetensors file begins with eight bytes of length and then JSON.
    is_safetensors = data[8:9] == b"{"
    try:
        content: Any = (
            safetensors.torch.load(data)
            if is_safetensors
            else torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        )
    except Exception as error:  # Broken bytes make an unpickler raise whatever it was about to do.
        raise _no_weights(path) from error
    if not isinstance(content, Mapping) or not content:
        raise _no_weights(path)
    if not all(isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()):
        raise _no_weights(path)
    return dict(content)


def load_into(module: nn.Module, state: Mapping[str, Tensor], path: Path, assign: bool = False) -> None:
    """Copy `state`, read from `path`, into `module`; raises `WeightsCorruptError` unless every key and shape fits.

    With `assign` the module takes the tensors themselves, in the types it has, and may be on the meta device before.
    """
    if assign:
        types = {key: value.dtype for key, value in module.state_dict().items()}
        state = {key: value.to(types.get(key, value.dtype)) for key, value in state.items()}
    try:
        module.load_state_dict(state, strict=True, assign=assign)
    except RuntimeError as error:
        message = f"The weights at {path} do not fit {type(module).__name__}: {error}"
        raise WeightsCorruptError(message, path=str(path)) from error


def load_pretrained(module: nn.Module, name: str, model_dir: Path = MODEL_DIR, offline: bool = False) -> None:
    """Load the registered weights called `name` into `module`, downloading them into `model_dir` where missing.

    Raises as `store.fetch` does where they cannot be had, and `WeightsCorruptError` where they do not fit.
    """
    spec = find_spec(name, model_dir)
    store.fetch(spec, model_dir, offline)
    file = store.read(spec, model_dir)
    load_into(module, parse_state_dict(file.data, file.path), file.path)


def _no_weights(path: Path) -> WeightsCorruptError:
    message = f"The file {path} is broken, or holds no state dict (safetensors, or PyTorch with nothing but weights)."
    return WeightsCorruptError(message, path=str(path))
