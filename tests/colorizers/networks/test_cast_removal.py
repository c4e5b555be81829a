"""Tests of cast removal: one hue all over loses half of it; several hues and hinted photos are left alone."""

import pytest
import torch
from torch import Tensor, nn

from colorizers.networks.cast_removal import with_less_cast
from colorizers.networks.embedded import EmbeddedColorizer

TEMPERATURE = 0.85
GRID = torch.arange(-60.0, 61.0, 10)
CENTRES = torch.cartesian_prod(GRID, GRID)


def _logits(means: Tensor, spread: Tensor) -> Tensor:
    """Return logits (bins, h, w) of normal distributions with `means` (h, w, 2) and `spread` (h, w), all in ab."""
    away = (CENTRES - means[:, :, None]).square().sum(-1)
    return (-away / (2 * spread[..., None] ** 2)).permute(2, 0, 1) * TEMPERATURE


def _ab(logits: Tensor) -> Tensor:
    """Return the mean ab (h, w, 2) at the temperature."""
    return torch.softmax(logits / TEMPERATURE, 0).permute(1, 2, 0) @ CENTRES


def _browns() -> Tensor:
    """Return browns (20, 30, 2) that differ a little."""
    torch.manual_seed(1)
    return torch.tensor([6.0, 12.0]) + torch.randn(20, 30, 2) * 2


def _brown_network() -> EmbeddedColorizer:
    """Return a network of random weights whose answers all lean to brown."""
    torch.manual_seed(2)
    network = EmbeddedColorizer().eval()
    network.get_buffer("bin_centres").uniform_(-50, 50)
    torch.nn.init.normal_(network.head.weight, std=0.02)
    network.head.bias = torch.nn.Parameter(network.centres() @ torch.tensor([0.005, 0.01]))
    return network


class _StreetNetwork(EmbeddedColorizer):
    """A network that sees one brown in a photo, and where the photo is bright a vague yellow, 7 % purple."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bin_centres", CENTRES)
        self.head = nn.Identity()  # type: ignore[assignment]

    def features(self, x: Tensor, _own_share: float = 0.0) -> Tensor:
        """Return logits (n, bins, h/4, w/4)."""
        brown, yellow, purple = (
            torch.softmax(_logits(torch.tensor([[[a, b]]]), torch.tensor([[spread]])) / TEMPERATURE, 0)
            for a, b, spread in ((6.0, 12.0, 15.0), (2.0, 12.0, 15.0), (30.0, -40.0, 8.0))
        )
        spray = 0.93 * yellow + 0.07 * purple
        return torch.where(x[:, :1, ::4, ::4] > 0, spray, brown).log() * TEMPERATURE


def test_half_of_a_cast_is_taken_and_chroma_stays() -> None:
    given = _logits(_browns(), torch.full((20, 30), 15.0))
    less, gain = with_less_cast(given, CENTRES)
    before, after = _ab(given), _ab(less)
    assert torch.allclose(after.mean((0, 1)), before.mean((0, 1)) / 2, atol=0.01)
    assert gain * after.norm(dim=2).mean().item() == pytest.approx(before.norm(dim=2).mean().item(), rel=1e-4)
    apart = before.var((0, 1)).sum().sqrt()
    assert gain * after.var((0, 1)).sum().sqrt() > 1.5 * apart


def test_what_is_sure_of_its_colour_moves_less() -> None:
    spread = torch.full((20, 30), 20.0)
    spread[:10] = 6.0
    given = _logits(_browns(), spread)
    moved = (_ab(with_less_cast(given, CENTRES)[0]) - _ab(given)).norm(dim=2)
    assert moved[:10].max() < moved[10:].min() / 3


@pytest.mark.parametrize(
    "means",
    [
        pytest.param(_browns() * torch.tensor([1.0, -1.0]).repeat(15)[None, :, None], id="two hues"),
        pytest.param(_browns() * torch.linspace(0, 3, 30)[None, :, None], id="one hue, gray to vivid"),
        pytest.param(torch.zeros(20, 30, 2), id="gray"),
    ],
)
def test_other_answers_stay(means: Tensor) -> None:
    given = _logits(means, torch.full((20, 30), 15.0))
    less, gain = with_less_cast(given, CENTRES)
    assert torch.equal(less, given)
    assert gain == 1


def test_one_uniform_colour_stays_as_it_is() -> None:
    given = _logits(torch.tensor([6.0, 12.0]).expand(20, 30, 2), torch.full((20, 30), 15.0))
    less, gain = with_less_cast(given, CENTRES)
    assert torch.allclose(gain * _ab(less), _ab(given), atol=0.01)


def test_the_temperature_of_the_answer_changes_neither_logits_nor_gain() -> None:
    network, photo = _brown_network(), (torch.rand(1, 1, 32, 48) * 100, torch.zeros(1, 2, 32, 48))
    with torch.inference_mode():
        warm, cold = (network.guess(*photo, torch.zeros(1, 1, 32, 48), value) for value in (2.0, 0.3))
        assert torch.equal(warm[1], cold[1])
        gains = [
            answer[0].norm(dim=1).mean() / network.decode(answer[1], value).norm(dim=1).mean()
            for answer, value in ((warm, 2.0), (cold, 0.3))
        ]
    assert gains[0].item() == pytest.approx(gains[1].item(), rel=1e-4)
    assert gains[0] > 1.3


def test_spray_does_not_turn_lilac_where_a_cast_is_taken() -> None:
    L = torch.full((1, 1, 96, 128), 40.0)
    L[..., 32:64, 32:64] = 90.0
    with torch.inference_mode():
        ab, _ = _StreetNetwork().eval().guess(L, torch.zeros(1, 2, 96, 128), torch.zeros(1, 1, 96, 128), TEMPERATURE)
    a, b = ab[0, :, 8:16, 8:16]
    assert b.min() > 1
    assert a.max() < 5


def test_each_photo_of_a_batch_loses_its_own_cast_and_hinted_ones_none() -> None:
    network = _brown_network()
    L, hint_ab, mask = torch.rand(3, 1, 32, 48) * 100, torch.zeros(3, 2, 32, 48), torch.zeros(3, 1, 32, 48)
    mask[1, :, 4:8, 4:8] = 1.0
    with torch.inference_mode():
        ab, logits = network.guess(L, hint_ab, mask, TEMPERATURE)
        for index in (0, 2):
            one, its_logits = network.guess(L[[index]], hint_ab[[index]], mask[[index]], TEMPERATURE)
            assert torch.allclose(its_logits[0], logits[index], atol=1e-4)
            assert torch.allclose(one[0], ab[index], atol=1e-2)
        plain = network.decode(logits, TEMPERATURE)
    gains = ab.norm(dim=1).mean((1, 2)) / plain.norm(dim=1).mean((1, 2))
    assert gains[1].item() == pytest.approx(1)
    assert min(gains[0], gains[2]) > 1.3
