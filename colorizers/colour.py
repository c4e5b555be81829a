"""A photo's pixels and the network's small ab picture in, RGB pixels of the same size and depth out.

One pass over the rows does everything: it takes each pixel's luminance Y, interpolates ab bilinearly (as PyTorch does
with align_corners off), scales the chroma into the sRGB gamut at fixed L and hue, and rounds so that the result's gray
level is the photo's: exactly for 8-bit photos, within 1/65535 for 16-bit ones. A gray level is the sRGB-encoded Y,
rounded half up. No full-size floating-point picture ever exists.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from colorizers import kernels
from colorizers.lab import Y_WEIGHTS, Pixels, lab_f, levels_of, linear_table, srgb_decode, srgb_encode

_BAND_ROWS = 256
# Results stay this far (in levels) from where a gray rounds to the next, so that grays also come out equal for those
# who compute them with another edition of the luminance weights (0.2126, 0.7152, 0.0722) or round half to even.
_MARGIN_LEVELS = 0.03


@dataclass(frozen=True, eq=False)
class _Tables:
    """What the pass looks up for pixels of one depth.

    By level: `linear` light, CIELAB `lab_f` of it, `weighted` (3, levels) its share in Y as red, green and blue, and
    `boundaries`, the least Y of gray level k at k (one more at the end). `encoder` is the sRGB curve in levels at
    equal steps of linear light, one value more than steps + 1.
    """

    linear: NDArray[np.float32]
    lab_f: NDArray[np.float32]
    encoder: NDArray[np.float32]
    weighted: NDArray[np.float64]
    boundaries: NDArray[np.float64]


def join(pixels: Pixels, ab: NDArray[np.float32]) -> Pixels:
    """Return RGB (h, w, 3), of the depth of `pixels`, with the luminance of `pixels` and the colours of `ab`.

    `pixels` is gray (h, w) or RGB (h, w, 3), uint8 or uint16; `ab` is (2, h', w') in raw ab units, of any size. Raises
    `ValueError` where `ab` is not finite.
    """
    if not np.isfinite(ab).all():
        raise ValueError("ab holds values that are not finite")
    height, width = pixels.shape[:2]
    small = np.ascontiguousarray(ab, dtype=np.float32)
    tables = _tables(levels_of(pixels))
    lookups = (tables.linear, tables.lab_f, tables.encoder, _gamut())
    exact = pixels.dtype == np.uint8
    result: Pixels = np.empty((height, width, 3), pixels.dtype)
    for top, band in _bands(height):
        gray = np.ascontiguousarray(gray_levels(pixels[band]))
        kernels.join(gray, small, top, height, *lookups, exact, tables.weighted, *_allowed(), result[band])
    return result


def gray_levels(pixels: Pixels) -> Pixels:
    """Return the gray level (h, w) of every pixel: the sRGB-encoded CIE Y, rounded half up, in the pixels' depth."""
    if pixels.ndim == 2:
        return pixels
    tables = _tables(levels_of(pixels))
    gray: Pixels = np.empty(pixels.shape[:2], pixels.dtype)
    kernels.gray_of(np.ascontiguousarray(pixels), tables.weighted, tables.encoder, tables.boundaries, gray)
    return gray


def count_changed_grays(before: Pixels, after: Pixels) -> int:
    """Return in how many pixels the gray levels of two pictures of one size and depth differ."""
    return sum(
        int(np.count_nonzero(gray_levels(before[band]) != gray_levels(after[band])))
        for _, band in _bands(before.shape[0])
    )


def _bands(height: int) -> Iterator[tuple[int, slice]]:
    """Yield the first row and the rows of every horizontal band."""
    for top in range(0, height, _BAND_ROWS):
        yield top, slice(top, top + _BAND_ROWS)


@cache
def _tables(levels: int) -> _Tables:
    white = levels - 1
    linear = linear_table(levels)
    # The curve bends most just above black; with these steps the interpolated value is within 0.1 levels there.
    steps = 4096 if levels == 256 else 16384
    return _Tables(
        linear=linear.astype(np.float32),
        lab_f=lab_f(linear).astype(np.float32),
        encoder=(white * srgb_encode(np.arange(steps + 2) / steps)).astype(np.float32),
        weighted=Y_WEIGHTS[:, None] * linear,
        boundaries=_luminance_at(np.arange(levels + 1) - 0.5, white),
    )


@cache
def _allowed() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each of the 256 gray levels the least Y that a result may have, and the bound it stays below."""
    levels = np.arange(256)
    least = _luminance_at(levels - 0.5 + _MARGIN_LEVELS, 255)
    return least, _luminance_at(levels + 0.5 - _MARGIN_LEVELS, 255)


def _luminance_at(level: NDArray[np.floating], white: int) -> NDArray[np.float64]:
    """Return Y at (fractional) gray levels, without bounds below black and above white."""
    inner = srgb_decode(np.clip(level / white, 0, 1).astype(np.float64))
    return np.where(level < 0, -np.inf, np.where(level > white, np.inf, inner))


@cache
def _gamut() -> NDArray[np.float32]:
    """Return the largest |a| + |b| inside sRGB, by gray level (256) and hue (`kernels.HUES` + 1, around once)."""
    table = np.empty((256, kernels.HUES + 1), np.float32)
    kernels.fill_gamut(_tables(256).linear, _tables(256).lab_f, table)
    return table
