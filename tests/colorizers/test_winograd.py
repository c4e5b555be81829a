"""Winograd's convolutions against PyTorch's own, and through a whole published network."""

import pytest
import torch
from torch import nn

from colorizers.eccv16 import ECCVGenerator
from colorizers.winograd import WinogradConv2d, with_winograd
from tests.colorizers.standin import standin_state_dict


@pytest.mark.parametrize(
    ("shape", "dilation"),
    [
        ((1, 32, 8, 8), 1),
        ((2, 64, 13, 6), 1),
        ((1, 32, 1, 5), 1),
        ((1, 32, 12, 12), 2),
        ((1, 64, 7, 11), 2),
        ((1, 32, 70, 69), 1),
    ],
)
def test_the_answer_is_that_of_the_plain_convolution(shape: tuple[int, int, int, int], dilation: int) -> None:
    torch.manual_seed(1)
    plain = nn.Conv2d(shape[1], 96, 3, padding=dilation, dilation=dilation)
    x = torch.randn(shape)
    with torch.inference_mode():
        expected, found = plain(x), WinogradConv2d(plain)(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_a_layer_without_bias_adds_none() -> None:
    plain = nn.Conv2d(32, 32, 3, padding=1, bias=False)
    with torch.inference_mode():
        assert WinogradConv2d(plain)(torch.zeros(1, 32, 5, 5)).abs().max() == 0


def test_small_strided_and_1x1_layers_stay_as_they_are() -> None:
    network = nn.Sequential(
        nn.Conv2d(64, 128, 3, padding=1), nn.Conv2d(128, 128, 3, stride=2, padding=1), nn.Conv2d(128, 313, 1)
    )
    assert with_winograd(network) == 0


def test_a_published_network_gives_the_same_ab() -> None:
    network = ECCVGenerator().eval()
    network.load_state_dict(standin_state_dict("eccv16"))
    L = torch.linspace(0, 100, 96 * 96).reshape(1, 1, 96, 96)
    with torch.inference_mode():
        expected = network(L)
        assert with_winograd(network) == 16
        assert (network(L) - expected).abs().max() < 2e-3
