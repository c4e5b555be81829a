"""The ECCV16 network: ab from L, by a distribution over 313 ab bins.

Zhang, Isola, Efros: "Colorful Image Colorization", ECCV 2016, as its authors published it for PyTorch
(colorization_release_v2). Attribute names are the keys of the published state dict.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

from torch import Tensor, nn

from colorizers.base_color import BaseColor, conv_stage
from colorizers.weights.registry import MODEL_DIR
from colorizers.weights.state_dict import load_pretrained

BINS = 313


class ECCVGenerator(BaseColor):
    """Predicts ab (n, 2, h, w), raw units, from L (n, 1, h, w) in 0..100; h and w are multiples of 8."""

    def __init__(self, norm_layer: Callable[[int], nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        self.model1 = conv_stage((1, 64, 64), norm_layer, stride=2)
        self.model2 = conv_stage((64, 128, 128), norm_layer, stride=2)
        self.model3 = conv_stage((128, 256, 256, 256), norm_layer, stride=2)
        self.model4 = conv_stage((256, 512, 512, 512), norm_layer)
        self.model5 = conv_stage((512, 512, 512, 512), norm_layer, dilation=2)
        self.model6 = conv_stage((512, 512, 512, 512), norm_layer, dilation=2)
        self.model7 = conv_stage((512, 512, 512, 512), norm_layer)
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(512, 256, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, BINS, 1),
        )
        self.softmax = nn.Softmax(dim=1)
        # The weight holds the bin centers as fractions of 110, so that the convolution is the distribution's mean.
        self.model_out = nn.Conv2d(BINS, 2, 1, bias=False)
        self.upsample4 = nn.Upsample(scale_factor=4, mode="bilinear")

    def logits(self, input_l: Tensor) -> Tensor:
        """Return the logits (n, 313, h/4, w/4) of the ab bins for L (n, 1, h, w) in 0..100."""
        x = self.model2(self.model1(self.normalize_l(input_l)))
        x = self.model5(self.model4(self.model3(x)))
        return cast(Tensor, self.model8(self.model7(self.model6(x))))

    def decode(self, logits: Tensor, temperature: float | None = None) -> Tensor:
        """Return ab (n, 2, h, w), raw units, the mean of the distribution given by `logits` (n, 313, h, w).

        `temperature` anneals it first (paper, section 2.3): below 1 towards the mode; None is the published mean.
        """
        if temperature is not None:
            logits = logits / temperature
        count, bins, height, width = logits.shape
        # As rows of bins, which is their memory layout on a CPU: softmax along memory takes a fifth of the time.
        shares = self.softmax(logits.permute(0, 2, 3, 1).reshape(-1, bins)).view(count, height, width, bins)
        return self.unnormalize_ab(self.model_out(shares.permute(0, 3, 1, 2)))

    def forward(self, input_l: Tensor) -> Tensor:
        """Return ab (n, 2, h, w), raw units, for L (n, 1, h, w) in 0..100, as in the authors' package."""
        return cast(Tensor, self.upsample4(self.decode(self.logits(input_l))))

    def predict(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None) -> Tensor:
        """Return ab (n, 2, h/4, w/4), raw units, for L (n, 1, h, w) in 0..100; `forward` upsamples it to the size of L.

        Raises `ValueError` when `hint_ab` (n, 2, h, w) or `hint_mask` (n, 1, h, w) hold hints, which this network has
        no input for.
        """
        return self.guess(L, hint_ab, hint_mask, temperature)[0]

    def guess(
        self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the result of `predict`, and the logits (n, 313, h/4, w/4)."""
        if bool(hint_mask.any()) or bool(hint_ab.any()):
            raise ValueError("ECCV16 does not take colour hints.")
        logits = self.logits(L)
        return self.decode(logits, temperature), logits

    def centres(self) -> Tensor:
        """Return the bin centers (313, 2) in raw ab units."""
        return self.unnormalize_ab(self.model_out.weight[:, :, 0, 0].T).float()


def eccv16(pretrained: bool = True, model_dir: Path = MODEL_DIR, offline: bool = False) -> ECCVGenerator:
    """Create the network, if `pretrained` with the published weights from `model_dir`, else downloaded into it.

    Raises a `WeightsError` where they are not available (`offline` forbids the download); other weights are never
    taken. As in the authors' package the network is in training mode: call `.eval()` before use.
    """
    model = ECCVGenerator()
    if pretrained:
        load_pretrained(model, "eccv16", model_dir, offline)
    return model
