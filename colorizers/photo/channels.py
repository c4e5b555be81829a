"""Separation of interleaved samples into gray or RGB, and alpha."""

from dataclasses import dataclass

import numpy as np

from colorizers.colorspace.lab import Pixels

# The parts of a picture that are looked at one after the other, so that no full-size temporary array is needed.
_BAND_ROWS = 256


@dataclass(frozen=True, eq=False)
class Samples:
    """Gray (h, w) or RGB (h, w, 3) in sRGB, and alpha (h, w) of the same depth or None.

    `dynamic_range` names the high dynamic range (PQ, HLG) that they were tone-mapped from.
    """

    pixels: Pixels
    alpha: Pixels | None
    dynamic_range: str = ""


def split(samples: Pixels) -> Samples:
    """Return interleaved samples (h, w) or (h, w, 1..4) as gray or RGB, and alpha."""
    if samples.ndim == 2:
        return Samples(samples, None)
    channels = samples.shape[2]
    if channels in (1, 2):
        return Samples(samples[..., 0], samples[..., 1] if channels == 2 else None)
    return Samples(samples[..., :3], samples[..., 3] if channels > 3 else None)


def is_neutral(rgb: Pixels, within: int = 0) -> bool:
    """Return whether red, green and blue are equal, or at most `within` levels apart, in every pixel of (h, w, 3)."""
    for top in range(0, rgb.shape[0], _BAND_ROWS):
        band = rgb[top : top + _BAND_ROWS]
        if within:
            if int((band.max(axis=2) - band.min(axis=2)).max(initial=0)) > within:
                return False
        elif not (np.array_equal(band[..., 0], band[..., 1]) and np.array_equal(band[..., 1], band[..., 2])):
            return False
    return True
