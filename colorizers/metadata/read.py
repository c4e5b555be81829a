"""Reading of the metadata that a copy of a picture may carry.

EXIF, XMP, Photoshop's image resources with the IPTC data among them, comments, resolution.
"""

import logging
import math
from dataclasses import dataclass

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from colorizers.fileformats import jp2_boxes, jpeg_segments
from colorizers.fileformats.tiff_directory import Directory
from colorizers.metadata import exif, photoshop, tiff_page

_log = logging.getLogger(__name__)

_PHOTOSHOP_NAME = b"Photoshop 3.0\0"
_EXTENDED_XMP_NAME = b"http://ns.adobe.com/xmp/extension/\0"
_GIF_XMP, _GIF_XMP_END = b"!\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
_RAW_PROFILE = "Raw profile type "
# Text chunks that are other metadata in disguise.
_NO_COMMENTS = frozenset({"XML:com.adobe.xmp", "xmp", "exif", "date:create", "date:modify", "date:timestamp"})


@dataclass(frozen=True)
class Metadata:
    """What a file says besides its pixels, as it stands there; the fields are those of `photo_data.Photo`.

    `orientation` is 1..8, `profile` an ICC profile.
    """

    orientation: int = 1
    profile: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    density: tuple[float, float] | None = None
    extended_xmp: tuple[bytes, ...] = ()
    resources: bytes | None = None
    comments: tuple[tuple[str, bytes], ...] = ()


def read_metadata(image: Image.Image, data: bytes) -> Metadata:
    """Return what the picture, opened by Pillow from `data`, says besides its pixels."""
    block = exif_block(image, data)
    orientation = exif.read_orientation(block) if block else 1
    return Metadata(
        orientation=orientation,
        profile=image.info.get("icc_profile"),
        exif=block,
        xmp=xmp_packet(image, data),
        # Where a JPEG file states only this, Pillow makes up 72 dpi.
        dpi=None if density(image) else resolution_dpi(image),
        density=density(image),
        extended_xmp=extended_xmp(image),
        resources=_resources(*_photoshop_and_iptc(image, data), turned=orientation >= 5),
        comments=comments(image, data),
    )


def read_tiff_metadata(page: Directory) -> Metadata:
    """Return what the page of a TIFF file says besides its pixels."""
    orientation = tiff_page.orientation(page)
    return Metadata(
        orientation=orientation,
        profile=page.raw(tiff_page.ICC) or None,
        exif=tiff_page.exif_block(page),
        xmp=page.raw(tiff_page.XMP) or None,
        dpi=tiff_page.resolution_dpi(page),
        density=tiff_page.density(page),
        resources=_resources(page.raw(tiff_page.PHOTOSHOP), page.raw(tiff_page.IPTC), turned=orientation >= 5),
    )


def exif_block(image: Image.Image, data: bytes) -> bytes | None:
    """Return the EXIF of the picture, opened from `data`, as a TIFF structure without prefix; None without any."""
    if image.format == "JPEG2000":
        return jp2_boxes.metadata_box(data, "exif")
    block = image.info.get("exif") or _raw_profile(image, "exif", "APP1")
    if block and image.format == "AVIF":
        return _avif_block(image, block)
    return exif.strip_prefix(block) if block else None


def _avif_block(image: Image.Image, block: bytes) -> bytes:
    """Return an AVIF file's EXIF as it is in the file, but with the orientation that its picture has.

    The file says by other means how it lies; where these disagree, Pillow writes `block` anew, and not all of it.
    """
    stored: bytes = image._decoder.get_info()[4] or b""  # type: ignore[attr-defined]
    orientation = exif.read_orientation(exif.strip_prefix(block))
    return exif.with_orientation(exif.strip_prefix(stored), orientation) or exif.strip_prefix(block)


def xmp_packet(image: Image.Image, data: bytes) -> bytes | None:
    """Return the XMP packet of the picture, opened from `data`, as it is; None where it has none."""
    if image.format == "JPEG2000":
        return jp2_boxes.metadata_box(data, "xmp")
    if image.format == "GIF":
        return _gif_xmp(data)
    packet = image.info.get("xmp") or _raw_profile(image, "xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    return packet or None


def _gif_xmp(data: bytes) -> bytes | None:
    """Return the packet in a GIF file's application extension (XMP specification, part 3, section 1.1.2)."""
    start = data.find(_GIF_XMP) + len(_GIF_XMP)
    end = data.find(_GIF_XMP_END, start)
    return data[start:end] if start >= len(_GIF_XMP) and end >= 0 else None


def extended_xmp(image: Image.Image) -> tuple[bytes, ...]:
    """Return what a JPEG file's XMP continues with, as the contents of its segments."""
    return tuple(part for name, part in _segments(image) if name == "APP1" and part.startswith(_EXTENDED_XMP_NAME))


def _photoshop_and_iptc(image: Image.Image, data: bytes) -> tuple[bytes, bytes]:
    """Return Photoshop's image resources and the IPTC data beside them, as they are in the file."""
    if image.format == "JPEG2000":
        return b"", jp2_boxes.metadata_box(data, "iptc") or b""
    parts = (part for name, part in _segments(image) if name == "APP13" and part.startswith(_PHOTOSHOP_NAME))
    found = b"".join(part.removeprefix(_PHOTOSHOP_NAME) for part in parts)
    found = found or _raw_profile(image, "iptc", "8bim") or b""
    return (found, b"") if found.startswith(b"8BIM") else (b"", found)


def _resources(found: bytes, iptc: bytes, turned: bool) -> bytes | None:
    """Return Photoshop's image resources, the IPTC data among them, as they are true of an upright copy.

    `turned` says that the sides change places. None where there are none.
    """
    kept = photoshop.for_upright_copy(photoshop.read_resources(found), turned)
    if iptc and not any(resource.number == photoshop.IPTC for resource in kept):
        kept = (photoshop.iptc_resource(iptc), *kept)
    return photoshop.write_resources(kept) or None


def comments(image: Image.Image, data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return the texts, each with its keyword, that a PNG, JPEG or GIF file holds besides its other metadata.

    Those of PNG files are UTF-8, others as they stand in the file, whose encoding is not said there.
    """
    if isinstance(image, PngImageFile):
        texts = ((key, str(text).encode()) for key, text in image.text.items())
        return tuple(pair for pair in texts if pair[0] not in _NO_COMMENTS and not pair[0].startswith(_RAW_PROFILE))
    if image.format in ("JPEG", "MPO"):
        return tuple(("Comment", comment) for comment in jpeg_segments.comments(data) if comment)
    comment = image.info.get("comment", b"") if image.format == "GIF" else b""
    return (("Comment", comment),) if comment else ()


def as_text(comment: bytes) -> str:
    """Return a comment as text: UTF-8 where it is that, else Windows' and Latin letters, as old programs wrote them."""
    try:
        return comment.decode()
    except UnicodeDecodeError:
        return comment.decode("cp1252", "replace")


def _segments(image: Image.Image) -> list[tuple[str, bytes]]:
    """Return the application segments of a JPEG file; nothing for others."""
    return list(getattr(image, "applist", ()))


def _raw_profile(image: Image.Image, *kinds: str) -> bytes | None:
    """Return what a PNG file holds as hexadecimal text, as ImageMagick writes it: name, length, digits."""
    for kind in kinds:
        text = image.info.get(_RAW_PROFILE + kind) if image.format == "PNG" else None
        if text is not None:
            try:
                return bytes.fromhex("".join(str(text).split("\n")[3:]))
            except ValueError:
                _log.warning("a PNG file's %s profile is not hexadecimal", kind)
    return None


def density(image: Image.Image) -> tuple[float, float] | None:
    """Return pixels across and down a length that is not said, as stored, None where both are the same."""
    found = image.info.get("aspect") if image.format == "PNG" else None
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") == 0:
        found = image.info.get("jfif_density")
    if not found or found[0] == found[1] or min(found) <= 0:
        return None
    return float(found[0]), float(found[1])


def resolution_dpi(image: Image.Image) -> tuple[float, float] | None:
    """Return pixels per inch, horizontal and vertical as the file is stored, None where it states none."""
    dpi = image.info.get("dpi")
    if dpi is None:
        return None
    x, y = float(dpi[0]), float(dpi[1])
    valid = math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0
    return (x, y) if valid else None
