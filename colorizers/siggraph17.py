"""The SIGGRAPH17 network: ab from L and the user's color hints.

Zhang, Zhu, Isola, Geng, Lin, Yu, Efros: "Real-Time User-Guided Image Colorization with Learned Deep Priors", SIGGRAPH
2017, as its authors published it for PyTorch. Attribute names are the keys of the published state dict. The published
forward computes its decoder's tail twice; here it is computed once, with the same output.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from colorizers.base_color import BaseColor, conv_stage
from colorizers.weights.registry import MODEL_DIR
from colorizers.weights.state_dict import load_pretrained

# The classes are the cells of a grid over ab: -110..110 by 10 on each axis, numbered 23 * a_index + b_index.
CELLS_PER_AXIS = 23
CELL_SIZE = 10.0


@dataclass(frozen=True)
class Features:
    """Input of the two heads: `conv1_2` (n, 64, h, w), `conv2_2` (n, 128, h/2, w/2), `conv8_3` (n, 256, h/4, w/4)."""

    conv1_2: Tensor
    conv2_2: Tensor
    conv8_3: Tensor


def _conv(before: int, after: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, padding=1)


def _up(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(before, after, 4, stride=2, padding=1))


class SIGGRAPHGenerator(BaseColor):
    """Predicts ab (n, 2, h, w), raw units, from L and color hints; h and w are multiples of 8."""

    def __init__(
        self, norm_layer: Callable[[int], nn.Module] = nn.BatchNorm2d, classes: int = CELLS_PER_AXIS**2
    ) -> None:
        super().__init__()
        self.model1 = conv_stage((4, 64, 64), norm_layer)
        self.model2 = conv_stage((64, 128, 128), norm_layer)
        self.model3 = conv_stage((128, 256, 256, 256), norm_layer)
        self.model4 = conv_stage((256, 512, 512, 512), norm_layer)
        self.model5 = conv_stage((512, 512, 512, 512), norm_layer, dilation=2)
        self.model6 = conv_stage((512, 512, 512, 512), norm_layer, dilation=2)
        self.model7 = conv_stage((512, 512, 512, 512), norm_layer)
        self.model8up = _up(512, 256)
        self.model8 = nn.Sequential(nn.ReLU(inplace=True), *conv_stage((256, 256, 256), norm_layer))
        self.model9up = _up(256, 128)
        self.model9 = nn.Sequential(nn.ReLU(inplace=True), *conv_stage((128, 128), norm_layer))
        self.model10up = _up(128, 128)
        self.model10 = nn.Sequential(nn.ReLU(inplace=True), _conv(128, 128), nn.LeakyReLU(negative_slope=0.2))
        self.model3short8 = nn.Sequential(_conv(256, 256))
        self.model2short9 = nn.Sequential(_conv(128, 128))
        self.model1short10 = nn.Sequential(_conv(64, 128))
        self.model_class = nn.Sequential(nn.Conv2d(256, classes, 1))
        self.model_out = nn.Sequential(nn.Conv2d(128, 2, 1), nn.Tanh())
        self.upsample4 = nn.Sequential(nn.Upsample(scale_factor=4, mode="bilinear"))
        self.softmax = nn.Sequential(nn.Softmax(dim=1))

    def features(self, input_A: Tensor, input_B: Tensor | None = None, mask_B: Tensor | None = None) -> Features:
        """Return what both heads start from; arguments as in `forward`."""
        if input_B is None:
            input_B = torch.zeros_like(input_A).expand(-1, 2, -1, -1)
        if mask_B is None:
            mask_B = torch.zeros_like(input_A)
        together = torch.cat((self.normalize_l(input_A), self.normalize_ab(input_B), mask_B), dim=1)
        conv1_2 = self.model1(together)
        conv2_2 = self.model2(conv1_2[:, :, ::2, ::2])
        conv3_3 = self.model3(conv2_2[:, :, ::2, ::2])
        conv4_3 = self.model4(conv3_3[:, :, ::2, ::2])
        conv7_3 = self.model7(self.model6(self.model5(conv4_3)))
        conv8_3 = self.model8(self.model8up(conv7_3).add_(self.model3short8(conv3_3)))
        return Features(conv1_2, conv2_2, conv8_3)

    def logits(self, features: Features) -> Tensor:
        """Return the logits (n, 529, h/4, w/4) of the ab cells, numbered 23 * a_index + b_index."""
        return cast(Tensor, self.model_class(features.conv8_3))

    def regress(self, features: Features) -> Tensor:
        """Return the published prediction: ab (n, 2, h, w), raw units."""
        conv9_3 = self.model9(self.model9up(features.conv8_3).add_(self.model2short9(features.conv2_2)))
        conv10_2 = self.model10(self.model10up(conv9_3).add_(self.model1short10(features.conv1_2)))
        return self.unnormalize_ab(self.model_out(conv10_2))

    def forward(self, input_A: Tensor, input_B: Tensor | None = None, mask_B: Tensor | None = None) -> Tensor:
        """Return ab (n, 2, h, w), raw units, as in the authors' package.

        `input_A` is L (n, 1, h, w) in 0..100; `input_B` hints (n, 2, h, w) in raw ab units where `mask_B` (n, 1, h, w)
        is 1 and 0 elsewhere; by default there are no hints.
        """
        return self.regress(self.features(input_A, input_B, mask_B))

    def predict(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None) -> Tensor:
        """Return ab, raw units, for L (n, 1, h, w) in 0..100 and hints (n, 2, h, w) raw ab, (n, 1, h, w) in {0, 1}.

        Without a `temperature` it is `forward`; with one it is the annealed mean of the distribution over ab cells,
        (n, 2, h/4, w/4).
        """
        features = self.features(L, hint_ab, hint_mask)
        if temperature is None:
            return self.regress(features)
        return self.annealed_mean(self.logits(features), temperature)

    def guess(
        self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the result of `predict`, and the logits (n, 529, h/4, w/4)."""
        features = self.features(L, hint_ab, hint_mask)
        logits = self.logits(features)
        return self.regress(features) if temperature is None else self.annealed_mean(logits, temperature), logits

    def annealed_mean(self, logits: Tensor, temperature: float) -> Tensor:
        """Return ab (n, 2, h, w), raw units: the mean of the cell centers under `logits` (n, 529, h, w)."""
        share = self.softmax(logits / temperature)
        return torch.einsum("nkhw,kc->nchw", share, self.centres().to(share))

    def centres(self) -> Tensor:
        """Return the cell centers (529, 2) in raw ab units."""
        steps = (torch.arange(CELLS_PER_AXIS, dtype=torch.float32) - CELLS_PER_AXIS // 2) * CELL_SIZE
        return torch.cartesian_prod(steps, steps)


def siggraph17(pretrained: bool = True, model_dir: Path = MODEL_DIR, offline: bool = False) -> SIGGRAPHGenerator:
    """Create the network, if `pretrained` with the published weights from `model_dir`, else downloaded into it.

    Raises a `WeightsError` where they are not available (`offline` forbids the download); other weights are never
    taken. As in the authors' package the network is in training mode: call `.eval()` before use.
    """
    model = SIGGRAPHGenerator()
    if pretrained:
        load_pretrained(model, "siggraph17", model_dir, offline)
    return model
