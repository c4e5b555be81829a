"""Color pass: combines a photo's luminance with small ab planes to RGB of the photo's size and depth.

One pass over the rows takes each pixel's luminance Y, interpolates the planes bilinearly (as PyTorch does with
align_corners off), reduces chroma to the sRGB gamut at fixed L and hue, and rounds so that the result's gray level is
the photo's: exactly for 8-bit photos, within 1/65535 for 16-bit ones. A gray level is the sRGB-encoded Y, rounded half
up. No floating-point picture of the full size ever exists.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.gamut_lookup import MARGIN_LEVELS, largest_sizes
from colorizers.colorspace.lab import Y_WEIGHTS, Pixels, lab_f, levels_of, linear_table, srgb_decode, srgb_encode
from colorizers.kernels import exact_pass, gamut, gray_level, linear_light, lut_pass
from colorizers.kernels.malloc import sparse_zeros
from colorizers.kernels.row_interpolation import RowInterpolator, Rows

BAND_ROWS = 256
# Luminances as whole numbers, so that sums are compared exactly and quickly; the margin is ten thousand steps wide.
_WHOLE_Y = 2**30
# The color cache is emptied when it takes more pages of 4 KiB than this. Twenty photos of all kinds take half of it,
# and then hold all but a twentieth of the colors of another one.
_MOST_PAGES = 16384


@dataclass(eq=False)
class _Cache:
    """The color cache of `kernels.lut_pass`, and the number of memory pages that it takes."""

    colors: lut_pass.ColorCache
    page_count: int = 0


def join(pixels: Pixels, planes: NDArray[np.float32], clip: bool = False) -> Pixels:
    """Return RGB (h, w, 3), of the depth of `pixels`, with the luminance of `pixels` and the colors of `planes`.

    `pixels` is gray (h, w) or RGB (h, w, 3), uint8 or uint16. `planes`, of any size, is ab (2, h', w') in raw units, or
    ab at black and its rise up to white (4, h', w'), by gray level. For 8 bits, ab of less than 64 is rounded to
    quarters. `clip` clips what is outside sRGB, as the published demo does, instead of keeping luminance and hue.
    Raises `ValueError` where `planes` are not finite.
    """
    result: Pixels = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    fill = _band_filler(pixels, planes, clip)
    for top, band in _bands(pixels.shape[0]):
        fill(top, band, result[band])
    return result


def join_bands(pixels: Pixels, planes: NDArray[np.float32], clip: bool = False) -> Iterator[Pixels]:
    """Yield the result of `join` from top to bottom in bands of `BAND_ROWS` rows; the last may have fewer."""
    fill = _band_filler(pixels, planes, clip)
    for top, band in _bands(pixels.shape[0]):
        rows: Pixels = np.empty((*pixels[band].shape[:2], 3), pixels.dtype)
        fill(top, band, rows)
        yield rows


def _band_filler(pixels: Pixels, planes: NDArray[np.float32], clip: bool) -> Callable[[int, slice, Pixels], None]:
    """Return a function that fills a band of the result, given its first row, its rows and the array to fill."""
    if not np.isfinite(planes).all():
        raise ValueError("ab holds values that are not finite")
    height, width = pixels.shape[:2]
    by_table = pixels.dtype == np.uint8 and not clip
    small = lut_pass.to_steps(planes) if by_table else _shifts(planes)
    interpolator = RowInterpolator(small[:2] if clip and len(planes) == 2 else small, width, height)

    def fill(top: int, band: slice, result: Pixels) -> None:
        rows = interpolator.rows(top, len(result))
        if clip:
            _fill_clipped(pixels[band], rows, result)
            return
        gray = np.ascontiguousarray(gray_levels(pixels[band]))
        if by_table:
            _fill_by_table(gray, rows, result)
        else:
            exact_pass.color_band(gray, rows, _tables(levels_of(gray)), result)

    return fill


def _fill_clipped(pixels: Pixels, rows: Rows, result: Pixels) -> None:
    # Imported here because the application never clips, and machine code takes time to make and to load.
    from colorizers.kernels import clipped_pass

    channels = np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])
    clipped_pass.color_band(channels, rows, _weighted(levels_of(pixels)), _levels_by_key(), result)


def _fill_by_table(gray: Pixels, rows: Rows, result: Pixels) -> None:
    """Fill `result` for 8-bit gray levels."""
    known, flat = _cache(), result.reshape(-1)
    words: NDArray[np.uint32] = np.ndarray(gray.size - 1, np.uint32, flat, strides=(3,))
    known.page_count += lut_pass.color_band(gray, rows, _tables(256), _allowed(), known.colors, words, flat)
    if known.page_count > _MOST_PAGES:
        _cache.cache_clear()


def gray_levels(pixels: Pixels) -> Pixels:
    """Return the gray level (h, w) of every pixel: the sRGB-encoded CIE Y, rounded half up, in the pixels' depth."""
    if pixels.ndim == 2:
        return pixels
    levels = levels_of(pixels)
    gray: Pixels = np.empty(pixels.shape[:2], pixels.dtype)
    tables = _weighted(levels), _boundaries(levels), _levels_by_key()
    gray_level.fill_gray_levels(np.ascontiguousarray(pixels), *tables, gray)
    return gray


def count_changed_grays(before: Pixels, after: Pixels) -> int:
    """Return the number of pixels whose gray levels differ between two pictures of equal size and depth."""
    return sum(
        int(np.count_nonzero(gray_levels(before[band]) != gray_levels(after[band])))
        for _, band in _bands(before.shape[0])
    )


def _shifts(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert ab planes to the shifts of f(X) and f(Z) from f(Y), at black and their rise up to white: (4, h', w').

    a is 500 times the first difference, b -200 times the other.
    """
    rise = planes[2:] if len(planes) == 4 else np.zeros_like(planes)
    per_ab = np.array([1 / 500, -1 / 200] * 2, np.float32)[:, None, None]
    shifts: NDArray[np.float32] = np.concatenate([planes[:2], rise]) * per_ab
    return shifts


def _bands(height: int) -> Iterator[tuple[int, slice]]:
    """Yield the first row and the rows of every horizontal band."""
    for top in range(0, height, BAND_ROWS):
        yield top, slice(top, top + BAND_ROWS)


@cache
def _tables(levels: int) -> exact_pass.Tables:
    return exact_pass.Tables(lab_f(linear_table(levels)).astype(np.float32), _gamut())


@cache
def _gamut() -> NDArray[np.float32]:
    """Return the largest |a| + |b| inside sRGB by gray level (256) and hue (`gamut.HUES` + 1).

    Hues go around the diamond |a| + |b| = 1, from a = 1 by b = 1.
    """
    along = np.linspace(0, 4, gamut.HUES + 1, dtype=np.float32)
    a = np.where(along <= 2, 1 - along, along - 3)
    b = np.where(along <= 2, 1 - np.abs(a), np.abs(a) - 1)
    # By blocks of levels, whose arrays fit the processor's cache: half the time.
    blocks = np.split(lab_f(linear_table(256)).astype(np.float32)[:, None], 8)
    return np.concatenate([largest_sizes(block, a, b) for block in blocks])


@cache
def _weighted(levels: int) -> NDArray[np.float64]:
    """Return the share of each level in Y as red, green and blue, (3, levels)."""
    weighted: NDArray[np.float64] = Y_WEIGHTS[:, None] * linear_table(levels)
    return weighted


@cache
def _boundaries(levels: int) -> NDArray[np.float64]:
    """Return the least Y of each gray level, and what the last one stays below, (levels + 1)."""
    return _luminance_at(np.arange(levels + 1) - 0.5, levels - 1)


@cache
def _levels_by_key() -> NDArray[np.uint8]:
    """Return the 8-bit level of linear light by its key (`linear_light.find_keys`), from the darkest to white."""
    shift = 23 - linear_light.KEY_BITS
    first, last = (int(value.view(np.int32)) >> shift for value in (linear_light.DARKEST, np.float32(1)))
    middles = ((np.arange(first, last + 1) << shift) + (1 << shift >> 1)).astype(np.int32).view(np.float32)
    return np.rint(255 * srgb_encode(np.minimum(middles, 1).astype(np.float64))).astype(np.uint8)


@cache
def _allowed() -> exact_pass.Allowed:
    """Return the luminances that keep 8-bit gray levels exact, in 1/2**30 of white's Y."""
    levels = np.arange(256)
    edges = (levels - 0.5 + MARGIN_LEVELS, levels + 0.5 - MARGIN_LEVELS)
    least, bound = (np.clip(_luminance_at(edge, 255), -1, 1.5) * _WHOLE_Y for edge in edges)
    return exact_pass.Allowed(
        weighted=np.rint(_weighted(256) * _WHOLE_Y).astype(np.int32),
        least=np.ceil(least).astype(np.int32),
        bound=np.ceil(bound).astype(np.int32),
    )


@cache
def _cache() -> _Cache:
    pages = np.zeros(lut_pass.ENTRIES // lut_pass.PAGE_ENTRIES, np.uint8)
    return _Cache(lut_pass.ColorCache(sparse_zeros(lut_pass.ENTRIES), pages))


def _luminance_at(level: NDArray[np.floating], white: int) -> NDArray[np.float64]:
    """Return Y at (fractional) gray levels: -inf below black, inf above white."""
    inner = srgb_decode(np.clip(level / white, 0, 1).astype(np.float64))
    return np.where(level < 0, -np.inf, np.where(level > white, np.inf, inner))
