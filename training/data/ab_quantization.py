"""Quantization of ab into bins: bin centers, soft encoding of true colors, class rebalancing.

Zhang et al. 2016, "Colorful Image Colorization": a grid of 10 ab units, 313 bins, soft encoding by a Gaussian of sigma
5 over the 5 nearest bins, and weights from the smoothed prior mixed with a uniform one by lambda 0.5.
"""

import torch
from torch import Tensor

from colorizers.networks.torch_lab import rgb_to_lab

GRID = 10
NEAREST = 5
SIGMA = 5.0
REACH = 120  # the soft encoding is tabulated for integer ab from -REACH to REACH


def cell_counts(ab: Tensor) -> dict[tuple[int, int], int]:
    """Count the ab values (count, 2) in every occupied grid cell; keys are cell indices (a, b)."""
    cells, counts = torch.unique(torch.round(ab / GRID).to(torch.int64), dim=0, return_counts=True)
    return {(int(a), int(b)): int(count) for (a, b), count in zip(cells.tolist(), counts.tolist(), strict=True)}


def bin_centres(ab: Tensor, count: int = 313) -> Tensor:
    """Return `count` bin centers (count, 2), raw ab: the fullest grid cells of the values `ab` (n, 2).

    Where fewer cells are occupied, the empty cells nearest to them follow.
    """
    occupied = sorted(cell_counts(ab).items(), key=lambda item: (-item[1], item[0]))
    cells = [cell for cell, _ in occupied][:count]
    if len(cells) < count:
        taken = torch.tensor(cells, dtype=torch.float32)
        span = range(-REACH // GRID, REACH // GRID + 1)
        rest = torch.tensor([(a, b) for a in span for b in span if (a, b) not in set(cells)], dtype=torch.float32)
        order = torch.cdist(rest, taken).min(dim=1).values.sort(stable=True).indices[: count - len(cells)]
        cells += [(int(a), int(b)) for a, b in rest[order].tolist()]
    return torch.tensor(sorted(cells), dtype=torch.float32) * GRID


def gamut_ab(levels: int = 64) -> Tensor:
    """Return ab (levels**3, 2), raw units, of an even grid over the sRGB cube."""
    axis = torch.linspace(0, 1, levels)
    cube = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij")).reshape(1, 3, levels, -1)
    return rgb_to_lab(cube)[0, 1:].reshape(2, -1).T


class SoftEncoder:
    """Soft encoding of true ab as shares of its 5 nearest bins, looked up in a table over integer ab."""

    def __init__(self, centres: Tensor) -> None:
        axis = torch.arange(-REACH, REACH + 1, dtype=torch.float32)
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2).to(centres.device)
        distance, index = torch.cdist(grid, centres.float()).topk(NEAREST, dim=1, largest=False)
        share = torch.exp(-(distance**2) / (2 * SIGMA**2)).clamp_min(1e-12)
        self.index = index
        self.share = share / share.sum(1, keepdim=True)
        self.count = centres.shape[0]

    def __call__(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """Encode ab (n, 2, h, w), raw units, as bin indices and shares, each (n, 5, h, w)."""
        n, _, h, w = ab.shape
        index, share = self.rows(ab.permute(0, 2, 3, 1).reshape(-1, 2))
        return index.view(n, h, w, -1).permute(0, 3, 1, 2), share.view(n, h, w, -1).permute(0, 3, 1, 2)

    def rows(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """Encode ab (m, 2), raw units, as bin indices and shares, each (m, 5)."""
        whole = (ab.round().clamp(-REACH, REACH) + REACH).to(torch.int64)
        row = whole[:, 0] * (2 * REACH + 1) + whole[:, 1]
        return self.index[row], self.share[row]

    def prior(self, ab: Tensor) -> Tensor:
        """Return the mean distribution (bins,) over all positions of ab (n, 2, h, w)."""
        index, share = self(ab)
        total = torch.zeros(self.count, device=ab.device)
        total.scatter_add_(0, index.reshape(-1), share.reshape(-1).to(total.dtype))
        return total / total.sum()


def rebalancing_weights(prior: Tensor, centres: Tensor, mix: float = 0.5) -> Tensor:
    """Return loss weights (bins,), larger for rarer colors, with mean 1 under `prior` (equation 4 of the paper)."""
    kernel = torch.exp(-(torch.cdist(centres, centres) ** 2) / (2 * SIGMA**2))
    smooth = (kernel / kernel.sum(1, keepdim=True)) @ prior
    smooth = smooth / smooth.sum()
    weights = 1 / ((1 - mix) * smooth + mix / len(prior))
    return weights / (weights * smooth).sum()
