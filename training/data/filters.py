"""Filters that select photographs worth training on, and resize them."""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

from colorizers.colorspace.lab import eight_bits
from colorizers.errors import PhotoError
from colorizers.photo.photo import open_photo
from training.data.samples import Crop

# Below this mean ab chroma a picture is gray to the eye, or a toned print; the training photographs' mean is 16.
NEAR_GRAY_CHROMA = 4.0
# Two pictures whose 64-bit difference hashes differ in at most so many bits count as the same one.
DUPLICATE_BITS = 3
_LONGEST = 4 / 3  # longer sides, in short sides, are cropped: training would shrink panoramas to almost nothing

Rule = Literal["undecodable", "single-channel", "near-gray", "not JPEG", "duplicate"]
RULES: tuple[Rule, ...] = ("undecodable", "single-channel", "near-gray", "not JPEG", "duplicate")


@dataclass(frozen=True)
class Options:
    """What pictures are kept, and how they are resized.

    The short side becomes `short_px` at most; `square` crops to a square, at `crop`. `jpeg_only` drops other formats.
    """

    short_px: int
    square: bool = False
    crop: Crop = "centre"
    jpeg_only: bool = False
    near_gray_chroma: float = NEAR_GRAY_CHROMA


@dataclass(frozen=True)
class Kept:
    """A picture that passed: its JPEG file, and the hash by which near duplicates are found."""

    data: bytes
    dhash: int


def process(data: bytes, options: Options) -> Kept | Rule:
    """Return the picture in the file `data` as it is to be stored, or the rule by which it is dropped."""
    try:
        photo = open_photo(data)
    except PhotoError:
        return "undecodable"
    if options.jpeg_only and photo.format not in ("JPEG", "MPO"):
        return "not JPEG"
    if photo.pixels.ndim == 2:
        return "single-channel"
    image = resize(Image.fromarray(eight_bits(photo.pixels)), options)
    if mean_chroma(image) < options.near_gray_chroma:
        return "near-gray"
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, subsampling=0)
    return Kept(out.getvalue(), difference_hash(image))


def resize(image: Image.Image, options: Options) -> Image.Image:
    """Crop `image` and reduce its short side as `options` say; small pictures are not enlarged."""
    short = min(image.size)
    longest = 1.0 if options.square else _LONGEST
    width, height = min(image.width, round(short * longest)), min(image.height, round(short * longest))
    scale = min(1.0, options.short_px / short)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    corner = (0, 0) if options.crop == "top-left" else ((image.width - width) // 2, (image.height - height) // 2)
    box = (*corner, corner[0] + width, corner[1] + height)
    # With a gap of 3 the reduction in two steps is nearly as good, and much faster for photographs of many megapixels.
    return image.resize(size, Image.Resampling.BICUBIC, box, reducing_gap=3.0)


def mean_chroma(image: Image.Image) -> float:
    """Return the mean ab chroma of an RGB picture, measured at 64 px."""
    small = np.asarray(image.resize((64, 64), Image.Resampling.BOX))
    lab: NDArray[np.float64] = rgb2lab(small)
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean())


def difference_hash(image: Image.Image) -> int:
    """Return the 64-bit difference hash: whether each of 8 x 8 cells is brighter than the one to its right."""
    small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX)).astype(np.int16)
    bits = (small[:, :-1] > small[:, 1:]).flatten()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


class DuplicateFilter:
    """Index of difference hashes that finds near duplicates without comparing with all of them.

    Two hashes that differ in at most 3 of 64 bits agree in at least one of their four 16-bit parts.
    """

    def __init__(self) -> None:
        self._by_part: dict[tuple[int, int], list[int]] = {}

    def is_duplicate(self, dhash: int) -> bool:
        """Return whether a near duplicate of `dhash` is in the index; add it if not."""
        parts = [(place, dhash >> (16 * place) & 0xFFFF) for place in range(4)]
        for part in parts:
            if any((dhash ^ other).bit_count() <= DUPLICATE_BITS for other in self._by_part.get(part, ())):
                return True
        for part in parts:
            self._by_part.setdefault(part, []).append(dhash)
        return False
