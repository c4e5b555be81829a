"""The U-shaped network: ab from L by 3x3 convolutions that reduce and enlarge the picture.

With its 32,000 weights it overfits a handful of photos within minutes on any machine: a first network to train.
"""

from typing import cast

from torch import Tensor, nn

from colorizers.networks.hintless import HintlessNetwork

AB_NORM = 128.0


def _conv(before: int, after: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, stride, 1), nn.ReLU()]


class UshapedColorizer(HintlessNetwork):
    """Predicts ab / 128 (n, 2, h, w) from L (n, 1, h, w) in 0..100; h and w are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_conv(1, 8, 2),
            *_conv(8, 8),
            *_conv(8, 16),
            *_conv(16, 16, 2),
            *_conv(16, 32),
            *_conv(32, 32, 2),
            nn.Upsample(scale_factor=2),
            *_conv(32, 32),
            nn.Upsample(scale_factor=2),
            *_conv(32, 16),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(16, 2, 3, 1, 1),
            nn.Tanh(),
        )

    def forward(self, L: Tensor) -> Tensor:
        return cast(Tensor, self.layers(L))

    def ab_of(self, L: Tensor) -> Tensor:
        return cast(Tensor, self(L)) * AB_NORM
