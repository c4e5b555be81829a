"""Recipe of the residual network: squared error in raw ab, and a penalty on low variance.

Follows its author, except where noted. The penalty of 26.7 / variance keeps the network from predicting the grayish
mean of all photographs; the constant is meant for raw ab units.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from colorizers.networks.residual import ResidualColorizer
from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.weights.registry import ModelSpec
from training.recipes import base


@dataclass(frozen=True, kw_only=True)
class Settings(base.Settings):
    """`sameness_penalty` is divided by the variance of a batch's predictions; `beta1` is that of Adam."""

    sameness_penalty: float = 26.7
    beta1: float = 0.8


class Residual(base.Recipe):
    """Training of the residual network."""

    name = "residual"
    settings_class = Settings
    author = Settings(
        height_px=512,
        width_px=512,
        crop="top-left",
        mirror=False,
        jpeg_only=True,
        batch=14,
        epochs=30,
        learning_rate=2e-5,
        schedule="constant",
        shuffle_buffer=7500,
        save_every_steps=100,
        sheet_photos=10,
        bf16=True,  # ours: the author trained in float32; half the time here
    )
    # Ours: 50 times the step size, since five minutes are a few hundred steps; clipped and falling to stay stable.
    laptop = replace(
        author, minutes=base.PRESET_MINUTES, height_px=64, width_px=64, epochs=None, learning_rate=1e-3,
        schedule="cosine", warmup_steps=20, clip=1.0, ema=0.98, crop="random", mirror=True, save_every_steps=None,
        save_every_minutes=1.0, most_validation=40,
    )  # fmt: skip

    settings: Settings

    def build(self) -> nn.Module:
        return ResidualColorizer()

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        # Adam's second decay is not stated: the usual 0.999.
        return torch.optim.Adam(
            network.parameters(), lr=self.settings.learning_rate, betas=(self.settings.beta1, 0.999), fused=True
        )

    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        lab = rgb_to_lab(rgb)
        with self.autocast(rgb.device):
            predicted = network(lab[:, :1])
        predicted = predicted.float()
        error = ((predicted - lab[:, 1:]) ** 2).mean()
        variance = ((predicted - predicted.mean()) ** 2).mean()
        return {
            "loss": error + self.settings.sameness_penalty / variance,
            "squared_error": error,
            "variance": variance,
        }

    def spec(self, name: str) -> ModelSpec:
        return self.plain_spec(name, "Residual network", l_cent=0.0, l_norm=1.0, ab_norm=1.0, size_multiple=4)
