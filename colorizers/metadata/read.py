"""An opened picture (Pillow) in, out the metadata that a copy of it may carry.

EXIF, XMP, Photoshop's image resources with the IPTC data among them, comments, resolution.
"""

import logging
import math

from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from colorizers.fileformats import jp2_boxes
from colorizers.metadata import exif, photoshop

_log = logging.getLogger(__name__)

# Tags of a TIFF directory that describe how its pixels are stored, or that travel by other ways (resolution, XMP, ICC).
STORAGE_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291}
    | {292, 293, 296, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340}
    | {341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 34675, 34377, 33723, 37724}
)

SUBDIRECTORIES = frozenset({0x8769, 0x8825})
"""The tags that hold directories: EXIF's own and the one for GPS."""
_X_RESOLUTION = 282
_IPTC_TAG, _PHOTOSHOP_TAG = 33723, 34377
_PHOTOSHOP_NAME = b"Photoshop 3.0\0"
_EXTENDED_XMP_NAME = b"http://ns.adobe.com/xmp/extension/\0"
_GIF_XMP, _GIF_XMP_END = b"!\xff\x0bXMP DataXMP", b"\x01\xff\xfe\xfd"
_RAW_PROFILE = "Raw profile type "
# Text chunks that are other metadata in disguise.
_NO_COMMENTS = frozenset({"XML:com.adobe.xmp", "xmp", "exif", "date:create", "date:modify", "date:timestamp"})


def exif_block(image: Image.Image, data: bytes) -> bytes | None:
    """Return the EXIF of the picture, opened from `data`, as a TIFF structure without prefix; None where it has none.

    For a TIFF file that is its first directory without the tags that describe storage.
    """
    if image.format == "TIFF":
        return _tiff_block(image)
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


class _TagText(str):
    """The text of a tag as Pillow read it, byte by byte, that is written the same way."""

    __slots__ = ()

    def encode(self, _encoding: str = "", _errors: str = "") -> bytes:
        return super().encode("latin-1", "replace")


def faithful(tags: Image.Exif) -> Image.Exif:
    """Return `tags`, changed so that Pillow writes texts as it read them instead of replacing what is not ASCII."""
    for tag, value in list(tags.items()):
        if isinstance(value, str):
            tags[tag] = _TagText(value)
        elif tag in SUBDIRECTORIES:
            inner = tags.get_ifd(tag)
            inner.update({key: _TagText(text) for key, text in inner.items() if isinstance(text, str)})
    return tags


def _tiff_block(image: Image.Image) -> bytes | None:
    directory = Image.Exif()
    try:
        tags = faithful(image.getexif())
        tags.bigtiff = False  # An EXIF block is a classic TIFF structure, whatever the file is.
        directory.load(tags.tobytes())
        for tag in STORAGE_TAGS & set(directory):
            del directory[tag]
        return exif.strip_prefix(faithful(directory).tobytes()) if len(directory) else None
    except Exception as error:  # A file's tags may lie about their types in any way.
        _log.warning("the tags of a TIFF file cannot be carried over: %s", error)
        return None


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


def image_resources(image: Image.Image, data: bytes, turned: bool) -> bytes | None:
    """Return Photoshop's image resources, the IPTC data among them, as they are true of an upright copy.

    `data` is what the picture was opened from; `turned` says that the sides change places. None where there are none.
    """
    iptc = b""
    if image.format == "TIFF":
        found = _tag_bytes(image, _PHOTOSHOP_TAG)
        iptc = _tag_bytes(image, _IPTC_TAG)
    elif image.format == "JPEG2000":
        found, iptc = b"", jp2_boxes.metadata_box(data, "iptc") or b""
    else:
        parts = (part for name, part in _segments(image) if name == "APP13" and part.startswith(_PHOTOSHOP_NAME))
        found = b"".join(part.removeprefix(_PHOTOSHOP_NAME) for part in parts)
        found = found or _raw_profile(image, "iptc", "8bim") or b""
        iptc = b"" if found.startswith(b"8BIM") else found
    kept = photoshop.for_upright_copy(photoshop.read_resources(found), turned)
    if iptc and not any(resource.number == photoshop.IPTC for resource in kept):
        kept = (photoshop.iptc_resource(iptc), *kept)
    return photoshop.write_resources(kept) or None


def comments(image: Image.Image) -> tuple[tuple[str, str], ...]:
    """Return the texts, each with its keyword, that a PNG, JPEG or GIF file holds besides its other metadata."""
    if isinstance(image, PngImageFile):
        texts = ((key, str(text)) for key, text in image.text.items())
        return tuple(pair for pair in texts if pair[0] not in _NO_COMMENTS and not pair[0].startswith(_RAW_PROFILE))
    comment = image.info.get("comment") if image.format in ("JPEG", "MPO", "GIF") else None
    if isinstance(comment, bytes):
        comment = comment.decode("utf-8", "replace")
    return (("Comment", comment),) if comment else ()


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


def _tag_bytes(image: Image.Image, tag: int) -> bytes:
    """Return the value of a TIFF tag as it is in the file; nothing where there is none.

    The IPTC data are often declared as LONGs, of which Pillow's public door gives the first alone.
    """
    return bytes(image.tag_v2._tagdata.get(tag, b"")) if isinstance(image, TiffImageFile) else b""


def resolution_dpi(image: Image.Image) -> tuple[float, float] | None:
    """Return pixels per inch, horizontal and vertical as the file is stored, None where it states none."""
    dpi = image.info.get("dpi")
    # Pillow supposes 1 dpi where a TIFF file states none.
    if dpi is None or (image.format == "TIFF" and _X_RESOLUTION not in image.getexif()):
        return None
    x, y = float(dpi[0]), float(dpi[1])
    valid = math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0
    return (x, y) if valid else None
