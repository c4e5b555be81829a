"""Who takes part in an evaluation: the gray picture, one colour for all, or a network, each colouring gray photos.

Networks are loaded and run by the library's own `Colorizer`, so that what is measured is what users get.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

from colorizers import weights
from colorizers.colorizer import Colorizer
from colorizers.colour import gray_levels, join
from colorizers.photo import Photo, open_photo
from colorizers.photo import rgb8 as rgb_of
from colorizers.registry import find_spec, known_specs, weights_path

RGB = NDArray[np.uint8]


@dataclass(frozen=True)
class Candidate:
    """A row of the table. `network` is a registered name; without one, `ab` is the colour of every pixel.

    `temperature` and `working_size_px` replace what the network's contract says.
    """

    label: str
    network: str | None = None
    ab: tuple[float, float] = (0.0, 0.0)
    temperature: float | None = None
    working_size_px: int | None = None

    def identity(self, model_dir: Path) -> str:
        """Return what this candidate's pictures follow from: its fields and, of a network, the weights' hash."""
        if self.network is None:
            return repr(self)
        return f"{self!r} {weights.read(find_spec(self.network, model_dir), model_dir).sha256}"

    def load(self, model_dir: Path) -> "Painter":
        """Return what colours photos as this candidate does."""
        if self.network is None:
            return Painter(self, None)
        colorizer = Colorizer.from_name(self.network, model_dir)
        changes = {"temperature": self.temperature, "working_size_px": self.working_size_px}
        changes = {name: value for name, value in changes.items() if value is not None}
        colorizer.spec = replace(colorizer.spec, **changes)  # type: ignore[arg-type]
        return Painter(self, colorizer)


@dataclass(frozen=True, eq=False)
class Painter:
    """A candidate that is ready to work."""

    candidate: Candidate
    colorizer: Colorizer | None

    def paint(self, photo: Photo) -> RGB:
        """Return the gray `photo` in colour, RGB uint8 (h, w, 3)."""
        if self.colorizer is None:
            ab = np.array(self.candidate.ab, np.float32)[:, None, None]
            return join(photo.pixels, ab).astype(np.uint8, copy=False)
        return self.colorizer.render(photo, self.colorizer.predict(photo)).astype(np.uint8, copy=False)


def available(model_dir: Path) -> list[str]:
    """Return the names of all networks whose weights are there."""
    return [name for name, spec in known_specs(model_dir).items() if weights_path(spec, model_dir).exists()]


def read_truth(path: Path, short_px: int | None = None) -> RGB:
    """Return the picture file `path` as RGB uint8 (h, w, 3), reduced to a short side of `short_px` if that is given."""
    rgb = rgb_of(open_photo(path))
    if short_px is None:
        return rgb
    image = Image.fromarray(rgb)
    scale = short_px / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def gray_photo(truth: RGB) -> Photo:
    """Return the gray photograph that a candidate gets to see of `truth`: its luminance, 8 bit."""
    return Photo(pixels=gray_levels(truth), alpha=None, format="PNG", frames=1, sha256="")


def mean_ab(truths: list[RGB]) -> tuple[float, float]:
    """Return the mean of the photographs' mean a and b."""
    a, b = np.mean([rgb2lab(truth)[..., 1:].mean((0, 1)) for truth in truths], axis=0)
    return float(a), float(b)
