"""Evaluation of color hints: PSNR by the number of hints; `PROTOCOL` describes the method."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from colorizers.colorizer import Colorizer
from colorizers.photo.photo_data import Photo
from colorizers.prediction.hints import Hint
from colorizers.rendering.render import render
from colorizers.weights.registry import ModelSpec
from training.evaluation.evaluated_models import RGB, EvaluatedModel, gray_photo, read_truth
from training.evaluation.metrics import psnr
from training.evaluation.results_csv import ResultsCsv, result_key
from training.worker_pool import parallel_map

COUNTS = (0, 1, 5, 10, 50)
SEEDS = 5
PATCH_PX = 7
SHORT_PX = 256
FIGURES = tuple(f"psnr with {count}" for count in COUNTS)

PROTOCOL = f"""\
Hints: photographs with a short side of {SHORT_PX} px; each hint is the mean true ab of a {PATCH_PX} x {PATCH_PX} px
patch at a uniformly random position, given as users give it; mean over {SEEDS} seeds of the mean PSNR over
photographs."""


def psnr_by_hints(
    spec: ModelSpec, photos: Sequence[Path], model_dir: Path, processes: int = 1, results: ResultsCsv | None = None
) -> dict[int, float]:
    """Return the mean PSNR in dB by the number of hints, for a network that accepts them.

    What `results` (of `FIGURES`) holds already is not measured again.
    """
    results = results or ResultsCsv(FIGURES)
    identity = EvaluatedModel(spec.name, spec.name).identity(model_dir)
    # A photo's position in the list seeds its hints, so it belongs to the key.
    keys = [result_key(PROTOCOL, path.read_bytes(), identity, str(index)) for index, path in enumerate(photos)]
    missing = [(index, path) for index, path in enumerate(photos) if keys[index] not in results]
    work = functools.partial(_measure, spec, model_dir)
    measured = parallel_map(work, missing, processes, f"hints for {spec.name}")
    for (index, path), values in zip(missing, measured, strict=True):
        results.add(path.name, spec.name, keys[index], [repr(value) for value in values])
    means = np.mean([[float(value) for value in results.figures(key)] for key in keys], axis=0)
    return dict(zip(COUNTS, means.tolist(), strict=True))


def markdown(figures: dict[str, dict[int, float]]) -> str:
    """Format PSNR by hints as a Markdown table, a row for each network."""
    lines = ["| hints | " + " | ".join(str(count) for count in COUNTS) + " |", "|---|" + "---|" * len(COUNTS)]
    for label, row in figures.items():
        lines.append(f"| {label} | " + " | ".join(f"{row[count]:.2f}" for count in COUNTS) + " |")
    return "\n".join(lines)


def random_hints(ab: NDArray[np.float32], count: int, rng: np.random.Generator) -> list[Hint]:
    """Return hints at `count` random patches of the true ab (h, w, 2), each with its patch's mean."""
    height, width = ab.shape[:2]
    tops = rng.integers(0, height - PATCH_PX + 1, count)
    lefts = rng.integers(0, width - PATCH_PX + 1, count)
    radius = PATCH_PX / 2 / min(height, width)
    hints = []
    for top, left in zip(tops, lefts, strict=True):
        a, b = ab[top : top + PATCH_PX, left : left + PATCH_PX].mean((0, 1))
        x, y = (left + PATCH_PX / 2) / width, (top + PATCH_PX / 2) / height
        hints.append(Hint(float(x), float(y), radius, float(a), float(b)))
    return hints


@functools.lru_cache(maxsize=1)
def _colorizer(spec: ModelSpec, model_dir: Path) -> Colorizer:
    return Colorizer.from_name(spec.name, model_dir)


def _measure(spec: ModelSpec, model_dir: Path, indexed_path: tuple[int, Path]) -> list[float]:
    """Return the PSNR of one photograph, mean over seeds, for each of `COUNTS`."""
    index, path = indexed_path
    truth = read_truth(path, SHORT_PX)
    gray = gray_photo(truth)
    ab = rgb2lab(truth)[..., 1:].astype(np.float32)
    values = []
    for count in COUNTS:
        # Without hints every seed gives the same.
        seeds = [(seed, index) for seed in range(SEEDS if count else 1)]
        results = _color(_colorizer(spec, model_dir), gray, ab, count, seeds)
        values.append(float(np.mean([psnr(result, truth) for result in results])))
    return values


def _color(
    colorizer: Colorizer, gray: Photo, ab: NDArray[np.float32], count: int, seeds: Sequence[tuple[int, int]]
) -> list[RGB]:
    """Color `gray` with `count` hints taken from the true `ab` (h, w, 2), once for each seed."""
    predictions = [colorizer.predict(gray, random_hints(ab, count, np.random.default_rng(seed))) for seed in seeds]
    return [render(gray.pixels, one).astype(np.uint8, copy=False) for one in predictions]
