"""sRGB to CIELAB and back on tensors: the same numbers as scikit-image (D65, 2 degrees), on any device."""

import torch
from torch import Tensor

_RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
_WHITE = (0.95047, 1.0, 1.08883)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Return Lab (n, 3, h, w) of sRGB-encoded values (n, 3, h, w) in 0..1."""
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055).clamp_min(0) ** 2.4, rgb / 12.92)
    matrix = torch.tensor(_RGB_TO_XYZ, dtype=torch.float64) / torch.tensor(_WHITE, dtype=torch.float64)[:, None]
    xyz = _mixed(linear, matrix)
    f = torch.where(xyz > 0.008856, xyz.clamp_min(1e-6) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Return sRGB-encoded values (n, 3, h, w), clipped to 0..1, of Lab (n, 3, h, w)."""
    L, a, b = lab.unbind(1)
    fy = (L + 16) / 116
    f = torch.stack([fy + a / 500, fy, (fy - b / 200).clamp_min(0)], dim=1)
    xyz = torch.where(f > 0.2068966, f**3, (f - 16 / 116) / 7.787)
    matrix = torch.tensor(_RGB_TO_XYZ, dtype=torch.float64).inverse() * torch.tensor(_WHITE, dtype=torch.float64)
    linear = _mixed(xyz, matrix).clamp_min(0)
    encoded = torch.where(linear > 0.0031308, 1.055 * linear.clamp_min(1e-8) ** (1 / 2.4) - 0.055, 12.92 * linear)
    return encoded.clamp(0, 1)


def _mixed(channels: Tensor, matrix: Tensor) -> Tensor:
    """Return `matrix` (3, 3) times the channels of (n, 3, h, w).

    Spelt out, because a matrix product would be taken in half precision under autocast.
    """
    r, g, b = channels.unbind(1)
    rows = matrix.tolist()
    return torch.stack([p * r + q * g + s * b for p, q, s in rows], dim=1)
