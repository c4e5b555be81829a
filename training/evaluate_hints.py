"""A network and photographs in, PSNR by the number of colour hints out; the protocol is in `PROTOCOL`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab
from tqdm import tqdm

from colorizers.colorizer import network_lightness
from colorizers.loading import LoadedNetwork, load_network
from colorizers.photo import Photo
from colorizers.registry import ModelSpec
from colorizers.rendering import Prediction, render
from training.candidates import RGB, gray_photo, read_truth
from training.metrics import psnr

COUNTS = (0, 1, 5, 10, 50)
SEEDS = 5
PATCH_PX = 7
SHORT_PX = 256

PROTOCOL = f"""\
Hints: photographs with a short side of {SHORT_PX} px; each hint is the mean true ab of a {PATCH_PX} x {PATCH_PX} px
patch at a uniformly random position, given to the network at its working size; mean over {SEEDS} seeds of the mean
PSNR over photographs."""


def psnr_by_hints(spec: ModelSpec, photos: Sequence[Path], model_dir: Path) -> dict[int, float]:
    """Return the mean PSNR in dB by the number of hints for a network that accepts them."""
    network = load_network(spec, model_dir, quickest=True)
    sums = dict.fromkeys(COUNTS, 0.0)
    for index, path in enumerate(tqdm(photos, unit="photo", desc=f"hints, {spec.name}", disable=None)):
        truth = read_truth(path, SHORT_PX)
        gray = gray_photo(truth)
        ab = rgb2lab(truth)[..., 1:].astype(np.float32)
        for count in COUNTS:
            # Without hints every seed gives the same.
            seeds = range(SEEDS if count else 1)
            values = [psnr(_painted(network, gray, ab, count, (seed, index)), truth) for seed in seeds]
            sums[count] += float(np.mean(values)) / len(photos)
    return sums


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


def _painted(network: LoadedNetwork, gray: Photo, ab: NDArray[np.float32], count: int, seed: tuple[int, int]) -> RGB:
    L = network_lightness(gray, network.spec)
    hints, mask = hint_maps(ab, count, (L.shape[0], L.shape[1]), np.random.default_rng(seed))
    with torch.inference_mode():
        answer = network.module.predict(
            torch.from_numpy(L)[None, None],
            torch.from_numpy(hints)[None],
            torch.from_numpy(mask)[None],
            network.spec.temperature,
        )
    prediction = Prediction(answer[0].float().numpy(), L)
    return render(gray.pixels, prediction).astype(np.uint8, copy=False)
