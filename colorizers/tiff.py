"""Pixels and metadata in, the bytes of a TIFF file out, 8 or 16 bits (TIFF 6.0 with Adobe's deflate)."""

import logging
import warnings
from io import BytesIO

import imagecodecs
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2
from PIL.TiffTags import BYTE, LONG, SHORT, UNDEFINED

from colorizers.exif import PREFIX
from colorizers.lab import Pixels
from colorizers.metadata import STORAGE_TAGS

_log = logging.getLogger(__name__)

_STRIP_BYTES = 1 << 20
_LEVEL = 4
_DEFLATE, _RGB, _INTERLEAVED, _HORIZONTAL_DIFFERENCES, _PLAIN_ALPHA = 8, 2, 1, 2, 2
_NO_UNIT, _INCH = 1, 2
_SUBDIRECTORIES = (0x8769, 0x8825)
_INTEROPERABILITY = 0xA005


def tiff_bytes(
    samples: Pixels,
    profile: bytes,
    xmp: bytes,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """Return a TIFF file of RGB (h, w, 3) or RGBA (h, w, 4) samples, uint8 or uint16, in deflated strips.

    The tags of `exif`, a TIFF structure without prefix, become tags of the file; `dpi` is in pixels per inch.
    """
    height, width, channels = samples.shape
    rows = max(1, _STRIP_BYTES // (width * channels * samples.itemsize))
    strips = [_strip(samples[top : top + rows]) for top in range(0, height, rows)]
    directory = _exif_directory(exif)
    depth = 8 * samples.itemsize
    for tag, kind, value in (
        (256, LONG, width),
        (257, LONG, height),
        (258, SHORT, (depth,) * channels),
        (259, SHORT, _DEFLATE),
        (262, SHORT, _RGB),
        # Offsets count from the end of the directory, which writing it adds.
        (273, LONG, tuple(np.cumsum([0] + [len(strip) for strip in strips[:-1]]).tolist())),
        (277, SHORT, channels),
        (278, LONG, rows),
        (279, LONG, tuple(len(strip) for strip in strips)),
        (284, SHORT, _INTERLEAVED),
        (317, SHORT, _HORIZONTAL_DIFFERENCES),
        (700, BYTE, xmp),
        (34675, UNDEFINED, profile),
    ):
        directory.tagtype[tag] = kind
        directory[tag] = value
    if channels == 4:
        directory[338] = _PLAIN_ALPHA
    directory[282], directory[283] = (IFDRational(round(value * 1000), 1000) for value in dpi or (1, 1))
    directory[296] = _NO_UNIT if dpi is None else _INCH
    file = BytesIO()
    directory.save(file)
    for strip in strips:
        file.write(strip)
    return file.getvalue()


def _strip(rows: Pixels) -> bytes:
    """Return rows (n, w, channels), little-endian, as differences from the pixel to the left, deflated."""
    differences = np.array(rows, dtype=rows.dtype.newbyteorder("<"))
    differences[:, 1:] -= rows[:, :-1]
    return bytes(imagecodecs.zlib_encode(differences.tobytes(), level=_LEVEL))


def _exif_directory(exif: bytes | None) -> ImageFileDirectory_v2:
    """Return the directory of a new file with the tags of `exif` that do not describe storage."""
    directory = ImageFileDirectory_v2()
    if exif is None:
        return directory
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags = Image.Exif()
            tags.load(PREFIX + exif)
            for tag in set(tags) - STORAGE_TAGS:
                directory[tag] = _subdirectory(tags, tag) if tag in _SUBDIRECTORIES else tags[tag]
            directory.tobytes()
    except Exception as error:  # A file's EXIF may lie about its types in any way.
        _log.warning("the EXIF of the original cannot be carried into a TIFF file: %s", error)
        return ImageFileDirectory_v2()
    return directory


def _subdirectory(tags: Image.Exif, tag: int) -> dict[int, object]:
    inner = dict(tags.get_ifd(tag))
    inner.pop(_INTEROPERABILITY, None)
    return inner
