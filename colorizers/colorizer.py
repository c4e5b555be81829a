"""`Colorizer`: predicts the colours of photos by a network, and renders them.

The network runs once per photo, at its working size; rendering its answer at full size is another step, which can be
repeated without the network.
"""

import logging
import warnings
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from colorizers.colorspace.lab import Pixels, eight_bits, lightness
from colorizers.errors import ColorizerError, HintsNotAcceptedError, TemperatureNotSupportedError
from colorizers.metadata.xmp import Provenance
from colorizers.networks.half_precision import GuessingNetwork
from colorizers.networks.load import LoadedNetwork, load_file, load_network
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo
from colorizers.photo.resizing import resized
from colorizers.prediction.distribution import MOST_VALUES, Distribution
from colorizers.prediction.hint_localization import localized, seen_hints
from colorizers.prediction.hint_propagation import propagate
from colorizers.prediction.hints import Hint, hint_planes
from colorizers.prediction.prediction import Prediction
from colorizers.recipe import Recipe, check_temperature
from colorizers.rendering.render import FAITHFUL, Rendering, render
from colorizers.weights.registry import EMBEDDED, MODEL_DIR, ModelSpec, default_spec, find_spec, weights_path

_log = logging.getLogger(__name__)

# The longest side, in short sides, that the network sees; what is longer is squeezed, or its cost would have no bound.
_LONGEST_SIDE = 4
# Below this chroma, in ab units, nobody sees a colour.
_COLOURLESS_BELOW = 1.0
# Shares of a distribution below this are told as this.
_LEAST_SHARE = 1e-8

Floats = NDArray[np.float32]


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

    def predict(self, photo: Photo, hints: Sequence[Hint] = (), temperature: float | None = None) -> Prediction:
        """Return the network's colours for `photo`; warns `UncolouredWarning` where they are none.

        `hints` say where the photo has which colours; what lies there, and what belongs to it, takes them, and the rest
        stays (`colorizers.prediction.hint_propagation`). `temperature` anneals the network's distribution: low takes
        the likeliest colours, high mixes them all; None is the network's own way. Where the GPU's memory does not
        suffice, the CPU takes over for good, with a warning. Raises `BrokenPredictionError`, `HintsNotAcceptedError`,
        `InvalidTemperatureError` or `TemperatureNotSupportedError`.
        """
        seen = network_lightness(photo, self.spec)
        return self._predict(seen, hints, temperature, (photo.width, photo.height))

    def predict_small(
        self,
        L: Floats,
        hints: Sequence[Hint] = (),
        temperature: float | None = None,
        photo_size: tuple[int, int] | None = None,
    ) -> Prediction:
        """Return what `predict` does, from the `L` (h, w), 0..100, of an earlier prediction of the photo.

        `photo_size` is the photo's width and height, as that prediction has it; without it, L has the photo's
        proportions. The L of another network is brought to this one's working size, which costs a little sharpness.
        """
        width, height = photo_size or (L.shape[1], L.shape[0])
        wanted = working_size(width, height, self.spec)
        if (L.shape[1], L.shape[0]) != wanted:
            L = np.asarray(Image.fromarray(L).resize(wanted, Image.Resampling.BICUBIC)).clip(0, 100)
        return self._predict(L, hints, temperature, (width, height))

    def _predict(
        self, seen: Floats, hints: Sequence[Hint], temperature: float | None, photo_size: tuple[int, int]
    ) -> Prediction:
        self._check(hints, temperature)
        try:
            ab, distribution = self._run(seen, hints, temperature, photo_size)
        except RuntimeError as error:
            if self.device.type == "cpu" or "out of memory" not in str(error):
                raise
            warnings.warn("The GPU's memory does not suffice; the CPU takes over.", ResourceWarning, stacklevel=3)
            self.device = torch.device("cpu")
            self._module = self._module.to(self.device)
            ab, distribution = self._run(seen, hints, temperature, photo_size)
        if not np.isfinite(ab).all():
            raise BrokenPredictionError(f"The network {self.spec.title} gave an answer that is not made of numbers.")
        if np.hypot(ab[0], ab[1]).max() < _COLOURLESS_BELOW:
            warnings.warn(f"{self.spec.title} gave this photo no colour.", UncolouredWarning, stacklevel=3)
        return Prediction(ab, seen, photo_size, distribution)

    def _check(self, hints: Sequence[Hint], temperature: float | None) -> None:
        name, title = self.spec.name, self.spec.title
        if hints and not self.spec.accepts_hints:
            raise HintsNotAcceptedError(f"{title} takes no colour hints.", name=name)
        if temperature is not None:
            check_temperature(temperature)
            if not self.spec.has_distribution:
                raise TemperatureNotSupportedError(f"{title} has no distribution to anneal.", name=name)

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

    def recipe(self, photo: Photo | None = None, **choices: Any) -> Recipe:
        """Return a recipe with this network and the `choices`, fields of `Recipe`; for `photo` alone, or any.

        Raises what `Recipe` raises.
        """
        return Recipe(
            model=self.spec.name,
            weights_sha256=self.weights_sha256,
            working_size_px=self.spec.working_size_px,
            original_sha256=None if photo is None else photo.sha256,
            **choices,
        )

    def _run(
        self, seen: Floats, hints: Sequence[Hint], temperature: float | None, photo_size: tuple[int, int]
    ) -> tuple[Floats, Distribution | None]:
        """Return ab and distribution for L (h, w); a network with hint inputs also answers without hints."""
        own_hints = bool(hints) and self.spec.has_hint_inputs
        cases = [seen_hints(hints), []] if own_hints else [[]]
        planes = [hint_planes(case, seen.shape[0], seen.shape[1], photo_size) for case in cases]
        L = torch.from_numpy(np.ascontiguousarray(seen)).expand(len(cases), 1, -1, -1).to(self.device)
        hint_ab, mask = (torch.from_numpy(np.stack(part)).to(self.device) for part in zip(*planes, strict=True))
        wanted = self.spec.temperature if temperature is None else temperature
        distribution = None
        with torch.inference_mode():
            if self.spec.has_distribution:
                network = cast(GuessingNetwork, self._module)
                answer, logits = network.guess(L, hint_ab, mask, wanted)
                distribution = kept_distribution(logits[:1].float().cpu(), network.centres().cpu())
            else:
                answer = self._module.predict(L, hint_ab, mask, wanted)
        ab = answer.float().cpu().numpy()
        if own_hints:
            return localized(ab[1], ab[0], seen, hints, photo_size), distribution
        return propagate(ab[0], seen, hints, photo_size) if hints else ab[0], distribution


def kept_distribution(logits: torch.Tensor, centres: torch.Tensor) -> Distribution:
    """Return the distribution of logits (1, bins, h, w) over `centres` (bins, 2), of `MOST_VALUES` at most.

    Where there are more, it is the mean of the shares over larger cells.
    """
    _, bins, height, width = logits.shape
    scale = min(1.0, (MOST_VALUES / (bins * height * width)) ** 0.5)
    # The bins come last, as they lie in memory on a CPU: elsewhere softmax and mean take some times as long.
    logits = logits.permute(0, 2, 3, 1)
    if scale < 1:
        size = max(1, int(height * scale)), max(1, int(width * scale))
        shares = torch.softmax(logits, -1).permute(0, 3, 1, 2)
        logits = functional.interpolate(shares, size=size, mode="area").permute(0, 2, 3, 1)
        logits = logits.clamp_min(_LEAST_SHARE).log()
    logits = torch.log_softmax(logits, -1)[0].permute(2, 0, 1)
    return Distribution(logits.to(torch.float16).contiguous().numpy(), centres.float().numpy())


def network_lightness(photo: Photo, spec: ModelSpec) -> Floats:
    """Return L, 0..100, float32 (h', w'), of `photo` at the working size of `spec`.

    As the published networks' authors do: Pillow's bicubic filter on the gamma-encoded 8-bit pixels, then L.
    """
    size = working_size(photo.width, photo.height, spec)
    return lightness(resized(eight_bits(photo.pixels), size, Image.Resampling.BICUBIC))


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
