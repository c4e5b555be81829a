"""Metadata of the file of a result: what is carried over from the photo, and the provenance of its colours."""

import struct
from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image

from colorizers.colorspace.lab import Pixels, eight_bits
from colorizers.metadata import exif, iptc, photoshop
from colorizers.metadata.read import as_text
from colorizers.metadata.xmp import Property, Provenance, xmp_packet
from colorizers.photo.icc import srgb_profile
from colorizers.photo.photo_data import Photo

_THUMBNAIL_PX = 160
_THUMBNAIL_QUALITIES = (90, 75, 55, 35)


@dataclass(frozen=True)
class Carried:
    """What a file says besides its pixels; each writer takes what its format has room for.

    `profile` is an ICC profile, `xmp` a packet and `extended_xmp` the segments that continue it in a JPEG file, `exif`
    a TIFF structure without prefix, `dpi` pixels per inch, `density` pixels in a unit that is not said, `resources`
    Photoshop's image resources with the IPTC data, `comments` texts with their keywords.
    """

    profile: bytes
    xmp: bytes
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    density: tuple[float, float] | None = None
    extended_xmp: tuple[bytes, ...] = ()
    resources: bytes | None = None
    comments: tuple[tuple[str, bytes], ...] = ()


def carried(
    rgb: Pixels | None, photo: Photo, provenance: Provenance, format_: str, strip_location: bool = False
) -> Carried:
    """Return what the file of a photo's result in `format_` (JPEG, PNG, TIFF, WEBP) says.

    A thumbnail is made of `rgb`, the result's pixels, or left out. What the format has no room of its own for becomes
    part of the XMP packet. `strip_location` leaves out whatever tells where the photo was made.
    """
    said = without_location(photo) if strip_location else photo
    further = _homeless(said, format_)
    if said.dynamic_range:
        further.append(Property("colorizer", "ToneMappedFrom", "", (said.dynamic_range,)))
    return Carried(
        profile=srgb_profile(),
        xmp=xmp_packet(provenance, said.xmp, (photo.width, photo.height), strip_location, further),
        exif=_with_new_thumbnail(said.exif, rgb) if said.exif else None,
        dpi=said.dpi,
        density=said.density,
        extended_xmp=said.extended_xmp,
        resources=said.resources,
        comments=said.comments,
    )


def _homeless(photo: Photo, format_: str) -> list[Property]:
    """Return what a file of that format has no room for, as XMP properties: IPTC data, comments."""
    found = iptc.properties(photo.resources) if photo.resources and format_ == "WEBP" else []
    kept = {"PNG": {keyword for keyword, _ in photo.comments}, "JPEG": {"Comment"}}.get(format_, set())
    comments = tuple(f"{keyword}: {as_text(text)}" for keyword, text in photo.comments if keyword not in kept)
    return [*found, Property("colorizer", "Comments", "Bag", comments)] if comments else found


def without_location(photo: Photo) -> Photo:
    """Return `photo` without what tells where it was made, its XMP packet excepted: `xmp_packet` sees to that one.

    EXIF that cannot be read to its end, and the extension of an XMP packet, which may hold anything, go as a whole.
    """
    return replace(
        photo,
        exif=exif.without_location(photo.exif) if photo.exif else None,
        extended_xmp=(),
        resources=photoshop.without_location(photo.resources) or None if photo.resources else None,
    )


def _with_new_thumbnail(block: bytes, rgb: Pixels | None) -> bytes | None:
    """Return the block with a thumbnail of `rgb` where it had one; without one where a new one is larger."""
    most_bytes = exif.thumbnail_bytes(block)
    try:
        return exif.with_thumbnail(block, None if most_bytes is None or rgb is None else _thumbnail(rgb, most_bytes))
    except (struct.error, ValueError):
        return None


def _thumbnail(rgb: Pixels, most_bytes: int) -> bytes | None:
    """Return a small JPEG of `rgb` of at most that many bytes, None where that cannot be."""
    # A quick look at every n-th pixel is enough for so small a picture.
    step = max(1, min(rgb.shape[:2]) // (4 * _THUMBNAIL_PX))
    image = Image.fromarray(eight_bits(rgb[::step, ::step]))
    image.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.LANCZOS)
    for quality in _THUMBNAIL_QUALITIES:
        file = BytesIO()
        image.save(file, "JPEG", quality=quality)
        if len(file.getvalue()) <= most_bytes:
            return file.getvalue()
    return None
