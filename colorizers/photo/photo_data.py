"""The value of an opened photo, and of a picture file's header; nothing here can read a file."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.lab import Pixels, eight_bits
from colorizers.photo.channels import is_neutral

MAX_MEGAPIXELS = 120.0


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded picture, upright and in sRGB, and what its file said besides.

    `pixels` is gray (h, w) or RGB (h, w, 3), uint8 or uint16; `alpha` (h, w) has the same depth. `format` is Pillow's
    name of the file's format, `frames` how many pages or frames it has, `sha256` the hash of its
    bytes, `dpi` its resolution in pixels per inch, `density` that in
    a unit that is not said, where pixels are not square. `exif` is a TIFF structure without the `Exif` prefix, its
    orientation already reset, its thumbnail as it was; `xmp` is the packet as it was and `extended_xmp` what followed
    it in a JPEG file; `resources` are Photoshop's image resources with the IPTC data; `comments` are texts, as
    they stood in the file, with their keywords; `dynamic_range` names the
    high dynamic range (PQ, HLG) that the pixels were tone-mapped from.
    """

    pixels: Pixels
    alpha: Pixels | None
    format: str
    frames: int
    sha256: str
    exif: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    density: tuple[float, float] | None = None
    extended_xmp: tuple[bytes, ...] = ()
    resources: bytes | None = None
    comments: tuple[tuple[str, bytes], ...] = ()
    dynamic_range: str = ""

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


def rgb8(photo: Photo) -> NDArray[np.uint8]:
    """Return the photo's pixels as RGB uint8 (h, w, 3), gray repeated, 16 bits rounded to 8."""
    pixels = eight_bits(photo.pixels)
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
