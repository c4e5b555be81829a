"""Interleaved samples in, gray or RGB and alpha apart out."""

from dataclasses import dataclass

from colorizers.lab import Pixels


@dataclass(frozen=True, eq=False)
class Samples:
    """Gray (h, w) or RGB (h, w, 3) in sRGB, and alpha (h, w) of the same depth or None."""

    pixels: Pixels
    alpha: Pixels | None


def split(samples: Pixels) -> Samples:
    """Return interleaved samples (h, w) or (h, w, 1..4) as gray or RGB, and alpha."""
    if samples.ndim == 2:
        return Samples(samples, None)
    channels = samples.shape[2]
    if channels in (1, 2):
        return Samples(samples[..., 0], samples[..., 1] if channels == 2 else None)
    return Samples(samples[..., :3], samples[..., 3] if channels > 3 else None)
