"""Models that an evaluation compares: a network, or one constant color as a baseline.

Networks are loaded and run by the library's own `Colorizer`, so that what is measured is what users get.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab

from colorizers.colorizer import Colorizer
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo, rgb8
from colorizers.rendering.color_pass import gray_levels, join
from colorizers.weights import store
from colorizers.weights.registry import find_spec, known_specs, weights_path

RGB = NDArray[np.uint8]
Painter = Callable[[Photo], RGB]
"""Function that colors a gray photo: RGB uint8 (h, w, 3)."""


@dataclass(frozen=True)
class EvaluatedModel:
    """A row of the table: the registered network `network`, or without one the color `ab` for every pixel.

    `temperature` and `working_size_px` override those of the network's spec.
    """

    label: str
    network: str | None = None
    ab: tuple[float, float] = (0.0, 0.0)
    temperature: float | None = None
    working_size_px: int | None = None

    def identity(self, model_dir: Path) -> str:
        """Return a text that determines this model's output: its fields and the hash of its weights."""
        if self.network is None:
            return repr(self)
        return f"{self!r} {store.read(find_spec(self.network, model_dir), model_dir).sha256}"

    def load(self, model_dir: Path) -> Painter:
        """Return a function that colors gray photos with this model."""
        if self.network is None:
            ab = np.array(self.ab, np.float32)[:, None, None]
            return lambda photo: join(photo.pixels, ab).astype(np.uint8, copy=False)
        colorizer = Colorizer.from_name(self.network, model_dir)
        changes = {"temperature": self.temperature, "working_size_px": self.working_size_px}
        changes = {name: value for name, value in changes.items() if value is not None}
        colorizer.spec = replace(colorizer.spec, **changes)  # type: ignore[arg-type]
        return lambda photo: colorizer.colorize(photo).astype(np.uint8, copy=False)


def available(model_dir: Path) -> list[str]:
    """Return the names of the networks whose weights are in `model_dir`."""
    return [name for name, spec in known_specs(model_dir).items() if weights_path(spec, model_dir).exists()]


def read_truth(path: Path, short_px: int | None = None) -> RGB:
    """Read a picture file as RGB uint8 (h, w, 3), resized to a short side of `short_px` if that is given."""
    rgb = rgb8(open_photo(path))
    if short_px is None:
        return rgb
    image = Image.fromarray(rgb)
    scale = short_px / min(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def gray_photo(truth: RGB) -> Photo:
    """Return the 8-bit luminance of `truth` as the photo that a model is given."""
    return Photo(pixels=gray_levels(truth), alpha=None, format="PNG", frames=1, sha256="")


def mean_ab(truths: list[RGB]) -> tuple[float, float]:
    """Return the mean a and b over photographs, each counting the same."""
    a, b = np.mean([rgb2lab(truth)[..., 1:].mean((0, 1)) for truth in truths], axis=0)
    return float(a), float(b)
