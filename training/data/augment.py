"""Augmentations that imitate old photographs: other film sensitivities, fading, blur and grain."""

import torch
from torch import Tensor
from torch.nn import functional as F

from colorizers.networks.torch_lab import rgb_to_lab


def film_lightness(rgb: Tensor, share: float) -> Tensor:
    """Return CIELAB L (n, 1, h, w) of RGB (n, 3, h, w) in 0..1; for a `share` of the samples, from another gray mix.

    Early emulsions were sensitive to blue and hardly to red, so their grays weigh red, green and blue differently.
    """
    n = len(rgb)
    L = rgb_to_lab(rgb)[:, :1]
    mixture = torch.tensor([0.3, 0.5, 0.2], device=rgb.device) + 0.25 * torch.randn(n, 3, device=rgb.device)
    mixture = mixture.clamp_min(0.02)
    mixture = mixture / mixture.sum(1, keepdim=True)
    gray = torch.einsum("nchw,nc->nhw", rgb, mixture)[:, None]
    other = rgb_to_lab(gray.expand(-1, 3, -1, -1))[:, :1]
    return torch.where(_choose(n, share, rgb.device), other, L)


def aged_print(L: Tensor, share: float) -> Tensor:
    """Return L (n, 1, h, w) in 0..100 with random gamma, contrast, blur and grain, each applied to its own samples.

    Gamma and contrast change a `share` of the samples, blur and grain half as many.
    """
    n = len(L)
    device = L.device
    unit = (L / 100).clamp(1e-4, 1)
    gamma = torch.exp(0.25 * torch.randn(n, 1, 1, 1, device=device))
    unit = torch.where(_choose(n, share, device), unit**gamma, unit)
    contrast = torch.empty(n, 1, 1, 1, device=device).uniform_(0.6, 1.1)
    lift = torch.empty(n, 1, 1, 1, device=device).uniform_(-0.05, 0.15)
    unit = torch.where(_choose(n, share, device), (unit - 0.5) * contrast + 0.5 + lift * (1 - contrast), unit)
    blurred = F.avg_pool2d(F.pad(unit, (1, 1, 1, 1), mode="replicate"), 3, 1)
    unit = torch.where(_choose(n, share / 2, device), blurred, unit)
    grain = 0.03 * torch.rand(n, 1, 1, 1, device=device) * torch.randn_like(unit)
    unit = torch.where(_choose(n, share / 2, device), unit + grain, unit)
    return 100 * unit.clamp(0, 1)


def _choose(n: int, share: float, device: torch.device) -> Tensor:
    """Return a random mask (n, 1, 1, 1) that selects a `share` of the samples on average."""
    return torch.rand(n, 1, 1, 1, device=device) < share
