"""A photo in, its colours as a small ab picture and then the coloured pixels out: the application's own door.

The network runs once per photo, at its working size; rendering its answer at full size is another step, which can be
repeated without the network.
"""

import logging
import warnings
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from colorizers.errors import ColorizerError
from colorizers.lab import Pixels, eight_bits, lightness
from colorizers.loading import LoadedNetwork, load_file, load_network
from colorizers.photo import Photo, open_photo
from colorizers.provenance import Provenance
from colorizers.registry import EMBEDDED, MODEL_DIR, ModelSpec, default_spec, find_spec, weights_path
from colorizers.rendering import FAITHFUL, Prediction, Rendering, render

_log = logging.getLogger(__name__)

# The longest side, in short sides, that the network sees; what is longer is squeezed, or its cost would have no bound.
_LONGEST_SIDE = 4
# Below this chroma, in ab units, nobody sees a colour.
_COLOURLESS_BELOW = 1.0


class UncolouredWarning(UserWarning):
    """The network gave no colour to any part of a photo."""


class BrokenPredictionError(ColorizerError):
    """The network's answer is not made of numbers: its weights or the device's arithmetic are broken."""

    code = "broken_prediction"


class Colorizer:
    """A loaded network, ready to colour photos.

    `spec` is its contract, `weights_sha256` the hash of its weights, `verified` whether that hash is a registered one,
    `device` where it runs, `precision` in what type it computes.
    """

    def __init__(
        self,
        model_path: str | PathLike[str] | None = None,
        use_gpu: bool = False,
        model_dir: str | PathLike[str] = MODEL_DIR,
    ) -> None:
        """Load the weights file `model_path`, whose keys tell its family; a file with an unknown hash is "unverified".

        Without a path, the first published network whose weights are in `model_dir` is loaded, and where there are
        none, the embedded default. `use_gpu` takes a CUDA or Apple GPU where there is one. Raises `WeightsError`.
        """
        device = _pick_device(use_gpu)
        spec = default_spec(Path(model_dir))
        if model_path is None and spec.name == EMBEDDED:
            loaded = load_network(spec, Path(model_dir), device, quickest=True)
        else:
            # People put weights of their own where the published ones are expected; they count as "unverified".
            path = weights_path(spec, Path(model_dir)) if model_path is None else Path(model_path)
            loaded = load_file(path, device, quickest=True)
        self._take(loaded, device)

    @classmethod
    def from_name(cls, name: str, model_dir: str | PathLike[str] = MODEL_DIR, use_gpu: bool = False) -> "Colorizer":
        """Return a colorizer with the registered network `name`; raises `WeightsError`, never takes another one."""
        colorizer = cls.__new__(cls)
        device = _pick_device(use_gpu)
        spec = find_spec(name, Path(model_dir))
        colorizer._take(load_network(spec, Path(model_dir), device, quickest=True), device)
        return colorizer

    def _take(self, loaded: LoadedNetwork, device: torch.device) -> None:
        self._module = loaded.module
        self.spec = loaded.spec
        self.weights_sha256 = loaded.weights_sha256
        self.verified = loaded.verified
        self.precision = loaded.precision
        self.device = device

    def colorize(self, photo: Photo | str | PathLike[str], rendering: Rendering = FAITHFUL) -> Pixels:
        """Return a photo, or the picture file at a path, in colour: RGB (h, w, 3), uint8, or uint16 for 16-bit input.

        Raises `PhotoError` where the file cannot be coloured.
        """
        opened = photo if isinstance(photo, Photo) else open_photo(Path(photo))
        return self.render(opened, self.predict(opened), rendering)

    def predict(self, photo: Photo) -> Prediction:
        """Return the network's colours for `photo`; warns `UncolouredWarning` where they are none.

        Where the GPU's memory does not suffice, the CPU takes over for good, with a warning. Raises
        `BrokenPredictionError`.
        """
        seen = network_lightness(photo, self.spec)
        L = torch.from_numpy(seen)[None, None]
        try:
            ab = self._run(L)
        except RuntimeError as error:
            if self.device.type == "cpu" or "out of memory" not in str(error):
                raise
            warnings.warn("The GPU's memory does not suffice; the CPU takes over.", ResourceWarning, stacklevel=2)
            self.device = torch.device("cpu")
            self._module = self._module.to(self.device)
            ab = self._run(L)
        if not np.isfinite(ab).all():
            raise BrokenPredictionError(f"The network {self.spec.title} gave an answer that is not made of numbers.")
        if np.hypot(ab[0], ab[1]).max() < _COLOURLESS_BELOW:
            warnings.warn(f"{self.spec.title} gave this photo no colour.", UncolouredWarning, stacklevel=2)
        return Prediction(ab, seen)

    def render(self, photo: Photo, prediction: Prediction, rendering: Rendering = FAITHFUL) -> Pixels:
        """Return RGB (h, w, 3) of the photo's depth, with its luminance and the prediction's colours."""
        return render(photo.pixels, prediction, rendering)

    def provenance(self, photo: Photo) -> Provenance:
        """Return what a file with this network's result for `photo` has to say about itself."""
        return Provenance(
            model=self.spec.name,
            title=self.spec.title,
            weights_sha256=self.weights_sha256,
            verified=self.verified,
            original_sha256=photo.sha256,
        )

    def _run(self, L: torch.Tensor) -> NDArray[np.float32]:
        L = L.to(self.device)
        no_hint = torch.zeros_like(L)
        with torch.inference_mode():
            ab = self._module.predict(L, no_hint.expand(-1, 2, -1, -1), no_hint, self.spec.temperature)
        return ab[0].float().cpu().numpy()


def network_lightness(photo: Photo, spec: ModelSpec) -> NDArray[np.float32]:
    """Return L, 0..100, float32 (h', w'), of `photo` at the working size of `spec`.

    As the published networks' authors do: Pillow's bicubic filter on the gamma-encoded 8-bit pixels, then L.
    """
    size = working_size(photo.width, photo.height, spec)
    small = Image.fromarray(eight_bits(photo.pixels)).resize(size, Image.Resampling.BICUBIC)
    return lightness(np.asarray(small))


def working_size(width: int, height: int, spec: ModelSpec) -> tuple[int, int]:
    """Return width and height in pixels at which the network of `spec` sees a photo of `width` x `height`."""
    short_px = spec.working_size_px
    if not spec.keeps_aspect:
        return short_px, short_px
    scale = short_px / min(width, height)
    longest_px = _LONGEST_SIDE * short_px
    return _multiple(min(width * scale, longest_px), spec), _multiple(min(height * scale, longest_px), spec)


def _multiple(side: float, spec: ModelSpec) -> int:
    return max(1, round(side / spec.size_multiple)) * spec.size_multiple


def _pick_device(use_gpu: bool) -> torch.device:
    if use_gpu and torch.cuda.is_available():
        return torch.device("cuda")
    if use_gpu and torch.backends.mps.is_available():
        return torch.device("mps")
    if use_gpu:
        _log.warning("no GPU is available; the CPU does the work")
    return torch.device("cpu")
