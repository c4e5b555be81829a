"""A network and photographs in, PSNR by the number of colour hints out; the protocol is in `PROTOCOL`."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab

from colorizers.colorizer import network_lightness
from colorizers.loading import LoadedNetwork, load_network
from colorizers.photo import Photo
from colorizers.registry import ModelSpec
from colorizers.rendering import Prediction, render
from training.candidates import RGB, Candidate, gray_photo, read_truth
from training.crew import each
from training.ledger import Ledger, key_of
from training.metrics import psnr

COUNTS = (0, 1, 5, 10, 50)
SEEDS = 5
PATCH_PX = 7
SHORT_PX = 256
FIGURES = tuple(f"psnr with {count}" for count in COUNTS)

PROTOCOL = f"""\
Hints: photographs with a short side of {SHORT_PX} px; each hint is the mean true ab of a {PATCH_PX} x {PATCH_PX} px
patch at a uniformly random position, given to the network at its working size; mean over {SEEDS} seeds of the mean
PSNR over photographs."""


def psnr_by_hints(
    spec: ModelSpec, photos: Sequence[Path], model_dir: Path, processes: int = 1, ledger: Ledger | None = None
) -> dict[int, float]:
    """Return the mean PSNR in dB by the number of hints for a network that accepts them.

    What `ledger` (of `FIGURES`) holds is not measured again.
    """
    ledger = ledger or Ledger(FIGURES)
    paint = Candidate(spec.name, spec.name).identity(model_dir)
    # The position in the list seeds the hints' places, so it belongs to the key.
    keys = [key_of(PROTOCOL, path.read_bytes(), paint, str(index)) for index, path in enumerate(photos)]
    missing = [(index, path) for index, path in enumerate(photos) if keys[index] not in ledger]
    work = functools.partial(_measure, spec, model_dir)
    what = f"hints for {spec.name}"
    for (index, path), values in zip(missing, each(work, missing, processes, what), strict=True):
        ledger.add(path.name, spec.name, keys[index], [repr(value) for value in values])
    means = np.mean([[float(value) for value in ledger.figures(key)] for key in keys], axis=0)
    return dict(zip(COUNTS, means.tolist(), strict=True))


def markdown(figures: dict[str, dict[int, float]]) -> str:
    """Return a Markdown table of PSNR by hints, a row for each network."""
    lines = ["| hints | " + " | ".join(str(count) for count in COUNTS) + " |", "|---|" + "---|" * len(COUNTS)]
    for label, row in figures.items():
        lines.append(f"| {label} | " + " | ".join(f"{row[count]:.2f}" for count in COUNTS) + " |")
    return "\n".join(lines)


def hint_maps(
    ab: NDArray[np.float32], count: int, size: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return hint ab (2, h', w') and mask (1, h', w') at `size` (h', w') px of `count` random patches of `ab`."""
    height, width = ab.shape[:2]
    down, across = size[0] / height, size[1] / width
    hints, mask = np.zeros((2, *size), np.float32), np.zeros((1, *size), np.float32)
    tops = rng.integers(0, height - PATCH_PX + 1, count)
    lefts = rng.integers(0, width - PATCH_PX + 1, count)
    for top, left in zip(tops, lefts, strict=True):
        colour = ab[top : top + PATCH_PX, left : left + PATCH_PX].mean((0, 1))
        rows = _scaled(top, down, size[0])
        columns = _scaled(left, across, size[1])
        hints[:, rows, columns] = colour[:, None, None]
        mask[:, rows, columns] = 1
    return hints, mask


def _scaled(start: int, scale: float, side: int) -> slice:
    """Return where a patch from `start` on lies at another scale, one pixel at least."""
    first = min(round(start * scale), side - 1)
    return slice(first, max(first + 1, round((start + PATCH_PX) * scale)))


@functools.lru_cache(maxsize=1)
def _network(spec: ModelSpec, model_dir: Path) -> LoadedNetwork:
    return load_network(spec, model_dir, quickest=True)


def _measure(spec: ModelSpec, model_dir: Path, place: tuple[int, Path]) -> list[float]:
    """Return the PSNR of one photograph for each number of hints, mean over seeds; `place` is its index and path."""
    index, path = place
    truth = read_truth(path, SHORT_PX)
    gray = gray_photo(truth)
    ab = rgb2lab(truth)[..., 1:].astype(np.float32)
    values = []
    for count in COUNTS:
        # Without hints every seed gives the same.
        seeds = [(seed, index) for seed in range(SEEDS if count else 1)]
        painted = _painted(_network(spec, model_dir), gray, ab, count, seeds)
        values.append(float(np.mean([psnr(picture, truth) for picture in painted])))
    return values


def _painted(
    network: LoadedNetwork, gray: Photo, ab: NDArray[np.float32], count: int, seeds: Sequence[tuple[int, int]]
) -> list[RGB]:
    """Return `gray` in the colours that `network` gives it with `count` hints, once for each seed."""
    L = network_lightness(gray, network.spec)
    maps = [hint_maps(ab, count, (L.shape[0], L.shape[1]), np.random.default_rng(seed)) for seed in seeds]
    hints, masks = (torch.from_numpy(np.stack(part)) for part in zip(*maps, strict=True))
    seen = torch.from_numpy(L).expand(len(seeds), 1, -1, -1)
    with torch.inference_mode():
        answers = network.module.predict(seen, hints, masks, network.spec.temperature)
    pictures = (render(gray.pixels, Prediction(answer.float().numpy(), L)) for answer in answers)
    return [picture.astype(np.uint8, copy=False) for picture in pictures]
