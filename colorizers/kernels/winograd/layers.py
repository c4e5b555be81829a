"""Winograd convolutions as PyTorch modules, computed on the CPU by numba kernels.

F(4x4, 3x3) of Lavin and Gray 2016 (arXiv 1509.09308) takes 36 products for 16 results, direct convolution 144;
F(3x3, 2x2) takes 64 for 36 pixels of a transposed convolution, direct 144. In single precision results differ by about
1e-5 of their size. ReLU and batch norm are fused into the output transform. Transformed weights take four times the
memory. For inference only, on as many threads as PyTorch uses.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from math import prod
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from colorizers.kernels.winograd.matmul import FEWEST_ROWS, PANEL, multiply
from colorizers.kernels.winograd.transforms import (
    LANES,
    transform_input,
    transform_input_transposed,
    write_output,
    write_output_transposed,
)

# Tiles in a group: intermediate arrays should stay in the processor's cache, and large weights should not be read from
# memory too often. With large weights threads share the work on each group, otherwise each thread takes whole groups.
_LARGE_WEIGHTS, _TILES_BY_LARGE, _TILES_BY_SMALL = 1 << 16, 65, 26
# Pixels in a group of 1x1 convolutions.
_PIXELS = 260
# The matrix G of the paper, for F(4, 3) and for F(3, 2).
_G = (
    (1 / 4, 0.0, 0.0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0.0, 0.0, 1.0),
)
_G_TRANSPOSED = ((1.0, 0.0), (0.5, 0.5), (0.5, -0.5), (0.0, 1.0))

_F4s = NDArray[np.float32]
# Phases of an image, and the rows and columns of tiles in each.
_Layout = tuple[int, int, int]
_Work = Callable[[int, int], None]
_Share = Callable[[int, _Work], None]


class _Winograd(nn.Module):
    """Base of both kinds of layer, from (n, c, h, w) to (n, c', h', w'), float32."""

    def __init__(
        self,
        plain: nn.Conv2d | nn.ConvTranspose2d,
        g: Sequence[Sequence[float]],
        taps: Tensor,
        then: Sequence[nn.Module],
    ) -> None:
        """Transform the weights `taps` (rows * columns, c', c) by `g`; `then` are the modules to fuse."""
        super().__init__()
        count, columns, before = taps.shape
        transform = torch.kron(torch.tensor(g), torch.tensor(g))
        # One product for all weights, since one for each pair of channels would take seconds.
        panels = taps.detach().reshape(count, columns // PANEL, PANEL, before).transpose(2, 3).reshape(count, -1)
        # Into memory of numpy's, which comes in large pages and so in two thirds of the time.
        weight = np.empty((len(transform), panels.shape[1]), np.float32)
        torch.matmul(transform, panels, out=torch.from_numpy(weight))
        self._weight: _F4s = weight.reshape(-1, columns // PANEL, before, PANEL)
        self._after = plain.out_channels
        self._finish, self._slope = _fused(plain, then)

    @abstractmethod
    def _plan(self, height: int, width: int) -> tuple[int, int, _Layout]:
        """Return the height and width of the result, and the layout of the tiles."""

    @abstractmethod
    def _transform_input(self, pixels: _F4s, layout: _Layout, start: int, tiles: _F4s) -> None:
        """Fill `tiles` with the transformed tiles of `pixels` from number `start` on."""

    @abstractmethod
    def _write_output(self, products: _F4s, layout: _Layout, start: int, result: _F4s) -> None:
        """Write the results of `products`, for the tiles from number `start` on, to `result`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the result of the replaced layers, in the channels-last memory format."""
        pixels = x.permute(0, 2, 3, 1).contiguous().numpy()
        height, width, layout = self._plan(*pixels.shape[1:3])
        # numpy requests huge pages, which are allocated again in a third of the time.
        y = np.empty((len(pixels), height, width, self._after), np.float32)
        _, panels, before, _ = self._weight.shape
        is_large = panels * PANEL * before >= _LARGE_WEIGHTS
        groups = range(0, len(pixels) * prod(layout), _TILES_BY_LARGE if is_large else _TILES_BY_SMALL)
        with _thread_pool() as share:
            if is_large:
                self._compute(groups, share, pixels, layout, y)
            else:
                share(len(groups), lambda i, end: self._compute(groups[i:end], _run_serially, pixels, layout, y))
        return torch.from_numpy(y).permute(0, 3, 1, 2)

    def _compute(self, groups: range, share: _Share, pixels: _F4s, layout: _Layout, result: _F4s) -> None:
        """Compute `groups`, given by their first tiles, in turn; `share` distributes the work on each."""
        numbers, panels, before, _ = self._weight.shape
        total, most = len(pixels) * prod(layout), max(groups.step, FEWEST_ROWS)
        # Rows are padded to a length that is no power of two, see `multiply`.
        tiles = np.empty((most, numbers * before + LANES), np.float32)
        products = np.empty((most, numbers * panels * PANEL + LANES), np.float32)
        for start in groups:
            count = min(groups.step, total - start)
            share(count, partial(self._transform_some, pixels, layout, start, tiles))
            share(numbers, partial(self._multiply_some, tiles, products, max(count, FEWEST_ROWS)))
            share(count, partial(self._write_some, products, layout, start, result))

    def _transform_some(self, pixels: _F4s, layout: _Layout, start: int, tiles: _F4s, first: int, end: int) -> None:
        self._transform_input(pixels, layout, start + first, tiles[first:end])

    def _multiply_some(self, tiles: _F4s, products: _F4s, rows: int, first: int, end: int) -> None:
        multiply(tiles[:rows], self._weight, first, end, products[:rows])

    def _write_some(self, products: _F4s, layout: _Layout, start: int, result: _F4s, first: int, end: int) -> None:
        self._write_output(products[first:end], layout, start + first, result)


class WinogradConv2d(_Winograd):
    """3x3 convolution with stride 1 that keeps the size, fused with ReLU and batch norm `then`."""

    def __init__(self, plain: nn.Conv2d, then: Sequence[nn.Module] = ()) -> None:
        super().__init__(plain, _G, plain.weight.permute(2, 3, 0, 1).flatten(0, 1), then)
        self._dilation = plain.dilation[0]

    def _plan(self, height: int, width: int) -> tuple[int, int, _Layout]:
        step = 4 * self._dilation
        return height, width, (self._dilation**2, -(-height // step), -(-width // step))

    def _transform_input(self, pixels: _F4s, layout: _Layout, start: int, tiles: _F4s) -> None:
        transform_input(pixels, self._dilation, layout[1], layout[2], start, tiles)

    def _write_output(self, products: _F4s, layout: _Layout, start: int, result: _F4s) -> None:
        write_output(products, self._finish, self._slope, self._dilation, layout[1], layout[2], start, result)


class WinogradConvTranspose2d(_Winograd):
    """4x4 transposed convolution that doubles the size, fused with ReLU and batch norm `then`.

    Each phase of its result, every second row and column, is a convolution with 2x2 weights.
    """

    def __init__(self, plain: nn.ConvTranspose2d, then: Sequence[nn.Module] = ()) -> None:
        # Row 2 * k + a of the weights belongs to phase a; smaller k apply to later pixels.
        before, after = plain.in_channels, plain.out_channels
        taps = plain.weight.reshape(before, after, 2, 2, 2, 2).flip(2, 4).permute(2, 4, 3, 5, 1, 0)
        taps = taps.reshape(4, 4 * after, before)
        super().__init__(plain, _G_TRANSPOSED, taps, then)

    def _plan(self, height: int, width: int) -> tuple[int, int, _Layout]:
        return 2 * height, 2 * width, (1, height // 3 + 1, width // 3 + 1)

    def _transform_input(self, pixels: _F4s, layout: _Layout, start: int, tiles: _F4s) -> None:
        transform_input_transposed(pixels, layout[1], layout[2], start, tiles)

    def _write_output(self, products: _F4s, layout: _Layout, start: int, result: _F4s) -> None:
        write_output_transposed(products, self._finish, self._slope, layout[1], layout[2], start, result)


class PointwiseConv2d(nn.Module):
    """1x1 convolution, computed as a matrix product, followed by ReLU and batch norm `then`."""

    def __init__(self, plain: nn.Conv2d, then: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        before, self._after = plain.in_channels, plain.out_channels
        columns = torch.zeros(-(-self._after // PANEL) * PANEL, before)
        columns[: self._after] = plain.weight.detach().flatten(1)
        self._weight: _F4s = columns.reshape(1, -1, PANEL, before).transpose(2, 3).contiguous().numpy()
        self._bias = torch.zeros(self._after) if plain.bias is None else plain.bias.detach()
        self._then = nn.Sequential(*then)

    def forward(self, x: Tensor) -> Tensor:
        """Return the result of the replaced layers, in the channels-last memory format."""
        pixels = x.permute(0, 2, 3, 1).contiguous()
        rows = pixels.flatten(0, 2)
        if len(rows) < FEWEST_ROWS:
            rows = functional.pad(rows, (0, 0, 0, FEWEST_ROWS - len(rows)))
        tiles = rows.numpy()
        products = np.empty((len(tiles), self._weight.shape[1] * PANEL), np.float32)
        with _thread_pool() as share:
            share(-(-len(tiles) // _PIXELS), lambda i, end: self._compute(tiles, products, range(i, end)))
        y = torch.from_numpy(products[: pixels[..., 0].numel(), : self._after]) + self._bias
        return cast(Tensor, self._then(y.view(*pixels.shape[:3], -1).permute(0, 3, 1, 2)))

    def _compute(self, tiles: _F4s, products: _F4s, groups: range) -> None:
        for group in groups:
            first = min(group * _PIXELS, len(tiles) - FEWEST_ROWS)
            rows = slice(first, (group + 1) * _PIXELS)
            multiply(tiles[rows], self._weight, 0, 1, products[rows])


def _fused(plain: nn.Conv2d | nn.ConvTranspose2d, then: Sequence[nn.Module]) -> tuple[_F4s, np.float32]:
    """Return bias, scale and shift (3, c), and the slope of negative values before scale and shift."""
    channels = plain.out_channels
    rows = [torch.zeros(channels) if plain.bias is None else plain.bias, torch.ones(channels), torch.zeros(channels)]
    slope = 1.0
    for module in then:
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None and module.running_var is not None
            rows[1] = module.weight / torch.sqrt(module.running_var + module.eps)
            rows[2] = module.bias - module.running_mean * rows[1]
        else:
            slope = module.negative_slope if isinstance(module, nn.LeakyReLU) else 0.0
    return torch.stack(rows).detach().numpy(), np.float32(slope)


@contextmanager
def _thread_pool() -> Iterator[_Share]:
    """Yield `share(total, work)`, which calls `work(first, end)` for parts of `total` on as many threads as PyTorch."""
    threads = torch.get_num_threads()
    if threads == 1:
        yield _run_serially
        return
    with ThreadPoolExecutor(threads) as pool:

        def share(total: int, work: _Work) -> None:
            bounds = [total * part // threads for part in range(threads + 1)]
            list(pool.map(work, bounds[:-1], bounds[1:]))

        yield share


def _run_serially(total: int, work: _Work) -> None:
    work(0, total)
