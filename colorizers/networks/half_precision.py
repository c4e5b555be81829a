"""Half-precision inference for networks whose weights tolerate it, and the protocols of networks.

Half precision takes half the time on processors that support it. Whether it is accurate enough depends on the weights,
so a network colors two small photographs both ways when it is loaded, and keeps full precision where results differ.
"""

import logging
from functools import cache
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from colorizers.colorspace.lab import lightness

MOST_MEAN_AB = 0.5
MOST_AB = 4.0
"""Largest errors of ab in half precision, on average and anywhere, in raw units."""

# Two photographs in the public domain, side by side (tests/data/photos has them larger).
_SAMPLE = Path(__file__).with_name("precision_sample.png")
_WEIGHTY = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)

_log = logging.getLogger(__name__)


class ColorNetwork(Protocol):
    """The interface of networks of all families, for inference."""

    def predict(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None) -> Tensor:
        """Return ab (n, 2, h', w'), raw units, for L (n, 1, h, w) in 0..100.

        `hint_ab` (n, 2, h, w), raw units, holds the hints where `hint_mask` (n, 1, h, w) is 1; both are 0 elsewhere.
        `temperature` anneals the distribution over ab bins before its mean is taken; None leaves that to the network.
        """
        ...

    def to(self, device: torch.device) -> "ColorNetwork":
        """Move the network to `device` and return it."""
        ...


class GuessingNetwork(ColorNetwork, Protocol):
    """A network that predicts ab from a distribution over ab bins, which it also returns."""

    def guess(
        self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the result of `predict`, and the logits (n, bins, h', w') over all bins, not annealed."""
        ...

    def centres(self) -> Tensor:
        """Return the bin centers (bins, 2) in raw ab units."""
        ...


class HalfPrecision:
    """A `ColorNetwork` that computes the convolutions and products of `module` in `dtype`."""

    def __init__(self, module: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self._module = module
        self._device = device
        self._dtype = dtype

    def predict(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None) -> Tensor:
        """Return ab of the network, float32."""
        with torch.autocast(self._device.type, self._dtype):
            return cast(ColorNetwork, self._module).predict(L, hint_ab, hint_mask, temperature).float()

    def guess(
        self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return ab and logits of the network, float32."""
        with torch.autocast(self._device.type, self._dtype):
            ab, logits = cast(GuessingNetwork, self._module).guess(L, hint_ab, hint_mask, temperature)
        return ab.float(), logits.float()

    def centres(self) -> Tensor:
        """Return the bin centers of the network."""
        return cast(GuessingNetwork, self._module).centres()

    def to(self, device: torch.device) -> ColorNetwork:
        """Move the network to `device` and return it in full precision."""
        return cast(ColorNetwork, self._module.to(device))

    def shrink_weights(self) -> None:
        """Convert the large weights to half precision, which saves memory and their conversion for every photo."""
        for layer in self._module.modules():
            if isinstance(layer, _WEIGHTY):
                layer.to(self._dtype)


def in_best_precision(
    module: nn.Module, device: torch.device, temperature: float | None
) -> tuple[ColorNetwork, torch.dtype]:
    """Return `module`, in evaluation mode on `device`, in the fastest precision that its weights tolerate.

    That is half precision where the device supports it and ab stays within `MOST_MEAN_AB` and `MOST_AB`. The second
    value is the type.
    """
    full = cast(ColorNetwork, module)
    dtype = half_precision_of(device)
    if dtype is None:
        return full, torch.float32
    half = HalfPrecision(module, device, dtype)
    mean_ab, most_ab = _difference(full, half, device, temperature)
    if not (mean_ab < MOST_MEAN_AB and most_ab < MOST_AB):
        _log.info("full precision: in %s ab would be %.2f off on average, %.1f at most", dtype, mean_ab, most_ab)
        return full, torch.float32
    # A network on a GPU may have to move to the CPU, and then needs its full weights.
    if device.type == "cpu":
        half.shrink_weights()
    return half, dtype


@cache
def half_precision_of(device: torch.device) -> torch.dtype | None:
    """Return the 16-bit type that is faster on `device` than float32, or None."""
    if device.type != "cpu":
        return torch.float16
    capabilities = torch.cpu.get_capabilities()
    has_bfloat16 = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))
    return torch.bfloat16 if has_bfloat16 else None


def _difference(
    full: ColorNetwork, half: ColorNetwork, device: torch.device, temperature: float | None
) -> tuple[float, float]:
    """Return the mean and largest difference of ab between two networks on the sample photographs."""
    L = torch.from_numpy(sample_lightness()).to(device)
    no_mask = torch.zeros_like(L)
    with torch.inference_mode():
        answers = [net.predict(L, no_mask.expand(-1, 2, -1, -1), no_mask, temperature) for net in (full, half)]
    difference = (answers[0].float() - answers[1]).abs()
    return float(difference.mean()), float(difference.max())


def sample_lightness() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return L of the two sample photographs, float32 (2, 1, 96, 96)."""
    with Image.open(_SAMPLE) as image:
        return np.stack(np.split(lightness(np.asarray(image)), 2, axis=1))[:, None]
