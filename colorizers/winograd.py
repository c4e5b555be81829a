"""A network in, the same network out with its large 3x3 convolutions done Winograd's way: half the time, same answer.

F(4x4, 3x3) of Lavin and Gray 2016 (arXiv 1509.09308) takes 36 products for 16 results where the plain way takes 144.
In single precision the answer differs by some 1e-5 of its size. The transformed weights take four times the memory of
the plain ones, which they replace. For inference on the CPU only.
"""

import torch
from torch import Tensor, nn

from colorizers.winograd_kernels import BLOCK, enter, leave

# With fewer channels the transforms cost what the products save.
_FEWEST_CHANNELS = 128
# At a time, so that what lies between the transforms stays near the size of the features themselves.
_MOST_TILES = 256
# G of the paper for F(4, 3).
_WEIGHTS_TRANSFORM = (
    (1 / 4, 0.0, 0.0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0.0, 0.0, 1.0),
)


class WinogradConv2d(nn.Module):
    """A 3x3 convolution with stride 1 that keeps the size: (n, c, h, w) float32 in, (n, c', h, w) float32 out."""

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__()
        self._dilation = plain.dilation[0]
        before, after = plain.in_channels, plain.out_channels
        across = torch.tensor(_WEIGHTS_TRANSFORM)
        # One product with the weights as (9, c * c'): transforming them takes a moment, not seconds.
        weight = plain.weight.detach().permute(2, 3, 1, 0).reshape(9, before * after)
        self._weight = (torch.kron(across, across) @ weight).reshape(36, before, after)
        self._bias = torch.zeros(plain.out_channels) if plain.bias is None else plain.bias.detach().clone()

    def forward(self, x: Tensor) -> Tensor:
        """Return what the plain convolution returns, in the channels-last memory format."""
        pixels = x.permute(0, 2, 3, 1).contiguous()
        count, height, width, channels = pixels.shape
        down, across = -(-height // (4 * self._dilation)), -(-width // (4 * self._dilation))
        y = torch.empty(count, height, width, self._weight.shape[2])
        layout, total = (self._dilation, down, across), self._dilation**2 * down * across
        for one, result in zip(pixels, y, strict=True):
            for start in range(0, total, _MOST_TILES):
                tiles = torch.empty(36, min(_MOST_TILES, total - start), channels)
                enter(one.numpy(), *layout, start, tiles.numpy())
                products = torch.bmm(tiles, self._weight)
                leave(products.numpy(), self._bias.numpy(), *layout, start, result.numpy())
        return y.permute(0, 3, 1, 2)


def with_winograd(network: nn.Module) -> int:
    """Replace the convolutions of `network` that gain by it, in place; returns how many those are."""
    replaced = 0
    for name, child in list(network.named_children()):
        if isinstance(child, nn.Conv2d) and _gains(child):
            setattr(network, name, WinogradConv2d(child))
            replaced += 1
        else:
            replaced += with_winograd(child)
    return replaced


def _gains(conv: nn.Conv2d) -> bool:
    return (
        conv.kernel_size == (3, 3)
        and conv.stride == (1, 1)
        and conv.groups == 1
        and conv.padding_mode == "zeros"
        and conv.dilation[0] == conv.dilation[1]
        and conv.padding == conv.dilation
        and min(conv.in_channels, conv.out_channels) >= _FEWEST_CHANNELS
        and conv.in_channels % BLOCK == 0
        and conv.out_channels % BLOCK == 0
    )
