"""Recipe of the autoencoder: binary cross-entropy of RGB at 80 px, the set in 20 chunks, early stopping.

Follows its author, except where noted. The author fits one epoch on one chunk after the other, each fit with early
stopping of patience 0, which cannot trigger within one epoch. Here patience counts passes over all chunks: training
ends when the mean validation loss of a pass is no better than the best one before.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.autoencoder import DENSE, AutoencoderColorizer, gray_picture
from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.weights.registry import ModelSpec
from training.recipes import base


@dataclass(frozen=True, kw_only=True)
class Settings(base.Settings):
    """`dense` is the width of the middle layer; with the author's 2,000 the network has 206 million weights."""

    dense: int = DENSE


class Autoencoder(base.Recipe):
    """Training of the autoencoder, keeping the best weights on held-out photographs."""

    name = "autoencoder"
    settings_class = Settings
    author = Settings(
        height_px=80,
        width_px=80,
        crop="centre",
        mirror=False,
        batch=50,
        epochs=500,  # the author's rounds, one chunk each
        chunks=20,
        validation_share=0.3,
        most_validation=2000,  # ours: validating on 30 % of a large set would take longer than training on a chunk
        keep_best=True,
        patience=0,
        learning_rate=1e-3,  # not stated: Adam's usual
        schedule="constant",
    )
    # Ours: a narrow middle, and no early stopping, so that the five minutes are used.
    laptop = replace(
        author, minutes=base.PRESET_MINUTES, height_px=64, width_px=64, dense=128, epochs=None, most_validation=40,
        patience=None, schedule="cosine", crop="random", mirror=True, clip=1.0, save_every_minutes=1.0, bf16=True,
    )  # fmt: skip

    settings: Settings

    def build(self) -> nn.Module:
        return AutoencoderColorizer(self.settings.height_px, self.settings.dense)

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=self.settings.learning_rate, fused=True)

    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        assert isinstance(network, AutoencoderColorizer)
        gray = gray_picture(rgb_to_lab(rgb)[:, :1])
        with self.autocast(rgb.device):
            logits = network.logits(gray)
        return {"loss": F.binary_cross_entropy_with_logits(logits.float(), rgb)}

    def spec(self, name: str) -> ModelSpec:
        return self.plain_spec(
            name, "Autoencoder", l_cent=0.0, l_norm=1.0, ab_norm=1.0, size_multiple=4, keeps_aspect=False
        )
