"""Colorization network with an ImageNet-pretrained encoder that predicts a distribution over 313 ab bins at 1/4 size.

EfficientNet-Lite0 tells what things are, attention at 1/16 sees the whole photo, and a convolutional decoder with skip
connections brings the answer back to 1/4 size. Nothing normalizes by statistics of the training set.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.efficientnet import TAPPED, EfficientNetLite
from colorizers.networks.embedded import BINS, AttentionBlock, position_code
from colorizers.networks.hintless import HintlessNetwork

STRIDE = 32
_GROUPS = 8


class ConvGroupNorm(nn.Sequential):
    """A 'same' convolution, group norm (Wu and He 2018) and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        convolution = nn.Conv2d(in_channels, out_channels, kernel, 1, kernel // 2, bias=False)
        super().__init__(convolution, nn.GroupNorm(_GROUPS, out_channels), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with group norm, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvGroupNorm(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.first(x))
        return x + y


class LiteColorizer(HintlessNetwork):
    """Predict a distribution over ab bins for L.

    `forward` takes encoded gray (n, 1, h, w) as `network_input` returns it; h and w are multiples of 32. It returns
    logits (n, 313, h/4, w/4). `bin_centres` (313, 2) holds the bins' ab in raw units.
    """

    def __init__(self) -> None:
        super().__init__()
        at4, at8, at16, at32 = TAPPED.values()
        c16, d8, d4 = 256, 128, 96
        self.encoder = EfficientNetLite()
        self.lift16 = nn.Conv2d(at16, c16, 1)
        self.lift32 = nn.Conv2d(at32, c16, 1)
        self.place = nn.Conv2d(c16, c16, 1)
        self.attend = nn.Sequential(*(AttentionBlock(c16, 4) for _ in range(4)))
        self.narrow8 = ConvGroupNorm(c16, d8, 1)
        self.merge8 = ConvGroupNorm(d8 + at8, d8)
        self.decode8 = nn.Sequential(ResidualBlock(d8), ResidualBlock(d8))
        self.narrow4 = ConvGroupNorm(d8, d4, 1)
        self.merge4 = ConvGroupNorm(d4 + at4, d4)
        self.decode4 = ResidualBlock(d4)
        self.norm = nn.GroupNorm(_GROUPS, d4)
        self.head = nn.Conv2d(d4, BINS, 1)
        self.register_buffer("bin_centres", torch.zeros(BINS, 2))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """Return what the head reads, (n, 96, h/4, w/4); training scores only a sample of its positions."""
        at4, at8, at16, at32 = self.encoder(x)
        deep = F.interpolate(self.lift32(at32), size=at16.shape[2:], mode="bilinear")
        code = position_code(deep.shape[1], deep.shape[2], deep.shape[3], deep.device)
        deep = self.attend(self.lift16(at16) + deep + self.place(code.to(deep.dtype)))
        up8 = F.interpolate(self.narrow8(deep), size=at8.shape[2:], mode="bilinear")
        up8 = self.decode8(self.merge8(torch.cat([up8, at8], dim=1)))
        up4 = F.interpolate(self.narrow4(up8), size=at4.shape[2:], mode="bilinear")
        return F.relu(self.norm(self.decode4(self.merge4(torch.cat([up4, at4], dim=1)))))

    @staticmethod
    def network_input(L: Tensor) -> Tensor:
        """Return the encoder's input for L (n, 1, h, w) in 0..100: sRGB gray as (255 gray - 127) / 128."""
        f = (L + 16) / 116
        luminance = torch.where(L > 8, f**3, L / 903.2963)
        encoded = 1.055 * luminance.clamp_min(1e-8) ** (1 / 2.4) - 0.055
        gray = torch.where(luminance > 0.0031308, encoded, 12.92 * luminance)
        return (255 * gray - 127) / 128

    def ab_of(self, L: Tensor) -> Tensor:
        """Return the mean of the distribution, ab (n, 2, h/4, w/4) in raw units, for L (n, 1, h, w) in 0..100."""
        return self.decode(self(self.network_input(L)), 1.0)

    def decode(self, logits: Tensor, temperature: float) -> Tensor:
        """Return the annealed mean (Zhang et al. 2016) of the bins, (n, 2, h, w) in raw ab units."""
        share = torch.softmax(logits.float() / temperature, dim=1)
        with torch.autocast(logits.device.type, enabled=False):  # Half precision would round ab to eighths.
            return torch.einsum("nbhw,bc->nchw", share, self.centres())

    def predict(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None) -> Tensor:
        """Return ab (n, 2, h/4, w/4) in raw units for L (n, 1, h, w) in 0..100; `temperature` defaults to 1."""
        return self.guess(L, hint_ab, hint_mask, temperature)[0]

    def guess(
        self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return what `predict` does, and the logits (n, 313, h/4, w/4). Raises `ValueError` when any hint is given."""
        self.refuse_hints(hint_ab, hint_mask)
        logits: Tensor = self(self.network_input(L)).float()
        return self.decode(logits, 1.0 if temperature is None else temperature), logits

    def centres(self) -> Tensor:
        """Return the bins' centres (313, 2) in raw ab units."""
        return self.get_buffer("bin_centres").float()
