"""A picture file in, a `Photo` out: every file is checked and brought to one form here, once.

Behind this door nobody asks about formats, modes, profiles, orientation or limits again.
"""

import hashlib
import mmap
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from colorizers import exif, metadata, tiff_header
from colorizers.decode import decode, is_neutral
from colorizers.errors import NoSuchPageError, NotAPictureError, PhotoError, UndecodableError
from colorizers.formats import SUPPORTED, announced_format, supported_titles
from colorizers.lab import Pixels, eight_bits
from colorizers.limits import MOST_METADATA_BYTES, check_limits, check_metadata, check_pixels, gif_size

MAX_MEGAPIXELS = 120.0
# Pillow's JPEG opener recognises MPO by itself.
_OPENERS = [entry.name for entry in SUPPORTED if entry.name != "MPO"]

pillow_heif.register_heif_opener()
_pillow_settings = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded picture, upright and in sRGB, and what its file said besides.

    `pixels` is gray (h, w) or RGB (h, w, 3), uint8 or uint16; `alpha` (h, w) has the same depth. `format` is Pillow's
    name of the file's format, `frames` how many pages or frames it has, `sha256` the hash of its
    bytes, `dpi` its resolution in pixels per inch. `exif` is a TIFF structure without the `Exif` prefix, its
    orientation already reset, its thumbnail as it was; `xmp` is the packet as it was and `extended_xmp` what followed
    it in a JPEG file; `resources` are Photoshop's image resources with the IPTC data; `comments` are texts with their
    keywords.
    """

    pixels: Pixels
    alpha: Pixels | None
    format: str
    frames: int
    sha256: str
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    extended_xmp: tuple[bytes, ...] = ()
    resources: bytes | None = None
    comments: tuple[tuple[str, str], ...] = ()

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def pages(self) -> int:
        """How many pages the file has that `open_photo` can open: an animation's frames are none."""
        return self.frames if self.format == "TIFF" else 1

    @property
    def had_colour(self) -> bool:
        """Whether any pixel of the original has chroma (toned prints have).

        A level's difference between red, green and blue is none: so gray WebP files are decoded.
        """
        one_level = int(np.iinfo(self.pixels.dtype).max) // 255
        return self.pixels.ndim == 3 and not is_neutral(self.pixels, within=one_level)


@dataclass(frozen=True)
class Header:
    """What a picture file declares: Pillow's name of its format, and its size in pixels as stored."""

    format: str
    width: int
    height: int


def read_header(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Return what the file `path` declares, without decoding it; raises as `open_photo` does."""
    with path.open("rb") as file:
        _check_announced(file.read(32))
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with data, _quiet_pillow(), _only_photo_errors(data):
        _check_container(data, max_megapixels)
        if data[:3] == b"GIF":
            # Pillow makes room for the pixels of a frame that is to be cleared when it opens the file.
            width, height = gif_size(data)
            if not (width and height):
                raise _undecodable(data)
            return Header("GIF", width, height)
        with Image.open(path, formats=_OPENERS) as image:
            check_pixels(image.width, image.height, max_megapixels)
            return Header(str(image.format), image.width, image.height)


def open_photo(source: Path | bytes, max_megapixels: float = MAX_MEGAPIXELS, page: int = 0) -> Photo:
    """Return the photo in the file `source` or in its bytes; what it is, is judged by content, never by name.

    Of a file with several pages (`Photo.pages`) it is page `page`; of an animation it is the first frame. Raises
    `NotAPictureError`, `UndecodableError`, or, before anything is decoded, `TooManyPixelsError`, `TooManyFramesError`
    or `TooMuchMetadataError`; `NoSuchPageError`; `OSError` where the file cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    _check_announced(data)
    with _quiet_pillow(), _only_photo_errors(data):
        _check_container(data, max_megapixels)
        return _open(data, max_megapixels, page)


def rgb8(photo: Photo) -> NDArray[np.uint8]:
    """Return the photo's pixels as RGB uint8 (h, w, 3), gray repeated, 16 bits rounded to 8."""
    pixels = eight_bits(photo.pixels)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _check_announced(head: bytes) -> None:
    if announced_format(head[:32]) is None:
        raise NotAPictureError(f"This is not a picture of a supported format ({supported_titles()}).")


def _check_container(data: bytes | mmap.mmap, max_megapixels: float) -> None:
    announced = announced_format(data[:32])
    if announced is not None:
        check_limits(data, announced.name, max_megapixels)


def _open(data: bytes, max_megapixels: float, page: int) -> Photo:
    with BytesIO(data) as stream, Image.open(stream, formats=_OPENERS) as image:
        check_pixels(image.width, image.height, max_megapixels)
        if image.format == "PNG":
            image.load()  # A PNG's metadata may stand behind its pixels.
        if image.format == "TIFF":
            indices = [header.index for header in tiff_header.pages(data)]
            frames, index = len(indices), _page_index(indices, page)
            image.seek(index)
        else:
            frames, index = _frames(image), _page_index([0], page)
        block = metadata.exif_block(image, data)
        orientation = exif.read_orientation(block) if block else 1
        xmp = metadata.xmp_packet(image, data)
        resources = metadata.image_resources(image, data, turned=orientation >= 5)
        check_metadata(block, xmp, resources)
        dpi = metadata.resolution_dpi(image)
        samples = decode(image, data, orientation, index)
        height, width = samples.pixels.shape[:2]
        return Photo(
            pixels=samples.pixels,
            alpha=samples.alpha,
            format=str(image.format),
            frames=frames,
            sha256=hashlib.sha256(data).hexdigest(),
            exif=exif.for_upright_copy(block, width, height) if block else None,
            xmp=xmp,
            dpi=dpi[::-1] if dpi and orientation >= 5 else dpi,
            extended_xmp=metadata.extended_xmp(image),
            resources=resources,
            comments=metadata.comments(image),
        )


def _page_index(indices: list[int], page: int) -> int:
    if not 0 <= page < len(indices):
        raise NoSuchPageError(f"The file has no page {page + 1}; it has {len(indices)}.", pages=len(indices))
    return indices[page]


def _frames(image: Image.Image) -> int:
    # The further pictures of an MPO are depth and gain maps, not pages.
    return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Switch off Pillow's own pixel limit (the header is checked here) and its warnings, one photo at a time.

    Texts that are packed in a PNG file may grow to the limit of all metadata. These are settings of the whole process,
    hence the lock.
    """
    with _pillow_settings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limits = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY
        Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY = None, MOST_METADATA_BYTES
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_MEMORY = limits


@contextmanager
def _only_photo_errors(data: bytes | mmap.mmap) -> Iterator[None]:
    """Turn what decoders raise about broken `data`, which may be anything, into `UndecodableError`."""
    try:
        yield
    except PhotoError:
        raise
    except Exception as error:
        raise _undecodable(data) from error


def _undecodable(data: bytes | mmap.mmap) -> UndecodableError:
    announced = announced_format(data[:32])
    title = announced.title if announced else "picture"
    return UndecodableError(
        f"This {title} file cannot be decoded: it is broken, cut off or of an unusual kind.",
        format=title,
    )
