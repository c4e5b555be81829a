"""Tests of the three small networks, layer by layer."""

import torch
from torch import nn

from colorizers.networks.autoencoder import AutoencoderColorizer
from colorizers.networks.residual import BasicBlock, ResidualColorizer
from colorizers.networks.unet import UshapedColorizer


def layers(module: nn.Module) -> list[str]:
    """Return the leaf modules of `module` in order, abbreviated."""
    words = []
    for leaf in module.modules():
        if isinstance(leaf, nn.ConvTranspose2d | nn.Conv2d):
            kind = "up" if isinstance(leaf, nn.ConvTranspose2d) else "conv"
            words.append(f"{kind}{leaf.kernel_size[0]}/{leaf.stride[0]} {leaf.out_channels}")
            assert leaf.bias is not None
        elif isinstance(leaf, nn.Linear):
            words.append(f"linear {leaf.out_features}")
        elif not list(leaf.children()):
            words.append(type(leaf).__name__)
    return words


def test_residual() -> None:
    with torch.device("meta"):
        network = ResidualColorizer()
    blocks = [block for block in network.blocks if isinstance(block, BasicBlock)]
    assert [block.conv1.out_channels for block in blocks] == [128, 256, 512, 512, 512, 512]
    assert [block.conv1.stride[0] for block in blocks] == [2, 2, 1, 1, 1, 1]
    assert [len(block.shortcut) for block in blocks] == [2, 2, 2, 0, 0, 0]
    norm = "BatchNorm2d"
    assert layers(blocks[0]) == ["conv3/2 128", norm, "conv3/1 128", norm, "conv1/2 128", norm]
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {layer.momentum for layer in norms} == {0.5}
    assert layers(network)[-2:] == ["up4/2 313", "up4/2 2"]
    assert (network.up1.padding, network.up2.padding) == ((1, 1), (1, 1))
    assert network(torch.zeros(1, 1, 64, 48, device="meta")).shape == (1, 2, 64, 48)


def test_residual_blocks_end_in_a_relu_and_the_network_does_not() -> None:
    torch.manual_seed(1)
    network = ResidualColorizer().eval()
    L = torch.rand(1, 1, 16, 16) * 100
    with torch.no_grad():
        assert float(network.blocks(L).min()) == 0
        ab = network(L)
        assert torch.equal(ab, network.up2(network.up1(network.blocks(L))))
    assert float(ab.min()) < 0


def test_ushaped() -> None:
    network = UshapedColorizer()
    convolutions = [word for word in layers(network) if word not in ("ReLU", "Upsample")]
    assert convolutions == [
        "conv3/2 8", "conv3/1 8", "conv3/1 16", "conv3/2 16", "conv3/1 32", "conv3/2 32",
        "conv3/1 32", "conv3/1 16", "conv3/1 2", "Tanh",
    ]  # fmt: skip
    assert [word for word in layers(network)[12:] if word != "ReLU"] == [
        "Upsample", "conv3/1 32", "Upsample", "conv3/1 16", "Upsample", "conv3/1 2", "Tanh",
    ]  # fmt: skip
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 184, 272)).shape == (1, 2, 184, 272)
        assert network(torch.zeros(1, 1, 64, 40)).shape == (1, 2, 64, 40)


def test_autoencoder() -> None:
    with torch.device("meta"):
        network = AutoencoderColorizer()
    assert layers(network) == [
        "conv5/1 256", "ReLU", "MaxPool2d", "conv5/1 128", "ReLU", "MaxPool2d", "Flatten",
        "linear 2000", f"linear {20 * 20 * 128}",
        "Unflatten", "Upsample", "conv5/1 128", "ReLU", "Upsample", "conv5/1 3",
    ]  # fmt: skip
    assert network(torch.zeros(2, 3, 80, 80, device="meta")).shape == (2, 3, 80, 80)
    small = AutoencoderColorizer(side_px=16, dense=4)
    answer = small(torch.rand(1, 3, 16, 16)).detach()
    assert 0 < float(answer.min()) <= float(answer.max()) < 1
