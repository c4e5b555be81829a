"""Recipe of the U-shaped network: squared error of ab / 128, thousands of epochs on a handful of photographs.

Follows its author, except where noted.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.networks.unet import AB_NORM, UshapedColorizer
from colorizers.weights.registry import ModelSpec
from training.recipes import base


@dataclass(frozen=True, kw_only=True)
class Settings(base.Settings):
    """`alpha` and `eps` are those of RMSprop: the defaults of Keras, which the author used."""

    alpha: float = 0.9
    eps: float = 1e-7


class Ushaped(base.Recipe):
    """Training of the U-shaped network on a small set; a set smaller than the batch is one batch."""

    name = "ushaped"
    settings_class = Settings
    author = Settings(
        height_px=184,  # the author's 272 x 184, as width x height
        width_px=272,
        crop="centre",
        mirror=False,
        batch=6,
        epochs=6000,  # up to 10,000
        learning_rate=1e-3,
        schedule="constant",
        validation_share=0.0,  # a handful is too few to hold any out
    )
    # Ours: a larger batch and a falling rate, since a laptop has more than a handful of photographs to show.
    laptop = replace(
        author, minutes=base.PRESET_MINUTES, height_px=64, width_px=64, batch=32, epochs=None, schedule="cosine",
        crop="random", mirror=True, ema=0.99, clip=1.0, validation_share=0.01, save_every_minutes=1.0,
        most_validation=40,
    )  # fmt: skip

    settings: Settings

    def build(self) -> nn.Module:
        return UshapedColorizer()

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        s = self.settings
        return torch.optim.RMSprop(network.parameters(), lr=s.learning_rate, alpha=s.alpha, eps=s.eps)

    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        lab = rgb_to_lab(rgb)
        with self.autocast(rgb.device):
            predicted = network(lab[:, :1])
        return {"loss": F.mse_loss(predicted.float(), lab[:, 1:] / AB_NORM)}

    def spec(self, name: str) -> ModelSpec:
        return self.plain_spec(name, "U-shaped network", l_cent=0.0, l_norm=1.0, ab_norm=AB_NORM, size_multiple=8)
