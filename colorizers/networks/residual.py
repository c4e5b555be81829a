"""The residual network: ab from L, both in raw units.

Basic residual blocks (He et al. 2015) halve the size twice, and two transposed convolutions restore it. Units are not
normalized, because the training loss (`training/recipes/residual.py`) is in raw ab.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.hintless import HintlessNetwork

# Of batch norm, as the author set it.
MOMENTUM = 0.5


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, added to the input (through a 1x1 one where channels or size change)."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1)
        self.norm1 = nn.BatchNorm2d(after, momentum=MOMENTUM)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1)
        self.norm2 = nn.BatchNorm2d(after, momentum=MOMENTUM)
        self.shortcut = nn.Sequential()
        if before != after or stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after, momentum=MOMENTUM))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class ResidualColorizer(HintlessNetwork):
    """Predicts ab (n, 2, h, w), raw units, from L (n, 1, h, w) in 0..100; h and w are multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            BasicBlock(1, 128, stride=2),
            BasicBlock(128, 256, stride=2),
            BasicBlock(256, 512),
            BasicBlock(512, 512),
            BasicBlock(512, 512),
            BasicBlock(512, 512),
        )
        self.up1 = nn.ConvTranspose2d(512, 313, 4, stride=2, padding=1)
        self.up2 = nn.ConvTranspose2d(313, 2, 4, stride=2, padding=1)

    def forward(self, L: Tensor) -> Tensor:
        return cast(Tensor, self.up2(self.up1(self.blocks(L))))

    def ab_of(self, L: Tensor) -> Tensor:
        return cast(Tensor, self(L))
