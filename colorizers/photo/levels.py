"""Conversion of samples of any depth to levels of 8 or 16 bits, white being the largest level before and after."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.lab import Pixels
from colorizers.errors import UnsupportedSamplesError

_BAND_ROWS = 256
# Resampling overshoots at edges; what goes further beyond black and white was meant otherwise.
_OVERSHOOT = 0.1


def from_range(samples: NDArray[Any], white: int) -> Pixels:
    """Return whole numbers 0 to `white` as levels: of 8 bits where `white` is at most 255, else of 16.

    Numbers beyond `white` become white.
    """
    dtype: Any = np.uint8 if white <= 255 else np.uint16
    most = int(np.iinfo(dtype).max)
    if white == most:
        return samples.astype(dtype, copy=False)
    if white > most:
        result: Pixels = np.empty(samples.shape, dtype)
        for top in range(0, len(samples), _BAND_ROWS):
            result[top : top + _BAND_ROWS] = np.rint(samples[top : top + _BAND_ROWS] * (most / white))
        return result
    table = np.rint(np.arange(white + 1) * (most / white)).astype(dtype)
    levels: Pixels = table[np.minimum(samples, white)]
    return levels


def from_bits(samples: NDArray[Any], bits: int) -> Pixels:
    """Return unsigned numbers of 1 to 32 bits as levels.

    Programs keep 16-bit levels in 32 bits, too. No photograph is 65,536 times darker than white, so where none of the
    numbers needs more than 16 bits, they are such levels.
    """
    if bits == 32 and int(samples.max(initial=0)) <= 65535:
        return samples.astype(np.uint16)
    return from_range(samples, (1 << bits) - 1)


def from_fractions(samples: NDArray[Any], title: str) -> Pixels:
    """Return fractions, 0 being black and 1 white, as 16-bit levels.

    Raises `UnsupportedSamplesError`, which calls the file's format `title`, where they go beyond that.
    """
    least, most = float(samples.min(initial=0)), float(samples.max(initial=0))
    if not (least >= -_OVERSHOOT and most <= 1 + _OVERSHOOT):
        raise unsupported(title, f"fractions from {least:g} to {most:g}, where 0 is black and 1 white")
    result: Pixels = np.empty(samples.shape, np.uint16)
    for top in range(0, len(samples), _BAND_ROWS):
        band = samples[top : top + _BAND_ROWS].astype(np.float64)
        result[top : top + _BAND_ROWS] = np.rint(65535 * band.clip(0, 1))
    return result


def unsupported(title: str, kind: str) -> UnsupportedSamplesError:
    """Return the error for a file, of the format `title`, that holds such a `kind` of samples."""
    return UnsupportedSamplesError(f"This {title} file holds {kind}: that cannot be coloured.", kind=kind)
