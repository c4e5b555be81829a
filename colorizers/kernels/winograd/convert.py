"""Replacement of a network's large convolutions by Winograd convolutions, which take less than half the time.

For inference on the CPU; results differ by about 1e-5 of their size (see `layers`).
"""

from collections.abc import Callable, Sequence

from torch import nn

from colorizers.kernels.winograd.layers import PointwiseConv2d, WinogradConv2d, WinogradConvTranspose2d
from colorizers.kernels.winograd.matmul import PANEL
from colorizers.kernels.winograd.transforms import LANES

# With fewer channels the transforms cost as much as the products save.
_FEWEST_CHANNELS = 64


def convert_to_winograd(network: nn.Module) -> int:
    """Replace in place the convolutions of `network`, in evaluation mode, that become faster; return their number.

    ReLU and batch norm that follow one in an `nn.Sequential` are fused with it.
    """
    replaced = 0
    children = list(network.named_children())
    for number, (name, child) in enumerate(children):
        layer_type = _replacement(child)
        if layer_type is None:
            replaced += convert_to_winograd(child)
            continue
        fused = _followers(children[number + 1 :]) if isinstance(network, nn.Sequential) else {}
        setattr(network, name, layer_type(child, list(fused.values())))
        for follower in fused:
            setattr(network, follower, nn.Identity())
        replaced += 1
    return replaced


def _replacement(layer: nn.Module) -> Callable[..., nn.Module] | None:
    """Return the type of layer that replaces `layer`, or None."""
    if not isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)) or layer.groups != 1 or layer.padding_mode != "zeros":
        return None
    if min(layer.in_channels, layer.out_channels) < _FEWEST_CHANNELS:
        return None
    shape = layer.kernel_size, layer.stride, layer.padding, layer.dilation
    if isinstance(layer, nn.Conv2d) and shape == ((1, 1), (1, 1), (0, 0), (1, 1)):
        return PointwiseConv2d
    if layer.in_channels % LANES or layer.out_channels % PANEL:
        return None
    if isinstance(layer, nn.ConvTranspose2d):
        is_doubling = shape == ((4, 4), (2, 2), (1, 1), (1, 1)) and layer.output_padding == (0, 0)
        return WinogradConvTranspose2d if is_doubling else None
    keeps_size = layer.padding == layer.dilation and layer.dilation[0] == layer.dilation[1]
    return WinogradConv2d if shape[:2] == ((3, 3), (1, 1)) and keeps_size else None


def _followers(children: Sequence[tuple[str, nn.Module]]) -> dict[str, nn.Module]:
    """Return the next modules of a sequence that a convolution can be fused with: ReLU, then batch norm."""
    found: dict[str, nn.Module] = {}
    for kinds in ((nn.ReLU, nn.LeakyReLU), (nn.BatchNorm2d,)):
        if len(children) > len(found) and isinstance(children[len(found)][1], kinds):
            name, child = children[len(found)]
            found[name] = child
    return found
