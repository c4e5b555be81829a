"""The autoencoder network: a small gray picture to a small RGB picture, through a dense layer.

Only the ab of its RGB output is used; L is the photo's own.
"""

from collections.abc import Mapping
from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.hintless import HintlessNetwork
from colorizers.networks.torch_lab import lab_to_rgb, rgb_to_lab

SIDE_PX = 80
DENSE = 2000
DEEPEST = 128  # channels at a quarter of the size


class AutoencoderColorizer(HintlessNetwork):
    """Autoencoder from gray to color, both RGB (n, 3, s, s) in 0..1, of a fixed side s, a multiple of 4."""

    def __init__(self, side_px: int = SIDE_PX, dense: int = DENSE) -> None:
        super().__init__()
        small = side_px // 4
        self.side_px = side_px
        self.encoder = nn.Sequential(
            nn.Conv2d(3, 256, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(256, DEEPEST, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.narrow = nn.Linear(small * small * DEEPEST, dense)
        self.widen = nn.Linear(dense, small * small * DEEPEST)
        self.decoder = nn.Sequential(
            nn.Unflatten(1, (DEEPEST, small, small)),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(DEEPEST, 128, 5, padding=2),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 3, 5, padding=2),
        )

    @classmethod
    def sized_like(cls, state: Mapping[str, Tensor]) -> Self:
        """Create an untrained network of the size of the state dict `state`."""
        try:
            dense, flat = state["narrow.weight"].shape
        except (KeyError, ValueError):
            return cls()  # Not an autoencoder's state: loading it will raise the proper error.
        return cls(side_px=4 * round((flat / DEEPEST) ** 0.5), dense=dense)

    def logits(self, gray: Tensor) -> Tensor:
        """Return the RGB output before the sigmoid; training takes it for numerical stability."""
        return cast(Tensor, self.decoder(self.widen(self.narrow(self.encoder(gray)))))

    def forward(self, gray: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(gray))

    def ab_of(self, L: Tensor) -> Tensor:
        """Predict ab (n, 2, s, s), raw units, from L (n, 1, h, w) in 0..100, resized to the side s."""
        small = F.interpolate(L, size=(self.side_px, self.side_px), mode="bilinear", antialias=True)
        return rgb_to_lab(self(gray_picture(small)).float())[:, 1:]


def gray_picture(L: Tensor) -> Tensor:
    """Return the gray RGB picture (n, 3, h, w) in 0..1 whose L is (n, 1, h, w) in 0..100."""
    return lab_to_rgb(torch.cat([L, torch.zeros_like(L), torch.zeros_like(L)], dim=1))
