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

from colorizers.errors import (
    CameraRawError,
    NoSuchPageError,
    NotAPictureError,
    PhotoError,
    TooMuchMetadataError,
    UndecodableError,
)
from colorizers.fileformats import png_chunks, tiff_directory
from colorizers.fileformats.formats import (
    HEAD_BYTES,
    SUPPORTED,
    announced_format,
    is_raw_signature,
    supported_titles,
    with_usual_brand,
)
from colorizers.fileformats.limits import MOST_METADATA_BYTES, check_limits, check_metadata, check_pixels, gif_size
from colorizers.fileformats.plain_headers import netpbm_size
from colorizers.fileformats.xmp_limits import is_within_limits
from colorizers.metadata import exif, xmp
from colorizers.metadata.places import Move
from colorizers.metadata.read import Metadata, read_metadata, read_tiff_metadata
from colorizers.photo.channels import Samples
from colorizers.photo.decode import decode, finished
from colorizers.photo.netpbm import netpbm_samples
from colorizers.photo.photo_data import MAX_MEGAPIXELS, Header, Photo
from colorizers.photo.tiff import page_samples

# Pillow's JPEG opener recognises MPO by itself.
_OPENERS = [entry.name for entry in SUPPORTED if entry.name != "MPO"]

pillow_heif.register_heif_opener()
_pillow_settings = threading.Lock()


def read_header(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Return what the file `path` declares, without decoding it; raises as `open_photo` does."""
    with path.open("rb") as file:
        _check_announced(file.read(HEAD_BYTES))
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with data, _quiet_pillow(), _only_photo_errors(data):
        _check_container(data, max_megapixels)
        format_, width, height = _declared(data, path)
        check_pixels(width, height, max_megapixels)
        if not (width and height):
            raise _undecodable(data)
        return Header(format_, width, height)


def _declared(data: mmap.mmap, path: Path) -> tuple[str, int, int]:
    """Return Pillow's name of the file's format, and the width and height that its header declares."""
    announced = announced_format(data[:HEAD_BYTES])
    if announced is not None and announced.name == "TIFF":
        _refuse_camera_raw(data)
        first = next(tiff_directory.pages(data))
        return "TIFF", first.width, first.height
    if announced is not None and announced.name == "PPM":
        return "PPM", *netpbm_size(data)
    if announced is not None and announced.name == "GIF":
        # Pillow makes room for the pixels of a frame that is to be cleared when it opens the file.
        return "GIF", *gif_size(data)
    if announced is not None and announced.name == "PNG":
        return "PNG", *png_chunks.size(data)
    if announced is not None and announced.name in ("AVIF", "HEIF"):
        with (
            BytesIO(with_usual_brand(data[:], announced.name)) as stream,
            Image.open(stream, formats=_OPENERS) as image,
        ):
            return str(image.format), image.width, image.height
    with Image.open(path, formats=_OPENERS) as image:
        return str(image.format), image.width, image.height


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
    if is_raw_signature(head):
        raise _camera_raw()
    if announced_format(head[:HEAD_BYTES]) is None:
        raise NotAPictureError(f"This is not a picture of a supported format ({supported_titles()}).")


def _check_container(data: bytes | mmap.mmap, max_megapixels: float) -> None:
    announced = announced_format(data[:HEAD_BYTES])
    if announced is not None:
        check_limits(data, announced.name, max_megapixels)


def _open(data: bytes, max_megapixels: float, page: int, before_decoding: Callable[[int, int], object] | None) -> Photo:
    announced = announced_format(data[:HEAD_BYTES])
    if announced is not None and announced.name == "TIFF":
        return _open_tiff(data, max_megapixels, page, before_decoding)
    if announced is not None and announced.name == "PPM":
        return _open_netpbm(data, max_megapixels, page, before_decoding)
    readable = _readable(data, announced.name if announced else "")
    with BytesIO(readable) as stream, Image.open(stream, formats=_OPENERS) as image:
        check_pixels(image.width, image.height, max_megapixels)
        frames, _ = _frames(image), _page_index([0], page)
        if before_decoding:
            before_decoding(image.width, image.height)
        if image.format == "PNG":
            image.load()  # A PNG's metadata may stand behind its pixels.
        metadata = _checked(read_metadata(image, readable))
        return _photo(decode(image, readable, metadata.orientation), metadata, str(image.format), frames, data)


def _readable(data: bytes, format_: str) -> bytes:
    """Return the file as decoders take it that are stricter than browsers."""
    if format_ == "PNG":
        return png_chunks.without_damaged_extras(data)
    return with_usual_brand(data, format_) if format_ in ("AVIF", "HEIF") else data


def _open_tiff(
    data: bytes, max_megapixels: float, page: int, before_decoding: Callable[[int, int], object] | None
) -> Photo:
    _refuse_camera_raw(data)
    headers = list(tiff_directory.pages(data))
    index = _page_index([header.index for header in headers], page)
    width, height = headers[page].width, headers[page].height
    check_pixels(width, height, max_megapixels)
    if before_decoding:
        before_decoding(width, height)
    metadata = _checked(read_tiff_metadata(tiff_directory.read_directory(data, index)))
    try:
        samples = page_samples(data, index, metadata.profile)
    except (PhotoError, MemoryError):
        raise
    except Exception as error:
        raise _undecodable(data, page if len(headers) > 1 else None) from error
    samples = finished(samples, metadata.profile, metadata.orientation)
    return _photo(samples, metadata, "TIFF", len(headers), data)


def _open_netpbm(
    data: bytes, max_megapixels: float, page: int, before_decoding: Callable[[int, int], object] | None
) -> Photo:
    width, height = netpbm_size(data)
    check_pixels(width, height, max_megapixels)
    _page_index([0], page)
    if before_decoding:
        before_decoding(width, height)
    return _photo(finished(netpbm_samples(data), None, 1), Metadata(), "PPM", 1, data)


def _refuse_camera_raw(data: bytes | mmap.mmap) -> None:
    if tiff_directory.is_camera_raw(data):
        raise _camera_raw()


def _camera_raw() -> CameraRawError:
    return CameraRawError("This is a camera raw file; develop it with a raw converter, and colour what that makes.")


def _checked(metadata: Metadata) -> Metadata:
    """Return `metadata`; raises `TooMuchMetadataError` where nobody could go on with them."""
    check_metadata(metadata.exif, metadata.xmp, metadata.resources)
    if metadata.xmp and not is_within_limits(metadata.xmp):
        raise TooMuchMetadataError(
            "The file's XMP metadata have more parts than anyone can go on with; save it without them.",
            limit_mb=MOST_METADATA_BYTES // 1_000_000,
        )
    return metadata


def _photo(samples: Samples, metadata: Metadata, format_: str, frames: int, data: bytes) -> Photo:
    height, width = samples.pixels.shape[:2]
    block, packet, dpi, density = metadata.exif, metadata.xmp, metadata.dpi, metadata.density
    if metadata.orientation != 1:
        stored = (height, width) if metadata.orientation >= 5 else (width, height)
        move = Move(metadata.orientation, stored, (width, height))
        block = exif.with_places_moved(block, move) if block else None
        packet = xmp.with_places_moved(packet, move) if packet else None
    return Photo(
        pixels=samples.pixels,
        alpha=samples.alpha,
        format=format_,
        frames=frames,
        sha256=hashlib.sha256(data).hexdigest(),
        exif=exif.for_upright_copy(block, width, height) if block else None,
        xmp=packet,
        dpi=dpi[::-1] if dpi and metadata.orientation >= 5 else dpi,
        density=density[::-1] if density and metadata.orientation >= 5 else density,
        extended_xmp=metadata.extended_xmp,
        resources=metadata.resources,
        comments=metadata.comments,
        dynamic_range=samples.dynamic_range,
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


def _undecodable(data: bytes | mmap.mmap, page: int | None = None) -> UndecodableError:
    announced = announced_format(data[:HEAD_BYTES])
    title = announced.title if announced else "picture"
    which = f"This {title} file" if page is None else f"Page {page + 1} of this {title} file"
    return UndecodableError(
        f"{which} cannot be decoded: it is broken, cut off or of an unusual kind.",
        format=title,
    )
