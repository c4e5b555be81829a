"""A photo's pixels and small ab planes in, RGB pixels of the same size and depth out.

One pass over the rows does everything: it takes each pixel's luminance Y, interpolates the planes bilinearly (as
PyTorch does with align_corners off), scales the chroma into the sRGB gamut at fixed L and hue, and rounds so that the
result's gray level is the photo's: exactly for 8-bit photos, within 1/65535 for 16-bit ones. A gray level is the
sRGB-encoded Y, rounded half up. No full-size floating-point picture ever exists.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from colorizers import careful_pass, gamut, graying, light, quick_pass
from colorizers.heap import sparse_zeros
from colorizers.lab import Y_WEIGHTS, Pixels, lab_f, levels_of, linear_table, srgb_decode, srgb_encode
from colorizers.widening import Rows, Widening

BAND_ROWS = 256
# Results stay this far (in levels) from where a gray rounds to the next, so that grays also come out equal for those
# who compute them with another edition of the luminance weights (0.2126, 0.7152, 0.0722) or round half to even.
_MARGIN_LEVELS = 0.03
# Luminances as whole numbers, so that sums are compared exactly and quickly; the margin is ten thousand steps wide.
_WHOLE_Y = 2**30
# Known colours are forgotten when they take more pages of 4 KiB than this. Twenty photos of all kinds take half of it,
# and then know all but a twentieth of the colours that another one needs.
_MOST_PAGES = 16384


@dataclass(frozen=True, eq=False)
class _Tables:
    """What the pass looks up for pixels of one depth.

    By level: CIELAB `lab_f`, `weighted` (3, levels) its share in Y as red, green and blue, and `boundaries`, the least
    Y of gray level k at k (one more at the end).
    """

    lab_f: NDArray[np.float32]
    weighted: NDArray[np.float64]
    boundaries: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Allowed:
    """How exact 8-bit grays are kept, in 1/2**30 of white's Y.

    `weighted` (3, 256) is each level's share in Y as red, green and blue; by gray level, `least` is the least Y that a
    result may have and `bound` what it stays below.
    """

    weighted: NDArray[np.int32]
    least: NDArray[np.int32]
    bound: NDArray[np.int32]


@dataclass(eq=False)
class _Known:
    """The colours that have been computed, for `quick_pass.join`, and how many pages of memory they take.

    Threads may share it: what one writes is what another would.
    """

    table: NDArray[np.uint32]
    pages: NDArray[np.uint8]
    page_count: int = 0


def join(pixels: Pixels, planes: NDArray[np.float32], clip: bool = False) -> Pixels:
    """Return RGB (h, w, 3), of the depth of `pixels`, with the luminance of `pixels` and the colours of `planes`.

    `pixels` is gray (h, w) or RGB (h, w, 3), uint8 or uint16. `planes` is ab (2, h', w') in raw units, or ab at black
    and its rise up to white (4, h', w'), by gray level, of any size. For 8 bits, ab of less than 64 is rounded to
    quarters. `clip` cuts off what is outside sRGB, as the published demo does, instead of keeping luminance and hue.
    Raises `ValueError` where `planes` are not finite.
    """
    result: Pixels = np.empty((*pixels.shape[:2], 3), pixels.dtype)
    fill = _filling(pixels, planes, clip)
    for top, band in _bands(pixels.shape[0]):
        fill(top, band, result[band])
    return result


def join_bands(pixels: Pixels, planes: NDArray[np.float32], clip: bool = False) -> Iterator[Pixels]:
    """Yield what `join` returns, from top to bottom, as bands of `BAND_ROWS` rows of which the last may have fewer."""
    fill = _filling(pixels, planes, clip)
    for top, band in _bands(pixels.shape[0]):
        rows: Pixels = np.empty((*pixels[band].shape[:2], 3), pixels.dtype)
        fill(top, band, rows)
        yield rows


def _filling(pixels: Pixels, planes: NDArray[np.float32], clip: bool) -> Callable[[int, slice, Pixels], None]:
    """Return a function that fills the pixels of a band, given its first row and its rows."""
    if not np.isfinite(planes).all():
        raise ValueError("ab holds values that are not finite")
    height, width = pixels.shape[:2]
    quick = pixels.dtype == np.uint8 and not clip
    small = quick_pass.in_steps(planes) if quick else _shifts(planes)
    widening = Widening(small[:2] if clip and len(planes) == 2 else small, width, height)

    def fill(top: int, band: slice, result: Pixels) -> None:
        rows = widening.rows(top, len(result))
        if clip:
            _fill_clipped(pixels[band], rows, result)
            return
        gray = np.ascontiguousarray(gray_levels(pixels[band]))
        if quick:
            _fill_quickly(gray, rows, result)
        else:
            lab_f = _tables(levels_of(gray)).lab_f
            careful_pass.join(gray, rows.wide, rows.at, rows.down, lab_f, _gamut(), result)

    return fill


def _fill_clipped(pixels: Pixels, rows: Rows, result: Pixels) -> None:
    # Imported here because the application never clips, and machine code takes time to make and to load.
    from colorizers import clipped_pass

    channels = np.ascontiguousarray(pixels if pixels.ndim == 3 else pixels[..., None])
    weighted = _tables(levels_of(pixels)).weighted
    clipped_pass.join(channels, rows.wide, rows.at, rows.down, weighted, _levels_by_key(), result)


def _fill_quickly(gray: Pixels, rows: Rows, result: Pixels) -> None:
    """Fill `result` for 8-bit gray levels."""
    known, allowed, lab_f, flat = _known(), _allowed(), _tables(256).lab_f, result.reshape(-1)
    words: NDArray[np.uint32] = np.ndarray(gray.size - 1, np.uint32, flat, strides=(3,))
    levels = (lab_f, _gamut(), allowed.weighted, allowed.least, allowed.bound)
    known.page_count += quick_pass.join(
        gray, rows.wide, rows.at, rows.down, *levels, known.table, known.pages, words, flat
    )
    if known.page_count > _MOST_PAGES:
        _known.cache_clear()


def gray_levels(pixels: Pixels) -> Pixels:
    """Return the gray level (h, w) of every pixel: the sRGB-encoded CIE Y, rounded half up, in the pixels' depth."""
    if pixels.ndim == 2:
        return pixels
    tables = _tables(levels_of(pixels))
    gray: Pixels = np.empty(pixels.shape[:2], pixels.dtype)
    graying.gray_of(np.ascontiguousarray(pixels), tables.weighted, tables.boundaries, _levels_by_key(), gray)
    return gray


def count_changed_grays(before: Pixels, after: Pixels) -> int:
    """Return in how many pixels the gray levels of two pictures of one size and depth differ."""
    return sum(
        int(np.count_nonzero(gray_levels(before[band]) != gray_levels(after[band])))
        for _, band in _bands(before.shape[0])
    )


def _shifts(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how much the planes move f(X) and f(Z) away from f(Y): (4, h', w'), at black and their rise to white.

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
def _tables(levels: int) -> _Tables:
    linear = linear_table(levels)
    return _Tables(
        lab_f=lab_f(linear).astype(np.float32),
        weighted=Y_WEIGHTS[:, None] * linear,
        boundaries=_luminance_at(np.arange(levels + 1) - 0.5, levels - 1),
    )


@cache
def _levels_by_key() -> NDArray[np.uint8]:
    """Return the 8-bit level of linear light by its key, from `light.DARKEST` to white."""
    shift = 23 - light.KEY_BITS
    first, last = (int(light.view(np.int32)) >> shift for light in (light.DARKEST, np.float32(1)))
    middles = ((np.arange(first, last + 1) << shift) + (1 << shift >> 1)).astype(np.int32).view(np.float32)
    return np.rint(255 * srgb_encode(np.minimum(middles, 1).astype(np.float64))).astype(np.uint8)


@cache
def _allowed() -> _Allowed:
    levels = np.arange(256)
    edges = (levels - 0.5 + _MARGIN_LEVELS, levels + 0.5 - _MARGIN_LEVELS)
    least, bound = (np.clip(_luminance_at(edge, 255), -1, 1.5) * _WHOLE_Y for edge in edges)
    return _Allowed(
        weighted=np.rint(_tables(256).weighted * _WHOLE_Y).astype(np.int32),
        least=np.ceil(least).astype(np.int32),
        bound=np.ceil(bound).astype(np.int32),
    )


@cache
def _known() -> _Known:
    return _Known(
        table=sparse_zeros(quick_pass.ENTRIES),
        pages=np.zeros(quick_pass.ENTRIES // quick_pass.PAGE_ENTRIES, np.uint8),
    )


def _luminance_at(level: NDArray[np.floating], white: int) -> NDArray[np.float64]:
    """Return Y at (fractional) gray levels, without bounds below black and above white."""
    inner = srgb_decode(np.clip(level / white, 0, 1).astype(np.float64))
    return np.where(level < 0, -np.inf, np.where(level > white, np.inf, inner))


@cache
def _gamut() -> NDArray[np.float32]:
    """Return the largest |a| + |b| inside sRGB, by gray level (256) and hue (`gamut.HUES` + 1, around once)."""
    table = np.empty((256, gamut.HUES + 1), np.float32)
    gamut.fill_gamut(_tables(256).lab_f, table)
    return table
