"""Tests of Winograd convolutions against PyTorch's, alone and in the published networks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from benchmarks.support.standin_weights import standin_state_dict
from colorizers.eccv16 import ECCVGenerator
from colorizers.kernels.winograd.convert import convert_to_winograd
from colorizers.kernels.winograd.layers import PointwiseConv2d, WinogradConv2d, WinogradConvTranspose2d
from colorizers.siggraph17 import SIGGRAPHGenerator

SHAPES = [(1, 32, 8, 8), (2, 64, 13, 6), (1, 32, 1, 5), (1, 48, 12, 12), (3, 16, 7, 11), (1, 32, 70, 69)]


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """Set the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_result_is_that_of_the_plain_convolution(shape: tuple[int, int, int, int], dilation: int) -> None:
    torch.manual_seed(1)
    plain = nn.Conv2d(shape[1], 96, 3, padding=dilation, dilation=dilation)
    assert_same(plain, WinogradConv2d(plain), torch.randn(shape))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("shape", SHAPES)
def test_the_result_is_that_of_the_plain_transposed_convolution(shape: tuple[int, int, int, int]) -> None:
    torch.manual_seed(1)
    plain = nn.ConvTranspose2d(shape[1], 96, 4, stride=2, padding=1)
    assert_same(plain, WinogradConvTranspose2d(plain), torch.randn(shape))


def test_large_weights_are_applied_in_several_groups() -> None:
    torch.manual_seed(1)
    plain = nn.Conv2d(256, 256, 3, padding=1)
    assert_same(plain, WinogradConv2d(plain), torch.randn(1, 256, 41, 47))


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("shape", [(1, 32, 2, 3), (2, 64, 9, 15), (1, 128, 40, 41)])
@pytest.mark.parametrize("after", [64, 75])
def test_the_result_is_that_of_the_plain_1x1_convolution(shape: tuple[int, int, int, int], after: int) -> None:
    torch.manual_seed(1)
    plain = nn.Conv2d(shape[1], after, 1)
    assert_same(plain, PointwiseConv2d(plain), torch.randn(shape))


def test_either_memory_format_is_taken() -> None:
    torch.manual_seed(1)
    plain, x = nn.Conv2d(32, 64, 3, padding=1), torch.randn(2, 32, 9, 10)
    with torch.inference_mode():
        one, other = (
            WinogradConv2d(plain)(x.contiguous(memory_format=kind))
            for kind in (torch.contiguous_format, torch.channels_last)
        )
    assert torch.equal(one, other)
    assert other.is_contiguous(memory_format=torch.channels_last)


def test_a_layer_without_bias_adds_none() -> None:
    plain = nn.Conv2d(32, 32, 3, padding=1, bias=False)
    with torch.inference_mode():
        assert WinogradConv2d(plain)(torch.zeros(1, 32, 5, 5)).abs().max() == 0


@pytest.mark.parametrize(
    "followers",
    [[], [nn.ReLU()], [nn.LeakyReLU(0.2)], [nn.BatchNorm2d(64)], [nn.ReLU(inplace=True), nn.BatchNorm2d(64)]],
    ids=["nothing", "relu", "leaky", "norm", "both"],
)
@pytest.mark.parametrize("kind", ["plain", "transposed", "pointwise"])
def test_following_layers_are_fused(followers: list[nn.Module], kind: str) -> None:
    torch.manual_seed(1)
    layer = {
        "plain": nn.Conv2d(64, 64, 3, padding=1),
        "transposed": nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1),
        "pointwise": nn.Conv2d(64, 64, 1),
    }[kind]
    network = nn.Sequential(layer, *followers, nn.Tanh()).eval()
    for norm in (follower for follower in followers if isinstance(follower, nn.BatchNorm2d)):
        for values in (*norm.parameters(), *norm.buffers()):
            values.data.copy_(torch.rand_like(values.float()) + 0.5)
    x = torch.randn(1, 64, 10, 9)
    with torch.inference_mode():
        expected = network(x)
        assert convert_to_winograd(network) == 1
        assert [type(child) for child in list(network)[1:-1]] == len(followers) * [nn.Identity]
        assert (network(x) - expected).abs().max() < 1e-4


def test_other_convolutions_are_not_replaced() -> None:
    network = nn.Sequential(
        nn.Conv2d(32, 128, 3, padding=1),
        nn.Conv2d(128, 128, 3, stride=2, padding=1),
        nn.Conv2d(128, 128, 3),
        nn.Conv2d(128, 128, 3, padding=1, groups=2),
        nn.Conv2d(128, 128, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(128, 100, 3, padding=1),
        nn.Conv2d(128, 2, 1),
        nn.ConvTranspose2d(128, 128, 2, stride=2),
        nn.ConvTranspose2d(128, 128, 4, stride=2, padding=1, output_padding=1),
    )
    assert convert_to_winograd(network) == 0


@pytest.mark.usefixtures("threads")
def test_published_networks_give_the_same_ab() -> None:
    L = torch.linspace(0, 100, 96 * 96).reshape(1, 1, 96, 96)
    for network, name, count in ((ECCVGenerator(), "eccv16", 19), (SIGGRAPHGenerator(), "siggraph17", 29)):
        network.load_state_dict(standin_state_dict(name))
        with torch.inference_mode():
            expected = network.eval()(L)
            assert convert_to_winograd(network) == count
            assert (network(L) - expected).abs().max() < 2e-3
        kinds = {type(module) for module in network.modules()}
        assert {WinogradConv2d, WinogradConvTranspose2d, PointwiseConv2d} <= kinds


def test_processors_with_few_registers_get_the_same_result(tmp_path: Path) -> None:
    """The target of numba is fixed once per process, hence the subprocess."""
    code = (
        "from tests.colorizers.kernels import test_winograd as t; from colorizers.kernels.winograd import matmul;"
        "assert matmul.FEWEST_ROWS == 6;"
        "t.test_the_result_is_that_of_the_plain_convolution((2, 64, 13, 6), 2);"
        "t.test_the_result_is_that_of_the_plain_transposed_convolution((2, 64, 13, 6));"
        "t.test_the_result_is_that_of_the_plain_1x1_convolution((2, 64, 9, 15), 75)"
    )
    environ = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **environ}, check=True)


def assert_same(plain: nn.Module, quick: nn.Module, x: Tensor) -> None:
    with torch.inference_mode():
        expected, found = plain(x), quick(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()
