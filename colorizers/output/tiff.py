"""Writer of TIFF files of one or more pages, 8 or 16 bits, by bands (TIFF 6.0, Adobe's deflate).

Strips are written as they come and the directory after them, so that no page is ever held as a whole.
"""

import logging
import struct
import warnings
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2
from PIL.TiffTags import BYTE, LONG, SHORT, UNDEFINED

from colorizers.colorspace.lab import Pixels
from colorizers.errors import ColorizerError
from colorizers.metadata import photoshop
from colorizers.metadata.exif import PREFIX
from colorizers.metadata.tiff_page import STORAGE_TAGS, SUBDIRECTORIES
from colorizers.output.metadata import Carried

_log = logging.getLogger(__name__)

BAND_ROWS = 256
"""Bands, but for a page's last, have a multiple of so many rows."""
_STRIP_BYTES = 1 << 20
_LEVEL = 4
_DEFLATE, _RGB, _INTERLEAVED, _HORIZONTAL_DIFFERENCES, _PLAIN_ALPHA = 8, 2, 1, 2, 2
_NO_UNIT, _INCH = 1, 2
_INTEROPERABILITY = 0xA005
_STRIP_OFFSETS = 273
_HEADER, _FIRST_LINK_AT = b"II*\0\0\0\0\0", 4
_MOST_BYTES = 2**32 - 2**26


def tiff_bytes(samples: Pixels, carried: Carried) -> bytes:
    """Return a TIFF file of RGB (h, w, 3) or RGBA (h, w, 4) samples, uint8 or uint16, in deflated strips."""
    file = BytesIO()
    writer = TiffWriter(file)
    writer.add_page([samples], carried)
    return file.getvalue()


class TiffWriter:
    """Writes pages, one after the other, to a file that can be sought in, from its beginning."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._link_at = _FIRST_LINK_AT
        file.write(_HEADER)

    def add_page(self, bands: Iterable[Pixels], carried: Carried) -> None:
        """Write a page, given from top to bottom as bands of RGB (n, w, 3) or RGBA (n, w, 4), uint8 or uint16.

        All bands but the last have a multiple of `BAND_ROWS` rows. The tags of the EXIF become tags of the file.
        Raises `ColorizerError` where the file would become too large for its format.
        """
        offsets, sizes, height, rows = [], [], 0, 1
        band: Pixels | None = None
        for band in bands:
            if height % BAND_ROWS:
                raise ValueError(f"a band that is not the last has a multiple of {BAND_ROWS} rows")
            height += band.shape[0]
            rows = _strip_rows(band)
            for strip in _strips(band, rows):
                offsets.append(self._file.tell())
                sizes.append(self._file.write(strip))
                if offsets[-1] > _MOST_BYTES:
                    raise ColorizerError("The pages make a file of more than 4 GB, which TIFF cannot hold.")
        if band is None:
            raise ValueError("a page has at least one band")
        directory = _directory(band, height, rows, carried)
        directory[_STRIP_OFFSETS], directory[279] = tuple(offsets), tuple(sizes)
        self._link(directory)

    def _link(self, directory: ImageFileDirectory_v2) -> None:
        """Write a directory and let the last link point to it."""
        self._file.write(bytes(self._file.tell() % 2))
        at = self._file.tell()
        self._file.write(_with_absolute_offsets(directory, at))
        self._file.seek(self._link_at)
        self._file.write(struct.pack("<L", at))
        self._file.seek(0, 2)
        self._link_at = at + 2 + 12 * len(directory)


def _strip_rows(band: Pixels) -> int:
    """Return how many rows a strip has: a power of two, so that bands hold whole strips."""
    wished = max(1, _STRIP_BYTES // band[0].nbytes)
    return int(min(BAND_ROWS, 1 << (wished.bit_length() - 1)))


def _strips(band: Pixels, rows: int) -> Iterator[bytes]:
    """Yield strips of a band, little-endian, as differences from the pixel to the left, deflated."""
    for top in range(0, band.shape[0], rows):
        strip = band[top : top + rows]
        differences = np.array(strip, dtype=strip.dtype.newbyteorder("<"))
        differences[:, 1:] -= strip[:, :-1]
        yield bytes(imagecodecs.zlib_encode(differences.tobytes(), level=_LEVEL))


def _directory(band: Pixels, height: int, rows: int, carried: Carried) -> ImageFileDirectory_v2:
    """Return the directory of a page of bands like `band`, without its strips."""
    _, width, channels = band.shape
    directory = _exif_directory(carried.exif)
    resources = photoshop.read_resources(carried.resources or b"")
    iptc = b"".join(resource.contents for resource in resources if resource.number == photoshop.IPTC)
    others = photoshop.write_resources(resource for resource in resources if resource.number != photoshop.IPTC)
    for tag, kind, value in (
        (256, LONG, width),
        (257, LONG, height),
        (258, SHORT, (8 * band.itemsize,) * channels),
        (259, SHORT, _DEFLATE),
        (262, SHORT, _RGB),
        (_STRIP_OFFSETS, LONG, 0),
        (277, SHORT, channels),
        (278, LONG, rows),
        (279, LONG, 0),
        (284, SHORT, _INTERLEAVED),
        (317, SHORT, _HORIZONTAL_DIFFERENCES),
        (338, SHORT, _PLAIN_ALPHA if channels == 4 else None),
        (700, BYTE, carried.xmp),
        (33723, UNDEFINED, iptc or None),
        (34377, BYTE, others or None),
        (34675, UNDEFINED, carried.profile),
    ):
        if value is not None:
            directory.tagtype[tag] = kind
            directory[tag] = value
    directory[282], directory[283] = (
        IFDRational(round(value * 1000), 1000) for value in carried.dpi or carried.density or (1, 1)
    )
    directory[296] = _NO_UNIT if carried.dpi is None else _INCH
    return directory


def _with_absolute_offsets(directory: ImageFileDirectory_v2, at: int) -> bytes:
    """Return the bytes of a directory to be written at `at`, with its strip offsets as they are.

    Pillow counts them from the end of the directory.
    """
    offsets = directory[_STRIP_OFFSETS]
    data = bytearray(directory.tobytes(at))
    (count,) = struct.unpack_from("<H", data)
    for entry in range(2, 2 + 12 * count, 12):
        tag, _, length = struct.unpack_from("<HHL", data, entry)
        if tag == _STRIP_OFFSETS:
            place = entry + 8 if length == 1 else struct.unpack_from("<L", data, entry + 8)[0] - at
            struct.pack_into(f"<{length}L", data, place, *(offsets if isinstance(offsets, tuple) else (offsets,)))
    return bytes(data)


def _exif_directory(exif: bytes | None) -> ImageFileDirectory_v2:
    """Return the directory of a new page with the tags of `exif` that do not describe storage."""
    directory = ImageFileDirectory_v2()
    if exif is None:
        return directory
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags = Image.Exif()
            tags.load(PREFIX + exif)
            _faithful(tags)
            for tag in set(tags) - STORAGE_TAGS:
                directory[tag] = _subdirectory(tags, tag) if tag in SUBDIRECTORIES else tags[tag]
            directory.tobytes()
    except Exception as error:  # A file's EXIF may lie about its types in any way.
        _log.warning("the EXIF of the original cannot be carried into a TIFF file: %s", error)
        return ImageFileDirectory_v2()
    return directory


def _subdirectory(tags: Image.Exif, tag: int) -> dict[int, object]:
    inner = dict(tags.get_ifd(tag))
    inner.pop(_INTEROPERABILITY, None)
    return inner


class _TagText(str):
    """The text of a tag as Pillow read it, byte by byte, that is written the same way."""

    __slots__ = ()

    def encode(self, _encoding: str = "", _errors: str = "") -> bytes:
        return super().encode("latin-1", "replace")


def _faithful(tags: Image.Exif) -> Image.Exif:
    """Return `tags`, changed so that Pillow writes texts as it read them instead of replacing what is not ASCII."""
    for tag, value in list(tags.items()):
        if isinstance(value, str):
            tags[tag] = _TagText(value)
        elif tag in SUBDIRECTORIES:
            inner = tags.get_ifd(tag)
            inner.update({key: _TagText(text) for key, text in inner.items() if isinstance(text, str)})
    return tags
