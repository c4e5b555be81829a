"""Recipe of the network with a pretrained encoder: that of the embedded default, without hints.

The encoder starts from ImageNet's weights and takes smaller steps than the decoder; its first blocks stay as they are.
"""

from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.lite import STRIDE, LiteColorizer
from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.weights.registry import ModelSpec
from training.data.augment import aged_print, film_lightness
from training.recipes import default
from training.recipes.base import PRESET_MINUTES, TrainingSet
from training.recipes.default import distribution_loss, sampled_positions
from training.recipes.pretrained import load_pretrained


@dataclass(frozen=True, kw_only=True)
class Settings(default.Settings):
    """`frozen_blocks` of the encoder keep ImageNet's weights; the rest takes `encoder_share` of the decoder's steps."""

    frozen_blocks: int = 3
    encoder_share: float = 0.15


class Lite(default.Default):
    """The network with a pretrained encoder, trained as a distribution over 313 ab bins."""

    name = "lite"
    settings_class = Settings
    author = Settings(
        height_px=160,
        width_px=224,
        batch=32,
        minutes=240.0,
        learning_rate=2e-3,
        warmup_steps=300,
        clip=1.0,
        ema=0.999,
        bf16=True,
        validation_share=0.004,
        still_px=160,
        stages=(
            (0.3, ((96, 128),)),
            (0.7, ((96, 128), (128, 160))),
            (1.0, ((128, 160), (128, 192), (160, 192), (160, 224))),
        ),
    )
    laptop = replace(
        author, minutes=PRESET_MINUTES, height_px=64, width_px=96, warmup_steps=100, ema=0.995,
        still_px=64, memory_px=96, stages=((1.0, ((64, 96),)),), save_every_minutes=1.0, most_validation=40,
    )  # fmt: skip
    size_multiple = STRIDE

    settings: Settings

    def build(self) -> nn.Module:
        return LiteColorizer()

    def start(self, network: nn.Module, data: TrainingSet) -> None:
        if not self.warm:
            load_pretrained(cast(LiteColorizer, network).encoder)
        super().start(network, data)

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        encoder, s = cast(LiteColorizer, network).encoder, self.settings
        for part in (encoder.stem, *encoder.blocks[: s.frozen_blocks]):
            part.requires_grad_(False)
        groups = []
        for share, parameters in ((s.encoder_share, encoder.parameters()), (1.0, _decoder(network))):
            trained = [parameter for parameter in parameters if parameter.requires_grad]
            for decay in (True, False):
                some = [parameter for parameter in trained if (parameter.dim() > 1) == decay]
                groups.append({"params": some, "weight_decay": s.weight_decay * decay, "rate_share": share})
        return torch.optim.AdamW(groups, lr=s.learning_rate, betas=(0.9, 0.98), fused=True)

    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        network, s = cast(LiteColorizer, network), self.settings
        ab = rgb_to_lab(rgb)[:, 1:]
        L = aged_print(film_lightness(rgb, s.film_share), s.print_share)
        x = network.network_input(L).contiguous(memory_format=torch.channels_last)
        with self.autocast(rgb.device):
            features, truth = sampled_positions(network.features(x), F.avg_pool2d(ab, 4), s.scored_share)
            logits = F.linear(features, network.head.weight.flatten(1), network.head.bias)
        classification, regression = distribution_loss(logits, truth, self.encoder, self.weights, self.centres)
        return {
            "loss": classification + s.mean_loss * regression,
            "classification": classification,
            "regression": regression,
        }

    def spec(self, name: str) -> ModelSpec:
        return self.plain_spec(
            name,
            "Embedded default",
            working_size_px=self.settings.still_px,
            size_multiple=STRIDE,
            has_distribution=True,
            temperature=self.temperature,
        )


def _decoder(network: nn.Module) -> list[nn.Parameter]:
    return [parameter for name, parameter in network.named_parameters() if not name.startswith("encoder.")]
