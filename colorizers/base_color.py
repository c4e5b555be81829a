"""Base class of the published networks, with their normalization of L and ab, and their stages of convolutions.

The numbers are those of the authors' package: L' = (L - 50) / 100 and ab' = ab / 110.
"""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn


class BaseColor(nn.Module):
    """A network with its authors' scaling of L (0..100) and ab (-110..110)."""

    def __init__(self) -> None:
        super().__init__()
        self.l_cent = 50.0
        self.l_norm = 100.0
        self.ab_norm = 110.0

    def normalize_l(self, in_l: Tensor) -> Tensor:
        """Scale L, 0..100, to the networks' -0.5..0.5; any shape."""
        return (in_l - self.l_cent) / self.l_norm

    def unnormalize_l(self, in_l: Tensor) -> Tensor:
        """Scale normalized L back to 0..100; any shape."""
        return in_l * self.l_norm + self.l_cent

    def normalize_ab(self, in_ab: Tensor) -> Tensor:
        """Scale ab, -110..110, to the networks' -1..1; any shape."""
        return in_ab / self.ab_norm

    def unnormalize_ab(self, in_ab: Tensor) -> Tensor:
        """Scale normalized ab back to -110..110; any shape."""
        return in_ab * self.ab_norm


def conv_stage(
    channels: tuple[int, ...], norm_layer: Callable[[int], nn.Module], stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return 3x3 convolutions through `channels`, each with ReLU, the last one with `stride`, then one norm."""
    layers: list[nn.Module] = []
    last = len(channels) - 2
    for index, (before, after) in enumerate(pairwise(channels)):
        step = stride if index == last else 1
        layers += [nn.Conv2d(before, after, 3, step, padding=dilation, dilation=dilation), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, norm_layer(channels[-1]))
