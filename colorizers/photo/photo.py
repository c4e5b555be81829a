"""Opening of picture files: every file is checked and brought to one form here, once.

Nobody downstream asks about formats, modes, profiles, orientation or limits again. Both functions run the parsers of
the imaging libraries in the calling process: files of strangers are opened through `decoding.Decoder`.
"""

import hashlib
import mmap
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pillow_heif
from PIL import Image, PngImagePlugin

from colorizers.errors import NoSuchPageError, NotAPictureError, PhotoError, TooMuchMetadataError, UndecodableError
from colorizers.fileformats import tiff_directory
from colorizers.fileformats.formats import SUPPORTED, announced_format, supported_titles
from colorizers.fileformats.limits import MOST_METADATA_BYTES, check_limits, check_metadata, check_pixels, gif_size
from colorizers.fileformats.xmp_limits import is_within_limits
from colorizers.metadata import exif, read
from colorizers.photo.decode import decode
from colorizers.photo.photo_data import MAX_MEGAPIXELS, Header, Photo

# Pillow's JPEG opener recognises MPO by itself.
_OPENERS = [entry.name for entry in SUPPORTED if entry.name != "MPO"]

pillow_heif.register_heif_opener()
_pillow_settings = threading.Lock()


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
            if not (image.width and image.height):
                raise _undecodable(data)
            return Header(str(image.format), image.width, image.height)


def open_photo(
    source: Path | bytes,
    max_megapixels: float = MAX_MEGAPIXELS,
    page: int = 0,
    before_decoding: Callable[[int, int], object] | None = None,
) -> Photo:
    """Return the photo in the file `source` or in its bytes; what it is, is judged by content, never by name.

    Of a file with several pages (`Photo.pages`) it is page `page`; of an animation it is the first frame.
    `before_decoding` is called with the width and height that the header declares. Raises `NotAPictureError`,
    `UndecodableError`, or, before anything is decoded, `TooManyPixelsError`, `TooManyFramesError` or
    `TooMuchMetadataError`; `NoSuchPageError`; `OSError` where the file cannot be read.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()
    _check_announced(data)
    with _quiet_pillow(), _only_photo_errors(data):
        _check_container(data, max_megapixels)
        return _open(data, max_megapixels, page, before_decoding)


def _check_announced(head: bytes) -> None:
    if announced_format(head[:32]) is None:
        raise NotAPictureError(f"This is not a picture of a supported format ({supported_titles()}).")


def _check_container(data: bytes | mmap.mmap, max_megapixels: float) -> None:
    announced = announced_format(data[:32])
    if announced is not None:
        check_limits(data, announced.name, max_megapixels)


def _open(data: bytes, max_megapixels: float, page: int, before_decoding: Callable[[int, int], object] | None) -> Photo:
    with BytesIO(data) as stream, Image.open(stream, formats=_OPENERS) as image:
        check_pixels(image.width, image.height, max_megapixels)
        if image.format == "TIFF":
            indices = [header.index for header in tiff_directory.pages(data)]
            frames, index = len(indices), _page_index(indices, page)
            image.seek(index)
        else:
            frames, index = _frames(image), _page_index([0], page)
        if before_decoding:
            before_decoding(image.width, image.height)
        if image.format == "PNG":
            image.load()  # A PNG's metadata may stand behind its pixels.
        block = read.exif_block(image, data)
        orientation = exif.read_orientation(block) if block else 1
        xmp = read.xmp_packet(image, data)
        resources = read.image_resources(image, data, turned=orientation >= 5)
        check_metadata(block, xmp, resources)
        if xmp and not is_within_limits(xmp):
            raise TooMuchMetadataError(
                "The file's XMP metadata have more parts than anyone can go on with; save it without them.",
                limit_mb=MOST_METADATA_BYTES // 1_000_000,
            )
        dpi = read.resolution_dpi(image)
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
            extended_xmp=read.extended_xmp(image),
            resources=resources,
            comments=read.comments(image),
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
    except (PhotoError, MemoryError):
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
