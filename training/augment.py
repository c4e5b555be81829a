"""What old prints do to a gray picture: true L in, the L of a faded, grainy or orthochromatic print out."""

import torch
from torch import Tensor
from torch.nn import functional as F

from colorizers.torch_lab import rgb_to_lab


def film_lightness(rgb: Tensor, share: float) -> Tensor:
    """Return L (n, 1, h, w) of RGB (n, 3, h, w) in 0..1, for a `share` of the samples through another film's eyes.

    Early emulsions saw blue brightly and red darkly, so their grays are other mixtures of red, green and blue.
    """
    n = len(rgb)
    L = rgb_to_lab(rgb)[:, :1]
    mixture = torch.tensor([0.3, 0.5, 0.2], device=rgb.device) + 0.25 * torch.randn(n, 3, device=rgb.device)
    mixture = mixture.clamp_min(0.02)
    mixture = mixture / mixture.sum(1, keepdim=True)
    gray = torch.einsum("nchw,nc->nhw", rgb, mixture)[:, None]
    other = rgb_to_lab(gray.expand(-1, 3, -1, -1))[:, :1]
    return torch.where(_some(n, share, rgb.device), other, L)


def aged_print(L: Tensor, share: float) -> Tensor:
    """Return L (n, 1, h, w) in 0..100 after random fading, contrast, softness and grain, each for a `share`."""
    n = len(L)
    device = L.device
    unit = (L / 100).clamp(1e-4, 1)
    gamma = torch.exp(0.25 * torch.randn(n, 1, 1, 1, device=device))
    unit = torch.where(_some(n, share, device), unit**gamma, unit)
    contrast = torch.empty(n, 1, 1, 1, device=device).uniform_(0.6, 1.1)
    lift = torch.empty(n, 1, 1, 1, device=device).uniform_(-0.05, 0.15)
    unit = torch.where(_some(n, share, device), (unit - 0.5) * contrast + 0.5 + lift * (1 - contrast), unit)
    soft = F.avg_pool2d(F.pad(unit, (1, 1, 1, 1), mode="replicate"), 3, 1)
    unit = torch.where(_some(n, share / 2, device), soft, unit)
    grain = 0.03 * torch.rand(n, 1, 1, 1, device=device) * torch.randn_like(unit)
    unit = torch.where(_some(n, share / 2, device), unit + grain, unit)
    return 100 * unit.clamp(0, 1)


def _some(n: int, share: float, device: torch.device) -> Tensor:
    return torch.rand(n, 1, 1, 1, device=device) < share
