"""Recipe of the embedded default: a distribution over 313 ab bins, from hints and aged prints.

Ours, by evidence: soft-encoded cross-entropy with rebalancing (Zhang et al. 2016) at 1/4 resolution plus a smooth L1
on the distribution's mean, simulated hints (Zhang et al. 2017), old-print augmentation, many canvas sizes, EMA. The
whole set lives in memory, reduced to `memory_px`: 26,000 photographs take 2.3 GB.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.embedded import STRIDE, EmbeddedColorizer
from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.weights.registry import ModelSpec
from training.data.ab_quantization import SoftEncoder, bin_centres, gamut_ab, rebalancing_weights
from training.data.augment import aged_print, film_lightness
from training.data.memory_data import MemoryData
from training.data.simulated_hints import simulate_hints
from training.data.synthetic_groups import People, add_groups
from training.recipes import base
from training.recipes.base import TrainingSet

Stages = tuple[tuple[float, tuple[tuple[int, int], ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Settings(base.Settings):
    """All of these are ours; where a paper's number was the start, it is named.

    `stages` are (until this share of the run, canvases as (short, long) px): small canvases first, since most is
    learnt there at a third of the cost, working-size ones at the end. `scored_share` of the positions enter the loss:
    neighbours say much the same, and scoring all of them over 313 bins would take half of the time. Runs that start
    from trained weights take `warm_share` of the step size: larger steps would first unlearn what is known. A
    `group_share` of the crops gets a group of people, where the shards have pictures with `faces_named` and
    `clothes_named` in their names: without, groups before trees came out as green as the trees.
    """

    weight_decay: float = 0.02
    warm_share: float = 0.15
    drop_path: float = 0.0
    mix: float = 0.5  # lambda of the rebalancing, Zhang et al. 2016
    mean_loss: float = 0.5
    scored_share: float = 0.35
    hinted_share: float = 0.4
    hint_stop_p: float = 1 / 7  # Zhang et al. 2017 take 1/8
    hint_patch_px: int = 7  # Zhang et al. 2017 take up to 9, on pictures of 176 px
    film_share: float = 0.1
    print_share: float = 0.2
    group_share: float = 0.3
    faces_named: str = "facesmask"
    clothes_named: str = "clothing"
    least_scale: float = 0.5
    memory_px: int = 170
    still_px: int = 160
    stages: Stages = (
        (0.35, ((96, 128),)),
        (0.75, ((96, 128), (112, 144), (128, 160))),
        (1.0, ((128, 160), (128, 176), (144, 192), (160, 208))),
    )


class Default(base.Recipe):
    """The embedded default network, trained as a distribution over 313 ab bins."""

    name = "default"
    settings_class = Settings
    author = Settings(
        height_px=160,
        width_px=208,
        batch=32,
        minutes=95.0,
        learning_rate=2e-3,
        warmup_steps=300,
        clip=1.0,
        ema=0.999,
        bf16=True,
        validation_share=0.004,
    )
    laptop = replace(
        author, minutes=base.PRESET_MINUTES, height_px=64, width_px=80, warmup_steps=100, ema=0.995, still_px=64,
        memory_px=96, stages=((1.0, ((64, 80),)),), save_every_minutes=1.0, most_validation=40,
    )  # fmt: skip
    temperature = 0.85

    size_multiple = STRIDE

    settings: Settings
    centres: Tensor
    weights: Tensor
    encoder: SoftEncoder

    def build(self) -> nn.Module:
        return EmbeddedColorizer(self.settings.drop_path)

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        decayed = [p for p in network.parameters() if p.dim() > 1]
        plain = [p for p in network.parameters() if p.dim() <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.settings.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.settings.learning_rate, betas=(0.9, 0.98), fused=True)

    def learning_rate(self) -> float:
        return super().learning_rate() * (self.settings.warm_share if self.warm else 1.0)

    def start(self, network: nn.Module, data: TrainingSet) -> None:
        centres = bin_centres(gamut_ab()).to(data.device)
        self.restore({"centres": centres, "weights": torch.ones(len(centres))}, data.device)
        network.get_buffer("bin_centres").copy_(centres)
        memory = self._memory(data)
        crops = memory.batches(self.settings.batch, self.settings.stages[len(self.settings.stages) // 2][1], 0.5)
        priors = [self.encoder.prior(F.avg_pool2d(rgb_to_lab(next(crops))[:, 1:], 4)) for _ in range(60)]
        self.weights = rebalancing_weights(torch.stack(priors).mean(0), self.centres, self.settings.mix)

    def state(self) -> dict[str, Tensor]:
        return {"centres": self.centres, "weights": self.weights}

    def restore(self, state: dict[str, Tensor], device: torch.device) -> None:
        self.centres = state["centres"].to(device)
        self.weights = state["weights"].to(device)
        self.encoder = SoftEncoder(self.centres)

    def batches(self, data: TrainingSet) -> Iterator[Tensor]:
        memory = self._memory(data)
        share = max(1, self.batch_size(len(data.samples)) // data.team.world)
        stages = [
            (until, memory.batches(share, canvases, self.settings.least_scale))
            for until, canvases in self.settings.stages
        ]
        people = People.among(data.samples, self.settings.faces_named, self.settings.clothes_named, data.device)
        while True:
            crops = next(next(crops for until, crops in stages if self.clock.progress <= until))
            yield crops if people is None else add_groups(crops, people, self.settings.group_share)

    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        network, s = cast(EmbeddedColorizer, network), self.settings
        ab = rgb_to_lab(rgb)[:, 1:]
        L = aged_print(film_lightness(rgb, s.film_share), s.print_share)
        hint_ab, mask = simulate_hints(ab, s.hinted_share, s.hint_stop_p, s.hint_patch_px)
        x = network.network_input(L, hint_ab, mask).contiguous(memory_format=torch.channels_last)
        with self.autocast(rgb.device):
            features, truth = sampled_positions(network.features(x), F.avg_pool2d(ab, 4), s.scored_share)
            logits = F.linear(features, network.head.weight.flatten(1), network.head.bias)
        classification, regression = distribution_loss(logits, truth, self.encoder, self.weights, self.centres)
        return {
            "loss": classification + s.mean_loss * regression,
            "classification": classification,
            "regression": regression,
        }

    def still(self, image: Image.Image) -> Tensor:
        scale = self.settings.still_px / min(image.size)
        width, height = (
            max(STRIDE, round(side * scale / self.size_multiple) * self.size_multiple) for side in image.size
        )
        resized = image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(resized)).permute(2, 0, 1)

    def spec(self, name: str) -> ModelSpec:
        return self.plain_spec(
            name,
            "Embedded default",
            working_size_px=self.settings.still_px,
            size_multiple=STRIDE,
            has_distribution=True,
            temperature=self.temperature,
        )

    def _memory(self, data: TrainingSet) -> MemoryData:
        if not hasattr(self, "_loaded"):
            self._loaded = MemoryData.load(data.samples, self.settings.memory_px, data.device, data.threads)
        return self._loaded


def distribution_loss(
    logits: Tensor, ab: Tensor, encoder: SoftEncoder, weights: Tensor, centres: Tensor
) -> tuple[Tensor, Tensor]:
    """Return (rebalanced cross-entropy, smooth L1 of the mean in tens of ab) of logits (m, bins) against ab (m, 2)."""
    logp = F.log_softmax(logits.float(), dim=1)
    index, share = encoder.rows(ab)
    crossed = -(logp.gather(1, index) * share).sum(1)
    weight = (weights[index] * share).sum(1)
    return (crossed * weight).mean(), F.smooth_l1_loss(logp.exp() @ centres / 10, ab / 10)


def sampled_positions(features: Tensor, ab: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Return a random `share` of the positions of features (n, c, h, w) and ab (n, 2, h, w) as rows (m, c), (m, 2)."""
    rows = features.permute(0, 2, 3, 1).reshape(-1, features.shape[1])
    chosen = torch.randint(0, len(rows), (int(len(rows) * share),), device=rows.device)
    return rows[chosen], ab.permute(0, 2, 3, 1).reshape(-1, 2)[chosen]
