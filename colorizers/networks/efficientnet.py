"""EfficientNet-Lite0 (Tan and Le 2019, in the form for small devices) as an encoder of gray photographs.

Batch norm is folded into the convolutions, so there are no statistics that could go stale. Padding is TensorFlow's
'same': at stride 2 one more pixel on the right and below.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEM_CHANNELS = 32


class Stage(NamedTuple):
    """A run of `blocks` with one kernel size, the first of which has the stride; `widening` inside each of them."""

    blocks: int
    kernel: int
    stride: int
    widening: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


class SameConv(nn.Conv2d):
    """A convolution with bias and TensorFlow's 'same' padding, for inputs whose sides the stride divides."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups)
        self.before, self.after = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] > 1:
            x = F.pad(x, (self.before, self.after) * 2)
        if self.groups > 1 and torch.is_grad_enabled() and x.requires_grad:
            # Gradients of depthwise convolutions in bfloat16 take up to a hundred times as long as in float32.
            with torch.autocast(x.device.type, enabled=False):
                return super().forward(x.float()).to(x.dtype)
        return super().forward(x)


class InvertedResidual(nn.Module):
    """Widen, convolve each channel by itself, narrow; added to the input where shapes allow (Sandler et al. 2018)."""

    def __init__(self, in_channels: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = in_channels * stage.widening
        self.expand = SameConv(in_channels, wide, 1) if stage.widening > 1 else nn.Identity()
        self.depthwise = SameConv(wide, wide, stage.kernel, stride, groups=wide)
        self.project = SameConv(wide, stage.channels, 1)
        self.is_widened = stage.widening > 1
        self.is_added = stride == 1 and in_channels == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        wide = F.relu6(self.expand(x)) if self.is_widened else x
        y: Tensor = self.project(F.relu6(self.depthwise(wide)))
        return x + y if self.is_added else y


class EfficientNetLite(nn.Module):
    """The encoder; `forward` returns the features at strides 4, 8, 16 and 32 of input (n, 1, h, w), h and w by 32."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(1, STEM_CHANNELS, 3, 2)
        self.blocks = nn.ModuleList()
        channels = STEM_CHANNELS
        for stage in STAGES:
            for number in range(stage.blocks):
                self.blocks.append(InvertedResidual(channels, stage, stage.stride if number == 0 else 1))
                channels = stage.channels

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.relu6(self.stem(x))
        taps = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in TAPPED:
                taps.append(x)
        return taps


# The last block at each stride, and how many channels it gives.
TAPPED = {2: 24, 4: 40, 10: 112, 15: 320}
