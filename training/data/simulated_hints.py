"""Simulated user hints drawn from true colors (Zhang et al. 2017, section 3.1)."""

import torch
from torch import Tensor


def simulate_hints(
    ab: Tensor, hinted_share: float, stop_p: float, largest_patch_px: int, least: int = 1, most: int = 64
) -> tuple[Tensor, Tensor]:
    """Draw hint ab (n, 2, h, w) and mask (n, 1, h, w) in {0, 1} from the true ab (n, 2, h, w).

    A `hinted_share` of the samples gets a geometric number of hints (p = `stop_p`, `least` to `most`). A hint is a
    square patch of 1 to `largest_patch_px` px with its mean true ab, its position normal around the center.
    """
    n, _, h, w = ab.shape
    device = ab.device
    geometric = torch.distributions.Geometric(torch.tensor(stop_p, device=device))
    count = (geometric.sample((n,)).to(torch.int64) + least).clamp_max(most)  # type: ignore[no-untyped-call]
    count = count * (torch.rand(n, device=device) < hinted_share)
    points = max(int(count.max()), 1)
    live = torch.arange(points, device=device)[None] < count[:, None]
    size = torch.randint(1, largest_patch_px + 1, (n, points), device=device)
    top = _patch_starts(n, points, h, device, size)
    left = _patch_starts(n, points, w, device, size)
    step = torch.arange(largest_patch_px, device=device)
    rows = top[..., None, None] + step[:, None]
    columns = left[..., None, None] + step
    inside = (step[:, None] < size[..., None, None]) & (step < size[..., None, None])
    place = rows.clamp_max(h - 1) * w + columns.clamp_max(w - 1)
    flat = ab.flatten(2)
    values = flat.gather(2, place.reshape(n, 1, -1).expand(n, 2, -1)).view(n, 2, *place.shape[1:])
    mean = (values * inside[:, None]).sum((3, 4)) / inside.sum((2, 3))[:, None]
    # Pixels outside a patch are written to one extra cell past the end.
    target = torch.where(inside & live[..., None, None], place, h * w).reshape(n, 1, -1)
    painted = mean[..., None, None].expand_as(values).reshape(n, 2, -1)
    hint_ab = ab.new_zeros(n, 2, h * w + 1).scatter(2, target.expand(n, 2, -1), painted)
    mask = ab.new_zeros(n, 1, h * w + 1).scatter(2, target, ab.new_ones(n, 1, 1).expand(n, 1, target.shape[2]))
    return hint_ab[..., :-1].view(n, 2, h, w), mask[..., :-1].view(n, 1, h, w)


def _patch_starts(n: int, points: int, side: int, device: torch.device, size: Tensor) -> Tensor:
    """Draw patch starts (n, points) along one axis: normal around its middle, sigma a quarter of it."""
    start = (side / 2 + side / 4 * torch.randn(n, points, device=device)).to(torch.int64)
    return torch.minimum(start.clamp_min(0), side - size)
