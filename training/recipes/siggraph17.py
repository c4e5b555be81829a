"""Recipe of SIGGRAPH17: classification over 529 ab cells, then regression from simulated hints.

Zhang, Zhu, Isola, Geng, Lin, Yu, Efros: "Real-Time User-Guided Image Colorization with Learned Deep Priors", SIGGRAPH
2017, sections 3.1 and 3.2. Learning rates, epochs and crops are those of the authors' PyTorch training code.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.torch_lab import rgb_to_lab
from colorizers.siggraph17 import CELL_SIZE, CELLS_PER_AXIS, SIGGRAPHGenerator
from colorizers.weights.registry import ModelSpec
from training.data.simulated_hints import simulate_hints
from training.recipes import base


@dataclass(frozen=True, kw_only=True)
class Settings(base.Settings):
    """A `classify_share` of the run trains the classification, the rest the regression from hints.

    The learning rate of the regression is `regression_rate`, for the last `fine_share` of the run `fine_rate`. Runs
    that start from trained weights skip the classification.
    """

    classify_share: float = 0.6  # 15 of the authors' 25 epochs
    regression_rate: float = 1e-5
    fine_share: float = 0.1
    fine_rate: float = 1e-6
    hint_stop_p: float = 1 / 8
    hint_patch_px: int = 9


class Siggraph17(base.Recipe):
    """Training of the published network of 2017."""

    name = "siggraph17"
    settings_class = Settings
    author = Settings(
        height_px=176,  # crops of 176 from pictures of 256
        width_px=176,
        load_px=256,
        batch=25,
        epochs=25,
        learning_rate=1e-4,
        schedule="constant",
        ema=0.999,  # ours
        bf16=True,  # ours
    )
    # Ours: larger steps, since there are few, and the authors' phases compressed into five minutes.
    laptop = replace(
        author, minutes=base.PRESET_MINUTES, height_px=64, width_px=64, load_px=None, epochs=None, batch=16,
        learning_rate=1e-3, regression_rate=3e-4, fine_rate=3e-5, classify_share=0.4, warmup_steps=20, clip=1.0,
        ema=0.98, save_every_minutes=1.0, most_validation=40, hint_patch_px=4,
    )  # fmt: skip

    settings: Settings

    def build(self) -> nn.Module:
        return SIGGRAPHGenerator()

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.Adam(network.parameters(), lr=self.settings.learning_rate, betas=(0.9, 0.999), fused=True)

    def learning_rate(self) -> float:
        s = self.settings
        if self.classifies():
            return super().learning_rate()
        return s.fine_rate if self.clock.progress > 1 - s.fine_share else s.regression_rate

    def classifies(self) -> bool:
        """Return whether the run is in its classification phase."""
        return not self.warm and self.clock.progress < self.settings.classify_share

    def losses(self, network: nn.Module, rgb: Tensor) -> dict[str, Tensor]:
        assert isinstance(network, SIGGRAPHGenerator)
        s = self.settings
        lab = rgb_to_lab(rgb)
        L, ab = lab[:, :1], lab[:, 1:]
        hint_ab, mask = simulate_hints(ab, 1.0, s.hint_stop_p, s.hint_patch_px, least=0)
        with self.autocast(rgb.device):
            features = network.features(L, hint_ab, mask)
            answer = network.logits(features) if self.classifies() else network.regress(features)
        if self.classifies():
            loss = F.cross_entropy(answer.float(), cells(ab[:, :, ::4, ::4]))
            return {"loss": loss, "classification": loss}
        loss = F.smooth_l1_loss(answer.float() / network.ab_norm, ab / network.ab_norm, beta=1 / network.ab_norm)
        return {"loss": loss, "regression": loss}

    def spec(self, name: str) -> ModelSpec:
        return self.plain_spec(name, "SIGGRAPH17 network", size_multiple=8, has_hint_inputs=True, has_distribution=True)


def cells(ab: Tensor) -> Tensor:
    """Return the cell 23 * a_index + b_index of every ab: (n, h, w) for (n, 2, h, w)."""
    middle = CELLS_PER_AXIS // 2
    index = (ab / CELL_SIZE).round().long().clamp(-middle, middle) + middle
    return CELLS_PER_AXIS * index[:, 0] + index[:, 1]
