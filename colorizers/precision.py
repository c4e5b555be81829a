"""A network on its device in, the same network in half precision out, where its own weights bear that.

Half precision is twice as quick on processors made for it. Whether a network stands it depends on its weights, so the
network colours two small photographs both ways when it is loaded, and is left alone where the answers differ.
"""

import logging
from functools import cache
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from colorizers.lab import lightness

MOST_MEAN_AB = 0.5
MOST_AB = 4.0
"""How far ab may be off in half precision, on average and anywhere, in raw units."""

# Two photographs in the public domain, side by side (tests/data/photos has them larger).
_SAMPLE = Path(__file__).with_name("precision_sample.png")
_WEIGHTY = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)

_log = logging.getLogger(__name__)


class ColorNetwork(Protocol):
    """What the library needs of a network, whatever its family: one door for inference."""

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
    """A network that comes to its ab by a distribution over ab bins, which it also tells."""

    def guess(
        self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return what `predict` does, and the logits (n, bins, h', w') over all bins, not annealed."""
        ...

    def centres(self) -> Tensor:
        """Return the bins' centres (bins, 2) in raw ab units."""
        ...


class HalfPrecision:
    """A network that computes its convolutions and products in `dtype`; a `ColorNetwork` itself."""

    def __init__(self, module: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self._module = module
        self._device = device
        self._dtype = dtype

    def predict(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None) -> Tensor:
        """Return ab as the network itself does, float32."""
        with torch.autocast(self._device.type, self._dtype):
            return cast(ColorNetwork, self._module).predict(L, hint_ab, hint_mask, temperature).float()

    def guess(
        self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return ab and logits as the network itself does, float32."""
        with torch.autocast(self._device.type, self._dtype):
            ab, logits = cast(GuessingNetwork, self._module).guess(L, hint_ab, hint_mask, temperature)
        return ab.float(), logits.float()

    def centres(self) -> Tensor:
        """Return the bins' centres as the network itself does."""
        return cast(GuessingNetwork, self._module).centres()

    def to(self, device: torch.device) -> ColorNetwork:
        """Move the network to `device` and return it in full precision."""
        return cast(ColorNetwork, self._module.to(device))

    def shrink_weights(self) -> None:
        """Keep the large weights in half precision, which saves converting them for every photo, and memory."""
        for layer in self._module.modules():
            if isinstance(layer, _WEIGHTY):
                layer.to(self._dtype)


def in_best_precision(
    module: nn.Module, device: torch.device, temperature: float | None
) -> tuple[ColorNetwork, torch.dtype]:
    """Return `module`, in evaluation mode on `device`, in the quickest precision that its weights bear, and which.

    That is half precision where the device is made for it and ab stays within `MOST_MEAN_AB` and `MOST_AB`.
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
    # A network on a GPU may have to move to the CPU and be whole there.
    if device.type == "cpu":
        half.shrink_weights()
    return half, dtype


@cache
def half_precision_of(device: torch.device) -> torch.dtype | None:
    """Return the 16-bit type in which `device` is quicker than in 32 bits, None where there is none."""
    if device.type != "cpu":
        return torch.float16
    capabilities = torch.cpu.get_capabilities()
    has_bfloat16 = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))
    return torch.bfloat16 if has_bfloat16 else None


def _difference(
    full: ColorNetwork, half: ColorNetwork, device: torch.device, temperature: float | None
) -> tuple[float, float]:
    """Return how far, on average and at most, ab of the sample photographs differs between two networks."""
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
