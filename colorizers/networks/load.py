"""Loading of networks, by their spec or from a weights file, for inference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from colorizers.eccv16 import ECCVGenerator
from colorizers.errors import WeightsCorruptError
from colorizers.kernels.winograd.convert import convert_to_winograd
from colorizers.networks.autoencoder import AutoencoderColorizer
from colorizers.networks.embedded import EmbeddedColorizer
from colorizers.networks.half_precision import ColorNetwork, in_best_precision
from colorizers.networks.lite import LiteColorizer
from colorizers.networks.residual import ResidualColorizer
from colorizers.networks.unet import UshapedColorizer
from colorizers.siggraph17 import SIGGRAPHGenerator
from colorizers.weights import store
from colorizers.weights.registry import MODEL_DIR, ModelSpec, known_specs
from colorizers.weights.state_dict import load_into, parse_state_dict


@dataclass(frozen=True)
class LoadedNetwork:
    """A network in evaluation mode, its spec, and the SHA-256 (lower-case hexadecimal) of its weights.

    `verified` tells whether the hash is registered; `precision` is the type in which the network computes.
    """

    spec: ModelSpec
    module: ColorNetwork
    weights_sha256: str
    verified: bool
    precision: torch.dtype = torch.float32


FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "siggraph17": SIGGRAPHGenerator,
    "eccv16": ECCVGenerator,
    "default": EmbeddedColorizer,
    "lite": LiteColorizer,
    "residual": ResidualColorizer,
    "ushaped": UshapedColorizer,
    "autoencoder": AutoencoderColorizer,
}

# Families whose networks come in several sizes, which the shapes of the weights tell.
SIZED: dict[str, Callable[[Mapping[str, Tensor]], nn.Module]] = {"autoencoder": AutoencoderColorizer.sized_like}

# Families that spend their time in large 3x3 layers. On a CPU Winograd convolutions are faster than bfloat16, need no
# support of the processor, and leave ab as published.
_LARGE_LAYERS = ("siggraph17", "eccv16")


def load_network(
    spec: ModelSpec, model_dir: Path = MODEL_DIR, device: torch.device | str = "cpu", quickest: bool = False
) -> LoadedNetwork:
    """Return the network of `spec`, from its weights file in `model_dir`, on `device`.

    Size and SHA-256 are checked at every load. `quickest` is for inference: the published networks use Winograd
    convolutions on a CPU; other networks use half precision where the device supports it and a check shows that these
    weights tolerate it. Raises `WeightsMissingError` or `WeightsCorruptError`.
    """
    file = store.read(spec, model_dir)
    state = parse_state_dict(file.data, file.path)
    return _loaded(spec, state, file, file.verified, torch.device(device), quickest)


def load_file(path: Path, device: torch.device | str = "cpu", quickest: bool = False) -> LoadedNetwork:
    """Return the network whose weights are the file `path`, on `device`; the file's keys tell its family.

    A file whose hash is registered gets that entry's spec. Any other gets the spec of its family, under a title that
    says "unverified". `quickest` and errors as for `load_network`.
    """
    file = store.read_any(path)
    state = parse_state_dict(file.data, path)
    spec = _spec_of(file, recognise_family(state, path))
    return _loaded(spec, state, file, spec.sha256 == file.sha256, torch.device(device), quickest)


def recognise_family(state: Mapping[str, Tensor], path: Path) -> str:
    """Return the family whose networks have exactly the keys of `state`; raises `WeightsCorruptError` without one."""
    for family, build in FAMILIES.items():
        with torch.device("meta"):
            keys = build().state_dict().keys()
        if keys == state.keys():
            return family
    known = ", ".join(FAMILIES)
    message = f"The weights at {path} fit no network that is known here ({known})."
    raise WeightsCorruptError(message, path=str(path), known=known)


def _spec_of(file: store.WeightsFile, family: str) -> ModelSpec:
    specs = [spec for spec in known_specs(file.path.parent).values() if spec.family == family]
    for spec in specs:
        if spec.sha256 == file.sha256:
            return spec
    if not specs:
        message = f"The weights at {file.path} are of the family {family}, of which the model folder lists no network."
        raise WeightsCorruptError(message, path=str(file.path), family=family)
    title = f"{specs[0].title} (unverified)"
    size_bytes = len(file.data)
    return replace(specs[0], title=title, filename=file.path.name, urls=(), size_bytes=size_bytes, sha256=None)


def _loaded(
    spec: ModelSpec,
    state: Mapping[str, Tensor],
    file: store.WeightsFile,
    verified: bool,
    device: torch.device,
    quickest: bool,
) -> LoadedNetwork:
    # Created without memory, then assigned the file's tensors: random initial values and copies would take as long as
    # reading the file, and `Module.to_empty` imports sympy.
    with torch.device("meta"):
        module = SIZED[spec.family](state) if spec.family in SIZED else FAMILIES[spec.family]()
    load_into(module, state, file.path, assign=True)
    module = module.to(device).eval()
    network, precision = cast(ColorNetwork, module), torch.float32
    uses_winograd = quickest and spec.family in _LARGE_LAYERS and device.type == "cpu"
    if uses_winograd:
        convert_to_winograd(module)
    nn.utils.convert_conv2d_weight_memory_format(module, torch.channels_last)
    if quickest and not uses_winograd:
        network, precision = in_best_precision(module, device, spec.temperature)
    return LoadedNetwork(spec, network, file.sha256, verified, precision)
