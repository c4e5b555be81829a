"""A picture file in, a `Photo` out: every file is checked and brought to one form here, once.

Behind this door nobody asks about formats, modes, profiles, orientation or limits again.
"""

import hashlib
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
from PIL import Image, UnidentifiedImageError

from colorizers import exif, metadata
from colorizers.decode import decode
from colorizers.errors import NotAPictureError, PhotoError, TooManyPixelsError, UndecodableError
from colorizers.formats import SUPPORTED, announced_format, supported_titles
from colorizers.lab import Pixels, eight_bits

MAX_MEGAPIXELS = 120.0
# Pillow's JPEG opener recognises MPO by itself.
_OPENERS = [entry.name for entry in SUPPORTED if entry.name != "MPO"]

pillow_heif.register_heif_opener()
_pillow_settings = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded picture, upright and in sRGB, and what its file said besides.

    `pixels` is gray (h, w) or RGB (h, w, 3), uint8 or uint16; `alpha` (h, w) has the same depth. `format` is Pillow's
    name of the file's format, `frames` how many pages or frames it had (this is the first), `sha256` the hash of its
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
    def had_colour(self) -> bool:
        """Whether any pixel of the original has chroma (toned prints have)."""
        return self.pixels.ndim == 3


@dataclass(frozen=True)
class Header:
    """What a picture file declares: Pillow's name of its format, and its size in pixels as stored."""

    format: str
    width: int
    height: int


def read_header(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Return what the file `path` declares, without decoding it; raises as `open_photo` does."""
    with path.open("rb") as file:
        head = file.read(32)
    _check_announced(head)
    with _quiet_pillow():
        try:
            with Image.open(path, formats=_OPENERS) as image:
                _check_pixels(image, max_megapixels)
                return Header(str(image.format), image.width, image.height)
        except PhotoError:
            raise
        except Exception as error:  # Broken data make decoders raise whatever they were about to do.
            raise _undecodable(head) from error


def open_photo(source: Path | bytes, max_megapixels: float = MAX_MEGAPIXELS) -> Photo:
    """Return the photo in the file `source` or in its bytes; what it is, is judged by content, never by name.

    Of several pages or frames the first is taken. Raises `NotAPictureError`, `UndecodableError`, or
    `TooManyPixelsError` before anything is decoded; `OSError` where the file cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    _check_announced(data)
    with _quiet_pillow():
        try:
            return _open(data, max_megapixels)
        except PhotoError:
            raise
        except Exception as error:  # Broken data make decoders raise whatever they were about to do.
            raise _undecodable(data) from error


def rgb8(photo: Photo) -> NDArray[np.uint8]:
    """Return the photo's pixels as RGB uint8 (h, w, 3), gray repeated, 16 bits rounded to 8."""
    pixels = eight_bits(photo.pixels)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def _check_announced(head: bytes) -> None:
    if announced_format(head[:32]) is None:
        raise NotAPictureError(f"This is not a picture of a supported format ({supported_titles()}).")


def _check_pixels(image: Image.Image, max_megapixels: float) -> None:
    megapixels = image.width * image.height / 1e6
    if megapixels > max_megapixels:
        raise TooManyPixelsError(
            f"The picture has {megapixels:,.1f} megapixels; the limit is {max_megapixels:g}.",
            megapixels=megapixels,
            limit=max_megapixels,
        )


def _open(data: bytes, max_megapixels: float) -> Photo:
    try:
        image = Image.open(BytesIO(data), formats=_OPENERS)
    except UnidentifiedImageError as error:
        raise _undecodable(data) from error
    with image:
        _check_pixels(image, max_megapixels)
        if image.format == "PNG":
            image.load()  # A PNG's metadata may stand behind its pixels.
        # The further pictures of an MPO are depth and gain maps, not pages.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        block = metadata.exif_block(image, data)
        orientation = exif.read_orientation(block) if block else 1
        dpi = metadata.resolution_dpi(image)
        samples = decode(image, data, orientation)
        height, width = samples.pixels.shape[:2]
        return Photo(
            pixels=samples.pixels,
            alpha=samples.alpha,
            format=str(image.format),
            frames=frames,
            sha256=hashlib.sha256(data).hexdigest(),
            exif=exif.for_upright_copy(block, width, height) if block else None,
            xmp=metadata.xmp_packet(image, data),
            dpi=dpi[::-1] if dpi and orientation >= 5 else dpi,
            extended_xmp=metadata.extended_xmp(image),
            resources=metadata.image_resources(image, data, turned=orientation >= 5),
            comments=metadata.comments(image),
        )


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Switch off Pillow's own pixel limit (the header is checked here) and its warnings, one photo at a time.

    Both are settings of the whole process, hence the lock.
    """
    with _pillow_settings, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _undecodable(data: bytes) -> UndecodableError:
    announced = announced_format(data[:32])
    title = announced.title if announced else "picture"
    return UndecodableError(
        f"This {title} file cannot be decoded: it is broken, cut off or of an unusual kind.",
        format=title,
    )
