"""Encoding of coloured pixels as picture files with their metadata.

PNG and TIFF hold the pixels exactly, 16 bits included. JPEG (quality 95, colour at full resolution) and WebP (lossy at
quality 95: a lossless one would be many times the size of the file that came in) hold 8 bits and change gray values a
little. Every file is sRGB with the profile embedded. The same input gives the same bytes: no file holds a time.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from colorizers.colorspace.lab import Pixels, eight_bits
from colorizers.fileformats.output_formats import check_output_size, kept_format
from colorizers.metadata import exif
from colorizers.metadata.xmp import Provenance, extended_packet, without_wrapper
from colorizers.output.jpeg import MOST_XMP, extension, jpeg_bytes
from colorizers.output.metadata import Carried, carried
from colorizers.output.png import png_bytes
from colorizers.output.tiff import TiffWriter, tiff_bytes
from colorizers.output.transparent_layer import colour_layer
from colorizers.photo.photo_data import Photo
from colorizers.recipe import QUALITY

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "WEBP": ".webp"}


def output_format(photo: Photo) -> str:
    """Return the format of a photo's result: its own if that is JPEG, PNG, TIFF or WebP, else PNG."""
    return kept_format(photo.format)


def suffix_for(format_: str) -> str:
    """Return the usual suffix, with its dot, of a format that `encode` writes."""
    return SUFFIXES[format_]


def encode(
    rgb: Pixels,
    photo: Photo,
    provenance: Provenance,
    format: str | None = None,
    quality: int = QUALITY,
    strip_location: bool = False,
) -> bytes:
    """Return the file of `rgb` (h, w, 3), uint8 or uint16, in `format` (JPEG, PNG, TIFF, WEBP; default: the photo's).

    The photo's alpha goes along where the format has room for it; a JPEG of it is laid on white. EXIF, XMP, IPTC data,
    comments and resolution are carried over, in XMP where the format has no other room for them; `strip_location`
    leaves out what tells where the photo was made. `quality` is for JPEG and WebP. Raises `TooLargeForFormatError`
    where the format cannot hold a picture of that size.
    """
    format_ = format or output_format(photo)
    check_output_size(rgb.shape[1], rgb.shape[0], format_)
    metadata = carried(rgb, photo, provenance, format_, strip_location)
    if format_ == "JPEG":
        if len(metadata.xmp) > MOST_XMP:
            guid, parts = extension(without_wrapper(metadata.xmp))
            metadata = replace(metadata, xmp=extended_packet(provenance, guid), extended_xmp=parts)
        return _jpeg(rgb, photo, metadata, quality)
    if format_ == "WEBP":
        return _webp(rgb, photo, metadata, quality)
    container = {"PNG": png_bytes, "TIFF": tiff_bytes}[format_]
    return container(_with_alpha(rgb, photo), metadata)


def write(
    path: Path,
    rgb: Pixels,
    photo: Photo,
    provenance: Provenance,
    format: str | None = None,
    quality: int = QUALITY,
    strip_location: bool = False,
) -> bytes:
    """Write the file that `encode` returns to `path`, in one step so that nobody sees half of it; return its bytes."""
    data = encode(rgb, photo, provenance, format, quality, strip_location)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return data


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to; on leaving without an error the file takes the place of `path`, in one step."""
    # Not named after the file, whose name may be as long as names can be.
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_tiff(
    path: Path, pages: Iterable[tuple[Iterable[Pixels], Photo, Provenance]], strip_location: bool = False
) -> None:
    """Write a TIFF file with `pages` to `path` in one step, each page its coloured pixels, its photo and provenance.

    The pixels are bands, RGB (n, w, 3) from top to bottom as `TiffWriter` takes them: no page is ever held as a whole.
    A page is as `encode` makes it of the whole picture. Raises `ColorizerError` where they make more than 4 GB.
    """
    with replacing(path) as temporary, temporary.open("w+b") as file:
        writer = TiffWriter(file)
        for bands, photo, provenance in pages:
            # A TIFF file has no place for the small picture of an EXIF block.
            metadata = carried(None, photo, provenance, "TIFF", strip_location)
            writer.add_page(_with_alpha_bands(bands, photo), metadata)


def write_layer(path: Path, photo: Photo, rgb: Pixels, provenance: Provenance, strip_location: bool = False) -> None:
    """Write the colours of `rgb` alone, a layer to lay over `photo`, as a PNG file to `path`, in one step."""
    data = png_bytes(colour_layer(photo.pixels, rgb), carried(rgb, photo, provenance, "PNG", strip_location))
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _with_alpha_bands(bands: Iterable[Pixels], photo: Photo) -> Iterator[Pixels]:
    top = 0
    for band in bands:
        rows = slice(top, top + len(band))
        yield band if photo.alpha is None else np.dstack([band, photo.alpha[rows]])
        top = rows.stop


def _jpeg(rgb: Pixels, photo: Photo, metadata: Carried, quality: int) -> bytes:
    pixels = eight_bits(rgb)
    if photo.alpha is not None:
        image = Image.fromarray(pixels)
        laid = Image.new("RGB", image.size, "white")
        laid.paste(image, mask=Image.fromarray(eight_bits(photo.alpha)))
        pixels = np.asarray(laid)
    return jpeg_bytes(pixels, quality, metadata)


def _webp(rgb: Pixels, photo: Photo, metadata: Carried, quality: int) -> bytes:
    options: dict[str, object] = {
        "quality": quality,
        "icc_profile": metadata.profile,
        "xmp": metadata.xmp,
        "exif": metadata.exif or (exif.with_resolution(*metadata.dpi) if metadata.dpi else b""),
    }
    return _saved(Image.fromarray(eight_bits(_with_alpha(rgb, photo))), "WEBP", options)


def _saved(image: Image.Image, format_: str, options: dict[str, object]) -> bytes:
    file = BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def _with_alpha(rgb: Pixels, photo: Photo) -> Pixels:
    return rgb if photo.alpha is None else np.dstack([rgb, photo.alpha])
