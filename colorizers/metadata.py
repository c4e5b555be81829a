"""An opened picture (Pillow) in, out the metadata that an upright copy of it may carry: EXIF, XMP, resolution."""

import logging
import math

from PIL import Image

from colorizers import exif

_log = logging.getLogger(__name__)

# Tags of a TIFF directory that describe how its pixels are stored, or that travel by other ways (resolution, XMP, ICC).
STORAGE_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291}
    | {292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340}
    | {341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 700, 34675, 34377}
)

_X_RESOLUTION = 282


def exif_block(image: Image.Image) -> bytes | None:
    """Return the picture's EXIF as a TIFF structure without the `Exif` prefix, None where it has none.

    For a TIFF file that is its first directory without the tags that describe storage.
    """
    if image.format == "TIFF":
        return _tiff_block(image)
    block = image.info.get("exif")
    return exif.strip_prefix(block) if block else None


def _tiff_block(image: Image.Image) -> bytes | None:
    directory = Image.Exif()
    try:
        directory.load(image.getexif().tobytes())
        for tag in STORAGE_TAGS & set(directory):
            del directory[tag]
        return exif.strip_prefix(directory.tobytes()) if len(directory) else None
    except Exception as error:  # A file's tags may lie about their types in any way.
        _log.warning("the tags of a TIFF file cannot be carried over: %s", error)
        return None


def xmp_packet(image: Image.Image) -> bytes | None:
    """Return the picture's XMP packet as it is, None where it has none."""
    packet = image.info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode()
    return packet or None


def resolution_dpi(image: Image.Image) -> tuple[float, float] | None:
    """Return pixels per inch, horizontal and vertical as the file is stored, None where it states none."""
    dpi = image.info.get("dpi")
    # Pillow supposes 1 dpi where a TIFF file states none.
    if dpi is None or (image.format == "TIFF" and _X_RESOLUTION not in image.getexif()):
        return None
    x, y = float(dpi[0]), float(dpi[1])
    valid = math.isfinite(x) and math.isfinite(y) and x > 0 and y > 0
    return (x, y) if valid else None
