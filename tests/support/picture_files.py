"""Generated picture files of many formats, with metadata and ICC profiles."""

import struct
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 24, 16
ORIENTATION = 0x0112


def gray8() -> NDArray[np.uint8]:
    """Return a gray picture without any symmetry, so that every turn of it differs."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((x * 7 + y * 13 + (x * y) // 5) % 256).astype(np.uint8)


def gray16() -> NDArray[np.uint16]:
    """Return a gray picture whose samples use all 16 bits."""
    return (gray8().astype(np.uint16) * 257 + np.arange(WIDTH, dtype=np.uint16)).astype(np.uint16)


def rgb8() -> NDArray[np.uint8]:
    """Return a colour picture."""
    return np.dstack([gray8(), gray8()[::-1], 255 - gray8()]).astype(np.uint8)


def saved(image: Image.Image | NDArray[Any], format_: str, **options: Any) -> bytes:
    """Return the file that Pillow makes of a picture."""
    file = BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(file, format_, **options)
    return file.getvalue()


def exif(orientation: int | None = None, **texts: str) -> bytes:
    """Return an EXIF block with the `Exif` prefix; `texts` may have `artist` and `camera`."""
    block = Image.Exif()
    if orientation is not None:
        block[ORIENTATION] = orientation
    if "artist" in texts:
        block[0x013B] = texts["artist"]
    if "camera" in texts:
        block[0x0110] = texts["camera"]
        block.get_ifd(0x8769)[0x9003] = "1936:03:01 12:00:00"
    return block.tobytes()


def oriented(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return what a camera stores for an upright picture when it notes `orientation`, by the EXIF standard's words."""
    stored = {
        1: pixels,
        2: np.fliplr(pixels),
        3: np.rot90(pixels, 2),
        4: np.flipud(pixels),
        5: np.swapaxes(pixels, 0, 1),
        6: np.rot90(pixels, 1),
        7: np.swapaxes(np.rot90(pixels, 2), 0, 1),
        8: np.rot90(pixels, -1),
    }[orientation]
    return np.ascontiguousarray(stored)


def gray_profile(gamma: float) -> bytes:
    """Return an ICC profile for gray pixels with that gamma."""
    return bytes(imagecodecs.cms_profile("gray", gamma=gamma))


def adobe_rgb_profile() -> bytes:
    """Return an ICC profile of Adobe RGB (1998): the primaries of sRGB but a greener green, gamma 2.2."""
    return bytes(imagecodecs.cms_profile("adobergb"))


def display_p3_profile() -> bytes:
    """Return an ICC profile of Display P3: wider primaries than those of sRGB, with its white and its curve."""
    level = np.linspace(0, 1, 1024)
    curve = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4).astype(np.float32)
    primaries = [0.680, 0.320, 1.0, 0.265, 0.690, 1.0, 0.150, 0.060, 1.0]
    white = [0.3127, 0.3290, 1.0]
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=white, primaries=primaries, transferfunction=np.stack([curve] * 3))
    )


def scanner_profile() -> bytes:
    """Return an ICC profile of sRGB's primaries whose red, green and blue have curves of their own."""
    level = np.linspace(0, 1, 1024)
    curves = np.stack([level**gamma for gamma in (2.0, 2.2, 2.5)]).astype(np.float32)
    primaries = [0.64, 0.33, 1.0, 0.30, 0.60, 1.0, 0.15, 0.06, 1.0]
    return bytes(
        imagecodecs.cms_profile("rgb", whitepoint=[0.3127, 0.329, 1.0], primaries=primaries, transferfunction=curves)
    )


def cmyk_profile() -> bytes:
    """Return an ICC profile for CMYK whose inks all print neutral gray: L = 100 - (C + M + Y + K) * 25 of full ink."""
    corners = [round(255 * (1 - sum(map(int, f"{corner:04b}")) / 4)) for corner in range(16)]
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    lut += bytes(range(256)) * 4 + bytes(v for level in corners for v in (level, 128, 128)) + bytes(range(256)) * 3
    text = b"text" + bytes(4) + b"made in a test\0"
    description = b"desc" + bytes(4) + struct.pack(">I", 5) + b"inks\0" + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = {b"desc": description, b"cprt": text, b"wtpt": white, b"A2B0": lut}
    table, body, offset = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        padded = data + bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += padded
    header = bytearray(128)
    header[0:4] = struct.pack(">I", offset + len(body))
    header[8:12] = bytes([2, 0x40, 0, 0])
    header[12:24] = b"prtrCMYKLab "
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(header) + struct.pack(">I", len(tags)) + table + body
