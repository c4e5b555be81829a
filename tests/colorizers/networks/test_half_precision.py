"""Tests of half precision: used where the device has it and the weights tolerate it."""

import pytest
import torch
from torch import Tensor, nn

from benchmarks.support.standin_weights import standin_state_dict
from colorizers.eccv16 import ECCVGenerator
from colorizers.networks import half_precision
from colorizers.networks.half_precision import (
    MOST_AB,
    MOST_MEAN_AB,
    HalfPrecision,
    half_precision_of,
    in_best_precision,
)

CPU = torch.device("cpu")


class Sensitive(nn.Module):
    """A network whose output is a small difference of large numbers, which half precision loses."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 1, bias=False)
        nn.init.constant_(self.layer.weight, 1.0)

    def predict(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor, temperature: float | None = None) -> Tensor:
        del hint_ab, hint_mask, temperature
        return (self.layer(L + 5000.0) - 5000.0 - L).float()


@pytest.fixture
def on_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that this CPU supports bfloat16; every CPU can emulate it."""
    monkeypatch.setattr(half_precision, "half_precision_of", lambda _device: torch.bfloat16)


@pytest.mark.usefixtures("on_bfloat16")
def test_tolerant_weights_get_half_precision() -> None:
    network = ECCVGenerator()
    network.load_state_dict(standin_state_dict("eccv16"))
    L = torch.rand(1, 1, 64, 64) * 100
    arguments = L, torch.zeros(1, 2, 64, 64), torch.zeros(1, 1, 64, 64)
    with torch.inference_mode():
        full = network.eval().predict(*arguments)
    half, dtype = in_best_precision(network, CPU, None)
    with torch.inference_mode():
        reduced = half.predict(*arguments)
    difference = (reduced - full).abs()
    assert dtype == torch.bfloat16
    assert isinstance(half, HalfPrecision)
    assert reduced.dtype == torch.float32
    assert 0 < difference.mean() < MOST_MEAN_AB
    assert difference.max() < MOST_AB
    assert network.model8[0].weight.dtype == torch.bfloat16


@pytest.mark.usefixtures("on_bfloat16")
def test_sensitive_weights_keep_full_precision() -> None:
    network = Sensitive()
    same, dtype = in_best_precision(network, CPU, None)
    assert same is network
    assert dtype == torch.float32
    assert network.layer.weight.dtype == torch.float32


def test_without_hardware_support_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(half_precision, "half_precision_of", lambda _device: None)
    network = Sensitive()
    assert in_best_precision(network, CPU, None) == (network, torch.float32)


def test_graphics_processors_get_float16() -> None:
    assert half_precision_of(torch.device("cuda")) == half_precision_of(torch.device("mps")) == torch.float16


def test_the_samples_are_two_photographs() -> None:
    L = half_precision.sample_lightness()
    assert L.shape == (2, 1, 96, 96)
    assert L.std(axis=(1, 2, 3)).min() > 10
