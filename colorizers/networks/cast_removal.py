"""Removal of half of a color cast that lies over all of a photo, from a distribution over ab bins.

Where a network knows little of a photo, it predicts what such photos are like on average, and all of the picture turns
the same brown. Real scenes are closer to gray on average (the gray world: Buchsbaum 1980), so half of that mean is
removed, by exponential tilting of the distributions: cells whose color is uncertain move far and get colors of their
own, cells whose color is certain stay.
"""

import torch
from torch import Tensor

from colorizers.colorspace.smoothstep import smooth_step

# Casts are measured, and chroma is kept, at the temperature of the embedded default.
_TEMPERATURE = 0.85
# The constants below were chosen by evaluation with 585 photos. Removal costs 0.02 dB of PSNR; the pictures that it
# changes look better.
_SHARE_TAKEN = 0.5
# A cast counts from the first to the second value: the share of the squared mean in the mean square of ab, and the
# standard deviation of ab.
_MEAN_SHARES = (0.7, 0.8)
_SPREADS = (6.5, 4.5)
# A mean of less chroma than this, in ab units, is hardly visible.
_UNSEEN = 2.0
# Newton's method comes within 1e-4 of the wanted mean in three steps.
_STEPS = 3
# Per unit of ab, logits change by this at most: where all cells are certain, no tilt would reach the mean.
_STEEPEST = 0.2
_LEAST_VARIANCE = 1e-3


def with_less_cast(logits: Tensor, centres: Tensor) -> tuple[Tensor, float]:
    """Return one photo's logits (bins, h, w) without half of its cast, and the gain (1..2.4) that keeps its chroma.

    `centres` (bins, 2) are the bins' ab in raw units. Where the photo has several hues, the logits are unchanged and
    the gain is 1. Neither depends on the temperature of the annealed mean.
    """
    with torch.autocast(logits.device.type, enabled=False):  # Half precision would round ab to eighths.
        scaled = logits.flatten(1).T.float() / _TEMPERATURE
        ab, _ = _moments(scaled, centres)
        taken = _SHARE_TAKEN * _cast(ab)
        if taken == 0:
            return logits, 1.0
        tilt = _tilt_towards((1 - taken) * ab.mean(0), scaled, centres)
        rest, _ = _moments(scaled + centres @ tilt, centres)
        gain = ab.norm(dim=1).mean() / rest.norm(dim=1).mean()
        return logits + _TEMPERATURE * (centres @ tilt)[:, None, None], float(gain)


def _cast(ab: Tensor) -> float:
    """Return how much ab (n, 2) is of one hue, 0..1."""
    mean_square, variance = float(ab.mean(0).square().sum()), float(ab.var(0, correction=0).sum())
    if mean_square < _UNSEEN**2:
        return 0.0
    one_hue = smooth_step(mean_square / (mean_square + variance), *_MEAN_SHARES)
    return float(one_hue * smooth_step(variance**0.5, *_SPREADS))


def _tilt_towards(mean: Tensor, scaled: Tensor, centres: Tensor) -> Tensor:
    """Return the tilt (2,), per unit of ab, with which the logits `scaled` (n, bins) have the ab `mean` (2,)."""
    tilt = torch.zeros_like(mean)
    for _ in range(_STEPS):
        ab, covariance = _moments(scaled + centres @ tilt, centres)
        step = torch.linalg.solve(covariance.cpu(), (mean - ab.mean(0)).cpu())
        tilt = (tilt + step.to(tilt.device)).clamp(-_STEEPEST, _STEEPEST)
    return tilt


def _moments(scaled: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean ab (n, 2) of logits (n, bins), and their mean covariance (2, 2), never quite singular."""
    shares = torch.softmax(scaled, 1)
    ab = shares @ centres
    covariance = centres.T @ (shares.mean(0)[:, None] * centres) - ab.T @ ab / len(ab)
    return ab, covariance + _LEAST_VARIANCE * torch.eye(2, device=ab.device)
