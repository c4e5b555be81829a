"""Recipe of ECCV16: class-rebalanced cross-entropy over 313 ab bins.

Zhang, Isola, Efros: "Colorful Image Colorization", ECCV 2016, sections 2.2 and 2.3. Solver constants are those of the
authors' published training code (Caffe, `colorization_train_val_v2`).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.eccv16 import ECCVGenerator
from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.weights.registry import ModelSpec
from training.data.ab_quantization import SoftEncoder, bin_centres, gamut_ab, rebalancing_weights
from training.data.samples import Canvas
from training.data.stream import still_pictures
from training.recipes import base
from training.recipes.base import TrainingSet


@dataclass(frozen=True, kw_only=True)
class Settings(base.Settings):
    """`mix` is the paper's lambda; the prior is estimated from `prior_photos` of the training set (ours)."""

    weight_decay: float = 1e-3
    mix: float = 0.5
    prior_photos: int = 2000
    prior_px: int = 64  # ours: a prior of colors needs no detail
    fall_at_step: int | None = 225_000
    fall: float = 0.1


class Eccv16(base.Recipe):
    """Training of the published network of 2016."""

    name = "eccv16"
    settings_class = Settings
    author = Settings(
        height_px=176,  # crops of 176 from pictures of 256
        width_px=176,
        load_px=256,
        batch=40,
        steps=500_000,
        learning_rate=3e-5,
        schedule="constant",
        ema=0.999,  # ours: the average over about a thousand steps is exported
        bf16=True,  # ours
    )
    # Ours: Adam's usual step size, falling to 0 within the five minutes, instead of 500,000 small steps.
    laptop = replace(
        author, minutes=base.PRESET_MINUTES, height_px=64, width_px=64, load_px=None, steps=None, batch=16,
        learning_rate=1e-3, schedule="cosine", warmup_steps=20, clip=1.0, ema=0.98, fall_at_step=None,
        save_every_minutes=1.0, most_validation=40,
    )  # fmt: skip
    temperature = 0.38

    settings: Settings
    centers: Tensor
    weights: Tensor
    encoder: SoftEncoder

    def build(self) -> nn.Module:
        return ECCVGenerator()

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        # The last layer holds the bin centers, which are fixed.
        trained = [p for name, p in network.named_parameters() if not name.startswith("model_out")]
        s = self.settings
        return torch.optim.Adam(trained, lr=s.learning_rate, betas=(0.9, 0.99), weight_decay=s.weight_decay, fused=True)

    def learning_rate(self) -> float:
        rate = super().learning_rate()
        fallen = self.settings.fall_at_step is not None and self.clock.step >= self.settings.fall_at_step
        return rate * self.settings.fall if fallen else rate

    def start(self, network: nn.Module, data: TrainingSet) -> None:
        assert isinstance(network, ECCVGenerator)
        table = network.model_out.weight
        if self.warm:
            centers = table[:, :, 0, 0].T.clone() * network.ab_norm
        else:
            centers = bin_centres(gamut_ab())
            table.copy_(centers.T[:, :, None, None] / network.ab_norm)
        self.restore({"centres": centers, "weights": torch.ones(len(centers))}, data.device)
        canvas = Canvas(self.settings.prior_px, self.settings.prior_px)
        pictures = still_pictures(data.samples[: self.settings.prior_photos], canvas)
        prior = torch.zeros(len(centers), device=data.device)
        for part in pictures.split(100):  # type: ignore[no-untyped-call]
            lab = rgb_to_lab(part.to(data.device).float() / 255)
            prior += self.encoder.prior(F.avg_pool2d(lab[:, 1:], 4)) * len(part) / len(pictures)
        self.weights = rebalancing_weights(prior, self.centers, self.settings.mix)

    def state(self) -> dict[str, Tensor]:
        return {"centres": self.centers, "weights": self.weights}

    def restore(self, state: dict[str, Tensor], device: torch.device) -> None:
        self.centers = state["centres"].to(device)
        self.weights = state["weights"].to(device)
        self.encoder = SoftEncoder(self.centers)

    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        assert isinstance(network, ECCVGenerator)
        lab = rgb_to_lab(rgb)
        with self.autocast(rgb.device):
            logits = network.logits(lab[:, :1])
        logp = F.log_softmax(logits.float(), dim=1)
        index, share = self.encoder(F.avg_pool2d(lab[:, 1:], 4))
        crossed = -(logp.gather(1, index) * share).sum(1)
        weight = (self.weights[index] * share).sum(1)
        return {"loss": (crossed * weight).mean(), "cross_entropy": crossed.mean()}

    def spec(self, name: str) -> ModelSpec:
        return self.plain_spec(
            name, "ECCV16 network", size_multiple=8, has_distribution=True, temperature=self.temperature
        )
