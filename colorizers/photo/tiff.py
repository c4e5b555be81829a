"""Samples of a TIFF page: what they mean is decided here, from what its directory declares, and nowhere else.

Every kind is either converted exactly or refused by name. tifffile and imagecodecs decode; Pillow decodes YCbCr that is
not packed as JPEG, which they do not know.
"""

import logging
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from colorizers.colorspace.lab import Pixels
from colorizers.errors import UndecodableError
from colorizers.photo import icc
from colorizers.photo.channels import Samples, split
from colorizers.photo.levels import from_bits, from_fractions, unsupported

# TIFF 6.0, sections 4 to 8, 16, 20 to 23, and Adobe's technical note on ICCLAB.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR, _CIE_LAB, _ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
_COLOURS = {
    _WHITE_IS_ZERO: 1,
    _BLACK_IS_ZERO: 1,
    _RGB: 3,
    _PALETTE: 1,
    _SEPARATED: 4,
    _YCBCR: 3,
    _CIE_LAB: 3,
    _ICC_LAB: 3,
}
_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED = 1, 2, 3, 4
_JPEG = (6, 7)
_UNCOMPRESSED, _CMYK_INKS = 1, 1
_ORIENTATION, _INK_SET = 274, 332
# What a further sample is (TIFF 6.0, section 18): alpha that the colours are multiplied with already, or are not.
_ASSOCIATED, _UNASSOCIATED = 1, 2
_BAND_ROWS = 256
# tifffile by itself reads ahead as many bytes as most files have, beside the bytes that are there already.
_READ_AHEAD_BYTES = 1 << 20


# Its warnings about the tags of broken files would fill a log; what matters of these is raised.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class _Meaning:
    """What the samples of a page mean: colours and further samples a pixel, bits and type of each."""

    photometric: int
    colours: int
    extras: tuple[int, ...]
    bits: int
    kind: int


def page_samples(data: bytes, number: int, profile: bytes | None) -> Samples:
    """Return the samples of directory `number`, 8 or 16 bits, as stored: gray or RGB, alpha apart.

    `profile` is the page's ICC profile, which only CMYK needs here. Raises `UnsupportedSamplesError` for kinds that
    nobody can convert exactly, and `UndecodableError` where pixels are missing.
    """
    # Both refer to each other in circles, and would keep the bytes until somebody collects those.
    with BytesIO(data) as stream, tifffile.TiffFile(stream) as file:
        page = file.pages[number]
        assert isinstance(page, tifffile.TiffPage)
        meaning = _meaning(page)
        if meaning.photometric == _YCBCR and page.compression not in _JPEG:
            return _by_pillow(data, number)
        _complete_byte_counts(page, len(data))
        stored = page.asarray(maxworkers=1, buffersize=_READ_AHEAD_BYTES)
        samples = _interleaved(stored, page)
        if meaning.bits == 24 and meaning.kind != _FLOAT and file.byteorder == "<":
            # tifffile takes the three bytes for bits in a row, the largest first.
            samples = (samples & 0xFF) << 16 | samples & 0xFF00 | samples >> 16
        if meaning.photometric == _PALETTE:
            return _through_palette(samples, page, meaning)
        if meaning.photometric in (_CIE_LAB, _ICC_LAB):
            lab = icc.lab_to_srgb(samples[..., :3], signed=meaning.photometric == _CIE_LAB)
            return _with_alpha(lab, samples[..., 3:], meaning.extras)
        levels = _levels(samples, meaning)
        if meaning.photometric == _WHITE_IS_ZERO:
            levels = np.concatenate([np.iinfo(levels.dtype).max - levels[..., :1], levels[..., 1:]], axis=2)
        if meaning.photometric == _SEPARATED:
            return _with_alpha(icc.cmyk_to_srgb(levels[..., :4], profile), levels[..., 4:], meaning.extras)
        return _with_alpha(levels[..., : meaning.colours], levels[..., meaning.colours :], meaning.extras)


def _meaning(page: tifffile.TiffPage) -> _Meaning:
    """Return what the samples mean. Raises `UnsupportedSamplesError` where nobody agrees on it."""
    photometric, colours = int(page.photometric), _COLOURS.get(int(page.photometric))
    bits, kinds = set(_each(page.bitspersample)), set(_each(page.sampleformat))
    if colours is None:
        raise unsupported("TIFF", f"colours of kind {getattr(page.photometric, 'name', photometric)}")
    if page.samplesperpixel < colours:
        raise unsupported("TIFF", f"{page.samplesperpixel} samples a pixel where its colours take {colours}")
    if len(bits) > 1 or (len(kinds) > 1 and photometric not in (_CIE_LAB, _ICC_LAB)):
        raise unsupported("TIFF", "samples of different types in one pixel")
    if page.imagedepth > 1:
        raise unsupported("TIFF", "pictures in three dimensions")
    if photometric == _SEPARATED and page.tags.valueof(_INK_SET, _CMYK_INKS) != _CMYK_INKS:
        raise unsupported("TIFF", "inks that are not cyan, magenta, yellow and black")
    extras = tuple(int(extra) for extra in page.extrasamples)[: page.samplesperpixel - colours]
    meaning = _Meaning(photometric, colours, extras, bits.pop(), kinds.pop())
    _check_type(meaning)
    return meaning


def _check_type(meaning: _Meaning) -> None:
    photometric, bits, kind = meaning.photometric, meaning.bits, meaning.kind
    if photometric in (_CIE_LAB, _ICC_LAB):
        if bits not in (8, 16):
            raise unsupported("TIFF", f"CIELAB of {bits} bits")
    elif kind == _SIGNED and not (bits == 32 and photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO)):
        raise unsupported("TIFF", f"signed samples of {bits} bits, of which nobody says which one is black")
    elif kind == _FLOAT and photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB):
        raise unsupported("TIFF", "fractions where colours are not gray or RGB")
    elif kind not in (_UNSIGNED, _SIGNED, _FLOAT, _UNDEFINED):
        raise unsupported("TIFF", "complex numbers")
    elif bits > 32 and kind != _FLOAT:
        raise unsupported("TIFF", f"samples of {bits} bits")


def _each(value: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in value) if isinstance(value, tuple) else (int(value),)


def _interleaved(stored: NDArray[Any], page: tifffile.TiffPage) -> NDArray[Any]:
    """Return the stored samples as (h, w, samples)."""
    count, height, width = page.samplesperpixel, page.imagelength, page.imagewidth
    if count > 1 and page.planarconfig == 2:
        return np.moveaxis(stored.reshape(count, height, width), 0, -1)
    return stored.reshape(height, width, count)


def _levels(samples: NDArray[Any], meaning: _Meaning) -> Pixels:
    """Return samples of any type as levels of 8 bits, where they have no more, or of 16."""
    if samples.dtype.kind == "f":
        return from_fractions(samples, "TIFF")
    if meaning.kind == _SIGNED and not 0 <= int(samples.min(initial=0)) <= int(samples.max(initial=0)) <= 65535:
        raise unsupported("TIFF", "signed samples of 32 bits, of which nobody says which one is white")
    return from_bits(samples, meaning.bits)


def _through_palette(samples: NDArray[Any], page: tifffile.TiffPage, meaning: _Meaning) -> Samples:
    colours = np.asarray(page.colormap)
    if colours.ndim != 2 or len(colours) != 3:
        raise UndecodableError("This TIFF file lacks its palette.", format="TIFF")
    # Some programs write palettes of 8 bits; libtiff takes them for that, too.
    table = colours * 257 if colours.max(initial=0) < 256 else colours
    indices = samples[..., 0].astype(np.intp)
    if indices.max(initial=0) >= table.shape[1]:
        raise UndecodableError("This TIFF file has pixels that its palette lacks.", format="TIFF")
    table = table.astype(np.uint16).T
    if not (table % 257).any() or not (table % 256).any():  # 8 bits, doubled or shifted
        table = (table >> 8).astype(np.uint8)
    return _with_alpha(table[indices], from_bits(samples[..., 1:], meaning.bits), meaning.extras)


def _with_alpha(colours: Pixels, further: Pixels, extras: tuple[int, ...]) -> Samples:
    """Return colours (h, w, 1 or 3) with the first of the further samples (h, w, n) that is alpha."""
    pixels = split(colours).pixels
    number = next((number for number, kind in enumerate(extras) if kind in (_ASSOCIATED, _UNASSOCIATED)), None)
    if number is None:
        return Samples(np.ascontiguousarray(pixels), None)
    white = int(np.iinfo(pixels.dtype).max)
    alpha = np.ascontiguousarray(further[..., number])
    pixels = np.array(pixels)
    if extras[number] == _ASSOCIATED:
        for top in range(0, len(pixels), _BAND_ROWS):
            band = pixels[top : top + _BAND_ROWS]
            weight = np.maximum(alpha[top : top + _BAND_ROWS], 1).astype(np.float64)
            weight = weight if band.ndim == 2 else weight[..., None]
            band[...] = np.minimum(np.rint(band * (white / weight)), white)
    return Samples(pixels, alpha)


def _complete_byte_counts(page: tifffile.TiffPage, file_bytes: int) -> None:
    """Compute byte counts that are missing or 0, as libtiff does; raises `UndecodableError` where pieces are missing.

    Without counts, a piece that is not compressed has as many bytes as its pixels take; any other one ends where the
    next piece, or the file, does.
    """
    offsets, counts = list(page.dataoffsets), list(page.databytecounts)
    if not offsets or any(offset <= 0 or offset >= file_bytes for offset in offsets):
        raise UndecodableError("This TIFF file lacks some of its strips or tiles.", format="TIFF")
    counts += [0] * (len(offsets) - len(counts))
    ends = sorted({*offsets, file_bytes})
    following = dict(pairwise(ends))
    for number, offset in enumerate(offsets):
        whole = _piece_bytes(page, number) if page.compression == _UNCOMPRESSED else 0
        if not counts[number]:
            counts[number] = whole or following[offset] - offset
        if offset + counts[number] > file_bytes or counts[number] < whole:
            raise UndecodableError("This TIFF file cannot be decoded: it is broken, cut off.", format="TIFF")
    page.databytecounts = tuple(counts)


def _piece_bytes(page: tifffile.TiffPage, number: int) -> int:
    """Return how many bytes a strip or tile takes that is not compressed."""
    samples = 1 if page.planarconfig == 2 else page.samplesperpixel
    bits = max(_each(page.bitspersample))
    if page.is_tiled:
        return page.tilelength * -(-page.tilewidth * samples * bits // 8)
    per_plane = -(-page.imagelength // page.rowsperstrip)
    rows = min(page.rowsperstrip, page.imagelength - number % per_plane * page.rowsperstrip)
    return rows * -(-page.imagewidth * samples * bits // 8)


def _by_pillow(data: bytes, number: int) -> Samples:
    with BytesIO(data) as stream, Image.open(stream, formats=["TIFF"]) as image:
        image.seek(number)
        image.getexif().pop(_ORIENTATION, None)  # Else Pillow turns the picture itself.
        return split(np.asarray(image.convert("RGB")))
