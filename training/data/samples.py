"""Access to pictures in tar shards: their location, decoding, and fitting to a canvas."""

import io
import tarfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
Crop = Literal["top-left", "centre", "random"]


@dataclass(frozen=True)
class Sample:
    """Location of a picture file called `name`: `size` bytes at `offset` of the file `path`."""

    path: Path
    offset: int
    size: int
    name: str

    def read(self) -> bytes:
        """Read the picture file."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def open(self) -> Image.Image:
        """Decode the picture as RGB."""
        with Image.open(io.BytesIO(self.read())) as image:
            return image.convert("RGB")


def index_tar(path: Path, suffixes: Sequence[str] = PICTURE_SUFFIXES) -> list[Sample]:
    """List the members of an uncompressed tar file whose names end in one of `suffixes`, in file order."""
    with tarfile.open(path, "r:") as archive:
        return [
            Sample(path, member.offset_data, member.size, member.name)
            for member in archive
            if member.isfile() and member.name.lower().endswith(tuple(suffixes))
        ]


def index_shards(folder: Path) -> list[Sample]:
    """List the pictures of all tar shards in `folder`, in order; raises `FileNotFoundError` without any."""
    shards = sorted(folder.glob("*.tar"))
    samples = [sample for shard in shards for sample in index_tar(shard)]
    if not samples:
        message = f"There are no pictures in tar shards at {folder}. `python -m training prepare` makes some."
        raise FileNotFoundError(message)
    return samples


@dataclass(frozen=True)
class Canvas:
    """Size and crop of training pictures.

    A picture is scaled to cover `height_px` x `width_px`, or to a short side of `load_px`, and cropped at `crop`.
    """

    height_px: int
    width_px: int
    crop: Crop = "centre"
    load_px: int | None = None
    mirror: bool = False

    @property
    def least_short_px(self) -> int:
        """The short side below which pictures are enlarged."""
        return self.load_px or min(self.height_px, self.width_px)

    def fit(self, image: Image.Image, rng: np.random.Generator | None = None) -> NDArray[np.uint8]:
        """Fit `image` to the canvas, uint8 (h, w, 3); without `rng`, crops are centered and nothing is mirrored."""
        scale = max(self.height_px / image.height, self.width_px / image.width)
        if self.load_px is not None:
            scale = max(scale, self.load_px / min(image.size))
        width, height = self.width_px / scale, self.height_px / scale
        across, down = {"top-left": (0.0, 0.0)}.get(self.crop, (0.5, 0.5))
        if rng is not None and self.crop == "random":
            across, down = rng.random(2)
        left, top = across * (image.width - width), down * (image.height - height)
        box = (left, top, min(left + width, image.width), min(top + height, image.height))
        fitted = np.asarray(image.resize((self.width_px, self.height_px), Image.Resampling.BICUBIC, box))
        mirrored = self.mirror and rng is not None and rng.random() < 0.5
        return fitted[:, ::-1] if mirrored else fitted


class DecodedCache:
    """Cache of decoded pictures, bounded by `most_bytes`; the oldest are dropped first. Safe for threads."""

    def __init__(self, most_bytes: int = 256 * 2**20) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._images: OrderedDict[Sample, Image.Image] = OrderedDict()
        self._lock = Lock()

    def open(self, sample: Sample) -> Image.Image:
        """Return the decoded picture of `sample`."""
        with self._lock:
            kept = self._images.get(sample)
        if kept is not None:
            return kept
        image = sample.open()
        with self._lock:
            if sample not in self._images:
                self._images[sample] = image
                self._bytes += 3 * image.width * image.height
            while self._bytes > self._most_bytes:
                _, oldest = self._images.popitem(last=False)
                self._bytes -= 3 * oldest.width * oldest.height
        return image
