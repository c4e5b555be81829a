"""Tests of the embedded network's two passes and of its mixed statistics."""

import pytest
import torch
from torch import Tensor, nn

from colorizers.networks.embedded import OWN_SHARE, EmbeddedColorizer, mixed_norm
from colorizers.networks.logit_adjustment import towards_true_shares


def _norm_of(pictures: Tensor) -> nn.BatchNorm2d:
    """Return a batch norm that has learnt the statistics of `pictures`."""
    norm = nn.BatchNorm2d(pictures.shape[1], momentum=1.0)
    nn.init.uniform_(norm.weight, 0.5, 2.0)
    nn.init.uniform_(norm.bias, -1.0, 1.0)
    norm(pictures)
    norm.get_buffer("running_var").copy_(pictures.var((0, 2, 3), correction=0))
    return norm.eval()


@pytest.mark.parametrize("copies", [1, 3])
def test_the_statistics_are_those_of_learnt_and_own_pixels_together(copies: int) -> None:
    torch.manual_seed(1)
    learnt, own = torch.randn(1, 4, 8, 8) * 3 + 1, torch.randn(1, 4, 8, 8) - 2
    norm = _norm_of(learnt)
    all_pixels = torch.cat([learnt] + [own] * copies, dim=3)
    expected = nn.functional.batch_norm(
        own, all_pixels.mean((0, 2, 3)), all_pixels.var((0, 2, 3), correction=0), norm.weight, norm.bias
    )
    assert torch.allclose(mixed_norm(norm, own, copies / (copies + 1)), expected, atol=1e-5)


def test_each_picture_has_its_own_statistics() -> None:
    torch.manual_seed(2)
    pictures = torch.stack([torch.randn(4, 8, 8), torch.randn(4, 8, 8) * 5 + 3])
    norm = _norm_of(torch.randn(2, 4, 8, 8))
    together = mixed_norm(norm, pictures, 0.4)
    alone = torch.cat([mixed_norm(norm, picture[None], 0.4) for picture in pictures])
    assert torch.allclose(together, alone, atol=1e-6)
    assert not torch.allclose(together, norm(pictures), atol=0.1)


def _network() -> EmbeddedColorizer:
    """Return a network of random weights whose answers are gray on average: without a cast to be taken."""
    torch.manual_seed(3)
    network = EmbeddedColorizer().eval()
    centres = network.get_buffer("bin_centres")
    centres.uniform_(-50, 50)
    centres -= centres.mean(0)
    network.head.bias = nn.Parameter(network.get_parameter("head.bias") - towards_true_shares(centres))
    return network


def _shift(network: EmbeddedColorizer) -> Tensor:
    """Return what every guess of `network` adds to its logits."""
    return towards_true_shares(network.centres())[:, None, None]


def test_a_guess_is_the_mean_of_both_looks() -> None:
    network = _network()
    L, hint_ab, mask = torch.rand(1, 1, 160, 192) * 100, torch.zeros(1, 2, 160, 192), torch.zeros(1, 1, 160, 192)
    hint_ab[..., 4:8, 4:8], mask[..., 4:8, 4:8] = 30.0, 1.0
    with torch.inference_mode():
        ab, logits = network.guess(L, hint_ab, mask, 0.5)
        x = network.network_input(L, hint_ab, mask)
        mirrored = network.head(network.features(x.flip(3), OWN_SHARE)).flip(3)
        assert torch.allclose(logits, (network(x) + mirrored) / 2 + _shift(network), atol=1e-5)
        assert not torch.allclose(logits, network(x) + _shift(network), atol=1e-3)
        assert torch.allclose(ab, network.decode(logits, 0.5), atol=1e-4)


def test_without_hints_the_second_look_leaves_the_margins_out() -> None:
    network = _network()
    L, hint_ab, mask = torch.rand(2, 1, 160, 192) * 100, torch.zeros(2, 2, 160, 192), torch.zeros(2, 1, 160, 192)
    with torch.inference_mode():
        _, logits = network.guess(L, hint_ab, mask)
        x = network.network_input(L, hint_ab, mask)
        first, inside = network(x), x[:, :, 8:-8, 8:-8]
        second = network.head(network.features(inside.flip(3), OWN_SHARE)).flip(3)
    logits = logits - _shift(network)
    assert torch.allclose(logits[:, :, 2:-2, 2:-2], (first[:, :, 2:-2, 2:-2] + second) / 2, atol=1e-5)
    change = logits - first
    assert torch.allclose(change[:, :, :2], change[:, :, [2, 2]], atol=1e-5)
    assert torch.allclose(change[..., -2:], change[..., [-3, -3]], atol=1e-5)
