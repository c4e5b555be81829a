"""What makes training pictures harder and older: colour pictures into collages, their L into that of old prints."""

import torch
from torch import Tensor
from torch.nn import functional as F

from colorizers.torch_lab import rgb_to_lab


def insets(rgb: Tensor, share: float) -> Tensor:
    """Return RGB (n, 3, h, w) in which a `share` of the pictures hold a small soft-edged piece of their neighbour.

    Ours, after CutMix (Yun et al. 2019). A network that sees the whole picture learns that people before trees are as
    green as the trees; people pasted where they do not belong keep their own colours. The pieces are a quarter to two
    thirds as large as the canvas, so they also show things smaller than photographs of 128 px do.
    """
    n = len(rgb)
    device = rgb.device
    small = F.avg_pool2d(rgb.roll(1, 0), 2)
    half = torch.empty(n, 1, 1, device=device).uniform_(0.25, 0.65)
    seen = torch.empty(n, 1, 1, device=device).uniform_(0.6, 1)
    y, x = (
        (_steps(side, device).view(shape) - (1 - half) * _spread(n, device)) / half
        for side, shape in ((rgb.shape[2], (1, -1, 1)), (rgb.shape[3], (1, 1, -1)))
    )
    grid = torch.stack([x.expand(-1, y.shape[1], -1), y.expand(-1, -1, x.shape[2])], dim=3) * seen[..., None]
    grid = grid + ((1 - seen) * _spread(n, device))[..., None]
    piece = F.grid_sample(small, grid, mode="bicubic", padding_mode="border", align_corners=False).clamp(0, 1)
    roundness = torch.empty(n, 1, 1, device=device).uniform_(2, 8)
    softness = torch.empty(n, 1, 1, device=device).uniform_(0.03, 0.3)
    outwards = (x.abs().clamp_min(1e-4) ** roundness + y.abs().clamp_min(1e-4) ** roundness) ** (1 / roundness)
    cover = ((1 - outwards) / softness).clamp(0, 1)[:, None] * _some(n, share, device)
    return torch.lerp(rgb, piece, cover)


def framed(rgb: Tensor, share: float) -> Tensor:
    """Return RGB (n, 3, h, w) of which a `share` have the gray border, 1 to 8 % wide, of a mount or a scanned plate."""
    n = len(rgb)
    device = rgb.device
    width = torch.empty(n, 1, 1, device=device).uniform_(0.02, 0.16)
    y, x = _steps(rgb.shape[2], device).view(1, -1, 1), _steps(rgb.shape[3], device).view(1, 1, -1)
    outside = (torch.maximum(y.abs(), x.abs()) > 1 - width)[:, None] & _some(n, share, device)
    tone = torch.rand(n, 1, 1, 1, device=device)
    tone = torch.where(tone < 0.5, 0.2 * tone, 1.2 - 0.4 * tone).clamp(0, 1)
    return torch.where(outside, tone, rgb)


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
    """Return L (n, 1, h, w) in 0..100 after random fading, contrast, uneven light, softness and grain.

    Each of them is done to a `share` of the samples, the last two to half as many.
    """
    n = len(L)
    device = L.device
    unit = (L / 100).clamp(1e-4, 1)
    gamma = torch.exp(0.25 * torch.randn(n, 1, 1, 1, device=device))
    unit = torch.where(_some(n, share, device), unit**gamma, unit)
    contrast = torch.empty(n, 1, 1, 1, device=device).uniform_(0.6, 1.1)
    lift = torch.empty(n, 1, 1, 1, device=device).uniform_(-0.05, 0.15)
    unit = torch.where(_some(n, share, device), (unit - 0.5) * contrast + 0.5 + lift * (1 - contrast), unit)
    light = torch.exp(0.35 * torch.randn(n, 1, 3, 3, device=device))
    light = F.interpolate(light, size=L.shape[2:], mode="bicubic", align_corners=True)
    unit = torch.where(_some(n, share, device), unit * light, unit)
    soft = F.avg_pool2d(F.pad(unit, (1, 1, 1, 1), mode="replicate"), 3, 1)
    unit = torch.where(_some(n, share / 2, device), soft, unit)
    grain = 0.03 * torch.rand(n, 1, 1, 1, device=device) * torch.randn_like(unit)
    unit = torch.where(_some(n, share / 2, device), unit + grain, unit)
    return 100 * unit.clamp(0, 1)


def _steps(count: int, device: torch.device) -> Tensor:
    """Return the centres of `count` pixels in -1..1."""
    return (torch.arange(count, device=device) + 0.5) * 2 / count - 1


def _spread(n: int, device: torch.device) -> Tensor:
    return torch.empty(n, 1, 1, device=device).uniform_(-1, 1)


def _some(n: int, share: float, device: torch.device) -> Tensor:
    return torch.rand(n, 1, 1, 1, device=device) < share
