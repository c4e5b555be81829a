"""Tests of the adjustment of logits: a little purple counts less, gray more, and certain colors stay."""

import pytest
import torch
from torch import Tensor

from colorizers.networks.logit_adjustment import towards_true_shares

GRID = torch.arange(-60.0, 61.0, 10)
CENTRES = torch.cartesian_prod(GRID, GRID)


def _ab(shares: Tensor, shift: Tensor | float) -> Tensor:
    """Return the mean ab (2,) of the bins' `shares`, whose logits are shifted."""
    return torch.softmax(shares.log() + shift, 0) @ CENTRES


def _shares(colours: dict[tuple[float, float], float]) -> Tensor:
    """Return shares of bins: those of `colours`, and a trace of all others."""
    shares = torch.full((len(CENTRES),), 1e-6)
    for centre, share in colours.items():
        shares[(torch.tensor(centre) == CENTRES).all(1)] = share
    return shares


def test_a_little_purple_does_not_decide() -> None:
    white = _shares({(0.0, 0.0): 0.3, (0.0, 10.0): 0.4, (-10.0, 10.0): 0.2, (40.0, -60.0): 0.1})
    before, after = (_ab(white, shift) for shift in (0.0, towards_true_shares(CENTRES)))
    assert before[0] > 1.9 and before[1] < 0.1
    assert after[0] < 0.5 and after[1] > 2


@pytest.mark.parametrize("colour", [(40.0, -40.0), (0.0, -40.0), (20.0, 30.0), (-30.0, 40.0)])
def test_sure_colours_stay(colour: tuple[float, float]) -> None:
    sure = _shares({colour: 0.95, (0.0, 10.0): 0.05})
    before, after = (_ab(sure, shift) for shift in (0.0, towards_true_shares(CENTRES)))
    assert torch.allclose(after, before, rtol=0.05, atol=0.5)


def test_only_purple_and_gray_are_shifted() -> None:
    shift = towards_true_shares(CENTRES)
    a, b = CENTRES.T
    gray, purple = (a == 0) & (b == 0), (a > 0) & (b < 0)
    assert shift[gray] > 0
    assert (shift[purple] < 0).all()
    assert (shift[~gray & ~purple] == 0).all()
