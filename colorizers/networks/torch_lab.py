"""Conversion between sRGB and CIELAB on tensors of any device, with the constants and the white of `colorspace.lab`."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from colorizers.colorspace.lab import (
    LAB_CUBE_ABOVE,
    LAB_LINEAR_BELOW,
    LAB_LINEAR_OFFSET,
    LAB_LINEAR_SLOPE,
    SRGB_LINEAR_BELOW,
    SRGB_LINEAR_SLOPE,
    XYZ_TO_RGB,
)

_RGB_TO_XYZ = np.linalg.inv(XYZ_TO_RGB)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Convert sRGB-encoded values (n, 3, h, w) in 0..1 to Lab (n, 3, h, w)."""
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055).clamp_min(0) ** 2.4, rgb / SRGB_LINEAR_SLOPE)
    xyz = _mix(linear, _RGB_TO_XYZ)
    line = LAB_LINEAR_SLOPE * xyz + LAB_LINEAR_OFFSET
    f = torch.where(xyz > LAB_LINEAR_BELOW, xyz.clamp_min(1e-6) ** (1 / 3), line)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Convert Lab (n, 3, h, w) to sRGB-encoded values (n, 3, h, w), clipped to 0..1."""
    L, a, b = lab.unbind(1)
    fy = (L + 16) / 116
    f = torch.stack([fy + a / 500, fy, (fy - b / 200).clamp_min(0)], dim=1)
    xyz = torch.where(f > LAB_CUBE_ABOVE, f**3, (f - LAB_LINEAR_OFFSET) / LAB_LINEAR_SLOPE)
    linear = _mix(xyz, XYZ_TO_RGB).clamp_min(0)
    curve = 1.055 * linear.clamp_min(1e-8) ** (1 / 2.4) - 0.055
    encoded = torch.where(linear > SRGB_LINEAR_BELOW, curve, SRGB_LINEAR_SLOPE * linear)
    return encoded.clamp(0, 1)


def _mix(channels: Tensor, matrix: NDArray[np.floating]) -> Tensor:
    """Multiply the channels of (n, 3, h, w) by `matrix` (3, 3).

    Written out, because autocast would compute a matrix product in half precision.
    """
    r, g, b = channels.unbind(1)
    return torch.stack([p * r + q * g + s * b for p, q, s in matrix.tolist()], dim=1)
