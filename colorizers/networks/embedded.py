"""The embedded default network: a distribution over 313 ab bins at 1/4 size, from L and ab hints.

A convolutional encoder (strides 2, 4, 8, 16) keeps edges, a few transformer blocks at 1/16 see the whole photo, because
the color of an object depends on what it is, and a convolutional decoder returns to 1/4 size. The network is small
enough for the repository and fast enough for one CPU core.

A prediction is the mean of two passes. The second pass is over the mirror image without the margins, and takes the
statistics of the encoder's batch norm in part from the photo itself (alpha-BN: You et al. 2021; Schneider et al. 2020).
What all of a photo has in common then has less influence: clothes before trees turn less green, a dark sky less brown,
and the frame and worn edges of an old print do not age its colors. The mean has a smaller error than the first pass.
"""

import math
from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from colorizers.networks.cast_removal import with_less_cast
from colorizers.networks.logit_adjustment import towards_true_shares

BINS = 313
STRIDE = 16
L_CENT, L_NORM, AB_NORM = 50.0, 100.0, 110.0

# Share of the photo's own statistics in the second pass. Chosen by evaluation, of 0.1 to 0.3: larger shares make all
# colors paler.
OWN_SHARE = 0.13
# Margin that the second pass leaves out on each side, in short sides of the photo. Chosen by evaluation, of 0 to 0.1.
MARGIN = 0.05


class ConvNorm(nn.Sequential):
    """A 'same' convolution followed by batch norm."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        convolution = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor, own_share: float = 0.0) -> Tensor:
        """Return x (n, in, h, w) convolved and normalized; `own_share` as in `mixed_norm`."""
        convolution, norm = self
        y: Tensor = convolution(x)
        return mixed_norm(cast(nn.BatchNorm2d, norm), y, own_share) if own_share else norm(y)


def mixed_norm(norm: nn.BatchNorm2d, x: Tensor, own_share: float) -> Tensor:
    """Apply `norm` to x (n, c, h, w) with each picture's own statistics to a share `own_share`, 0..1.

    Mean and variance are those of a mixture of that share of the picture and the learned distribution.
    """
    learnt_mean, learnt_var = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    normal = []
    for picture in x.chunk(len(x)):
        own_var, own_mean = torch.var_mean(picture.float(), (0, 2, 3), correction=0)
        apart = own_share * (1 - own_share) * (own_mean - learnt_mean) ** 2
        mean, var = torch.lerp(learnt_mean, own_mean, own_share), torch.lerp(learnt_var, own_var, own_share) + apart
        normal.append(F.batch_norm(picture, mean, var, norm.weight, norm.bias, eps=norm.eps))
    return torch.cat(normal)


class SkippedAtRandom(nn.Module):
    """Stochastic depth (Huang et al. 2016): in training, drop the whole branch for a random share of the samples."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return branch
        shape = (branch.shape[0],) + (1,) * (branch.dim() - 1)
        kept = torch.rand(shape, device=branch.device) >= self.rate
        return branch * kept / (1 - self.rate)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with squeeze-and-excitation (Hu et al. 2018), added to the input."""

    def __init__(self, channels: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.conv1 = ConvNorm(channels, channels)
        self.conv2 = ConvNorm(channels, channels)
        self.squeeze = nn.Conv2d(channels, channels // 8, 1)
        self.excite = nn.Conv2d(channels // 8, channels, 1)
        self.drop_path = SkippedAtRandom(drop_path)

    def forward(self, x: Tensor, own_share: float = 0.0) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x, own_share)), own_share)
        gate = self.excite(F.relu(self.squeeze(y.mean((2, 3), keepdim=True))))
        return F.relu(x + self.drop_path(y * torch.sigmoid(gate)))


class AttentionBlock(nn.Module):
    """A pre-norm transformer block over all positions, with a depthwise convolution as local position code."""

    def __init__(self, channels: int, heads: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.local = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels)
        self.norm1 = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        self.norm2 = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, 4 * channels)
        self.narrow = nn.Linear(4 * channels, channels)
        self.drop_path = SkippedAtRandom(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        n, channels, h, w = x.shape
        x = x + self.local(x)
        tokens: Tensor = x.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm1(tokens)).view(n, h * w, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, channels)
        tokens = tokens + self.drop_path(self.project(attended))
        tokens = tokens + self.drop_path(self.narrow(F.gelu(self.widen(self.norm2(tokens)))))
        return tokens.transpose(1, 2).view(n, channels, h, w)


def position_code(channels: int, h: int, w: int, device: torch.device) -> Tensor:
    """Return sines and cosines of relative height and width, (1, channels, h, w): skies are above, floors below.

    Coordinates run from 0 to 1 whatever the size, so that every working size sees the same code.
    """
    count = channels // 4
    waves = math.pi * 2.0 ** torch.linspace(0, 5, count, device=device)
    rows = (torch.arange(h, device=device) + 0.5) / h
    columns = (torch.arange(w, device=device) + 0.5) / w
    row_code = (rows[:, None] * waves)[:, None, :].expand(h, w, count)
    column_code = (columns[:, None] * waves)[None, :, :].expand(h, w, count)
    code = torch.cat([row_code.sin(), row_code.cos(), column_code.sin(), column_code.cos()], dim=2)
    return code.permute(2, 0, 1)[None]


def _without_margin(x: Tensor, margin: int) -> Tensor:
    """Return x (n, c, h, w) without `margin` rows and columns on each side."""
    return x[:, :, margin : x.shape[2] - margin, margin : x.shape[3] - margin]


class EmbeddedColorizer(nn.Module):
    """Predict a distribution over ab bins for a photo, given its L and optional ab hints.

    `forward` takes (n, 4, h, w): normalized L, normalized hint ab, hint mask {0, 1}; h and w are multiples of 16. It
    returns logits (n, 313, h/4, w/4). `bin_centres` (313, 2) holds the bins' ab in raw units.
    """

    def __init__(self, drop_path: float = 0.0) -> None:
        super().__init__()
        c2, c4, c8, c16, d4 = 24, 48, 96, 256, 64
        self.stem = ConvNorm(4, c2, stride=2)
        self.down4 = ConvNorm(c2, c4, stride=2)
        self.encode4 = self._stack(c4, 1, drop_path)
        self.down8 = ConvNorm(c4, c8, stride=2)
        self.encode8 = self._stack(c8, 2, drop_path)
        self.down16 = ConvNorm(c8, c16, stride=2)
        self.encode16 = self._stack(c16, 1, drop_path)
        self.place = nn.Conv2d(c16, c16, 1)
        self.attend = nn.Sequential(*(AttentionBlock(c16, 4, drop_path) for _ in range(4)))
        self.lift8 = ConvNorm(c16, c8, kernel=1)
        self.merge8 = ConvNorm(2 * c8, c8)
        self.decode8 = self._stack(c8, 1, drop_path)
        self.lift4 = ConvNorm(c8, d4, kernel=1)
        self.merge4 = ConvNorm(d4 + c4, d4)
        self.decode4 = self._stack(d4, 1, drop_path)
        self.head = nn.Conv2d(d4, BINS, 1)
        self.register_buffer("bin_centres", torch.zeros(BINS, 2))

    @staticmethod
    def _stack(channels: int, count: int, drop_path: float) -> nn.Sequential:
        blocks: Iterable[nn.Module] = (ResidualBlock(channels, drop_path) for _ in range(count))
        return nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits

    def features(self, x: Tensor, own_share: float = 0.0) -> Tensor:
        """Return the input of the head, (n, 64, h/4, w/4); training applies the head to a sample of its positions.

        `own_share`, 0..1, is the share of each picture's own statistics in the encoder's batch norm.
        """
        x = F.relu(self.stem(x, own_share))
        at4 = self._encode(x, self.down4, self.encode4, own_share)
        at8 = self._encode(at4, self.down8, self.encode8, own_share)
        at16 = self._encode(at8, self.down16, self.encode16, own_share)
        code = position_code(at16.shape[1], at16.shape[2], at16.shape[3], at16.device)
        at16 = self.attend(at16 + self.place(code.to(at16.dtype)))
        up8 = F.interpolate(self.lift8(at16), size=at8.shape[2:], mode="bilinear")
        up8 = self.decode8(F.relu(self.merge8(torch.cat([up8, at8], dim=1))))
        up4 = F.interpolate(self.lift4(up8), size=at4.shape[2:], mode="bilinear")
        features: Tensor = self.decode4(F.relu(self.merge4(torch.cat([up4, at4], dim=1))))
        return features

    @staticmethod
    def _encode(x: Tensor, down: nn.Module, blocks: nn.Sequential, own_share: float) -> Tensor:
        x = F.relu(down(x, own_share))
        for block in blocks:
            x = block(x, own_share)
        return x

    def network_input(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
        """Return the (n, 4, h, w) input for raw L (0..100), raw hint ab and the hint mask {0, 1}."""
        return torch.cat([(L - L_CENT) / L_NORM, hint_ab / AB_NORM * hint_mask, hint_mask], dim=1)

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
        """Return the result of `predict`, and the logits (n, 313, h/4, w/4), the mean of both passes.

        The logits are adjusted for purple and gray (`colorizers.networks.logit_adjustment`), and photos without hints
        that are of one hue all over lose half of that cast (`colorizers.networks.cast_removal`).
        """
        x = self.network_input(L, hint_ab, hint_mask)
        first: Tensor = self(x)
        hinted = [bool(mask.any()) for mask in hint_mask]
        second = map(self._second_pass, x.chunk(len(x)), first.chunk(len(x)), hinted)
        logits = (first + torch.cat(tuple(second))) / 2 + towards_true_shares(self.centres())[:, None, None]
        return self._without_cast(logits, hinted, 1.0 if temperature is None else temperature)

    def _second_pass(self, x: Tensor, first: Tensor, whole: bool) -> Tensor:
        """Return the second pass's logits for the input x (1, 4, h, w), in the shape of `first`, the first pass's.

        The margins are left out unless the `whole` photo is needed, since hints may lie there. In the margins, the
        difference from the first pass is that at their inner edge.
        """
        margin = 0 if whole else round(MARGIN * min(x.shape[2:]) / (STRIDE // 2)) * (STRIDE // 2)
        second: Tensor = self.head(self.features(_without_margin(x, margin).flip(3), OWN_SHARE)).flip(3)
        cells = margin // 4
        return first + F.pad(second - _without_margin(first, cells), (cells,) * 4, mode="replicate")

    def _without_cast(self, logits: Tensor, hinted: Sequence[bool], temperature: float) -> tuple[Tensor, Tensor]:
        """Return ab and logits of photos with less of a cast; photos with hints are left as they are."""
        answers = [
            (photo, 1.0) if is_hinted else with_less_cast(photo, self.centres())
            for photo, is_hinted in zip(logits.float(), hinted, strict=True)
        ]
        less = torch.stack([photo for photo, _ in answers])
        gains = torch.tensor([gain for _, gain in answers], device=less.device)
        return self.decode(less, temperature) * gains[:, None, None, None], less

    def centres(self) -> Tensor:
        """Return the bins' centres (313, 2) in raw ab units."""
        return self.get_buffer("bin_centres").float()
