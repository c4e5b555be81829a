"""Tests of the network with a pretrained encoder: sizes, gray input, independence of batch and training mode."""

import pytest
import torch

from colorizers.colorspace.lab import lightness
from colorizers.networks.efficientnet import TAPPED, EfficientNetLite
from colorizers.networks.lite import STRIDE, LiteColorizer


@pytest.fixture(scope="module")
def network() -> LiteColorizer:
    torch.manual_seed(3)
    network = LiteColorizer().eval()
    network.get_buffer("bin_centres").copy_(torch.rand(313, 2) * 200 - 100)
    return network


@torch.no_grad()
def test_sizes(network: LiteColorizer) -> None:
    L = torch.rand(2, 1, 2 * STRIDE, 3 * STRIDE) * 100
    none = torch.zeros_like(L)
    ab, logits = network.guess(L, none.expand(-1, 2, -1, -1), none)
    assert ab.shape == (2, 2, 16, 24)
    assert logits.shape == (2, 313, 16, 24)
    taps = network.encoder(network.network_input(L))
    assert [tap.shape[1:] for tap in taps] == [
        (channels, 64 // stride, 96 // stride) for channels, stride in zip(TAPPED.values(), (4, 8, 16, 32), strict=True)
    ]
    assert sum(parameter.numel() for parameter in network.parameters()) < 14e6


def test_input_is_the_encoded_gray(network: LiteColorizer) -> None:
    gray = torch.arange(256)
    L = torch.from_numpy(lightness(gray.byte().numpy()[None]))[None, None]
    assert ((network.network_input(L)[0, 0, 0] * 128 + 127) - gray).abs().max() < 0.02


@torch.no_grad()
def test_answer_depends_neither_on_the_batch_nor_on_the_mode(network: LiteColorizer) -> None:
    L = torch.rand(3, 1, 64, 64) * 100
    together = network(network.network_input(L))
    network.train()
    alone = network(network.network_input(L[:1]))
    network.eval()
    assert torch.allclose(together[:1], alone, atol=1e-4)


def test_hints_are_refused(network: LiteColorizer) -> None:
    L, mask = torch.zeros(1, 1, 64, 64), torch.ones(1, 1, 64, 64)
    with pytest.raises(ValueError, match="hints"):
        network.guess(L, mask.expand(-1, 2, -1, -1), mask)


def test_encoder_pads_as_tensorflow_does() -> None:
    encoder = EfficientNetLite()
    with torch.no_grad():
        encoder.stem.weight.zero_()
        encoder.stem.weight[0, 0, 0, 0] = 1  # the kernel's first element: no padding above and to the left
        encoder.stem.bias.zero_()  # type: ignore[union-attr]
        picture = torch.zeros(1, 1, 32, 32)
        picture[0, 0, 0, 0] = 5
        assert float(encoder.stem(picture)[0, 0, 0, 0]) == 5
