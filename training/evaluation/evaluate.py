"""Evaluation of models on photographs: a table of metrics and a contact sheet; `PROTOCOL` describes the method."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.evaluation.contact_sheet import contact_sheet
from training.evaluation.evaluated_models import EvaluatedModel, Painter, gray_photo, read_truth
from training.evaluation.metrics import FIGURES, Figures, Truth, area_under_curve
from training.evaluation.results_csv import ResultsCsv, result_key
from training.worker_pool import parallel_map

PROTOCOL = """\
Every photograph is turned to 8-bit gray (its CIE luminance, sRGB-encoded), coloured as the application does it
(luminance kept, colours along edges, chroma scaled into sRGB), and compared with the original at its own size in 8
bits. PSNR over all RGB values; SSIM of Wang et al. 2004, mean over RGB; CIEDE2000, mean over pixels; each is the mean
over photographs. Chroma: mean ab chroma over that of the originals. Colourfulness: Hasler and Suesstrunk 2003. AuC:
mean over thresholds 0..150 of the share of all pixels whose ab error is at most the threshold; "rebalanced" weighs
pixels by the inverse probability of their true colour among these photographs (Zhang et al. 2016)."""


@dataclass(frozen=True)
class Row:
    """The metrics of one model over all photographs."""

    label: str
    psnr: float
    ssim: float
    ciede2000: float
    chroma: float
    chroma_share: float
    colorfulness: float
    auc: float
    auc_rebalanced: float


_ORIGINAL = EvaluatedModel("original")


def evaluate(
    models: Sequence[EvaluatedModel],
    photos: Sequence[Path],
    model_dir: Path,
    processes: int = 1,
    results: ResultsCsv | None = None,
) -> list[Row]:
    """Measure `models`, and the originals themselves, on `photos`; return a row for each.

    What `results` (of `FIGURES`) holds already is not measured again. Raises the errors of `Colorizer.from_name` and
    `open_photo`.
    """
    results = results or ResultsCsv(FIGURES)
    rows = [*models, _ORIGINAL]
    keys = _keys(rows, photos, model_dir)
    missing = [path for path in photos if any(key not in results for key in keys[path])]
    work = functools.partial(_measure, tuple(models), model_dir)
    for path, measured in zip(missing, parallel_map(work, missing, processes, "measured"), strict=True):
        for row, key, figures in zip(rows, keys[path], measured, strict=True):
            results.add(path.name, row.label, key, figures.to_text())
    by_row = [[Figures.from_text(results.figures(keys[path][i])) for path in photos] for i in range(len(rows))]
    true_chroma = float(np.mean([figures.chroma for figures in by_row[-1]]))
    return [_row(row.label, figures, true_chroma) for row, figures in zip(rows, by_row, strict=True)]


def _keys(rows: Sequence[EvaluatedModel], photos: Iterable[Path], model_dir: Path) -> dict[Path, list[str]]:
    """Return the result keys of every photo, one for each row."""
    identities = [row.identity(model_dir) for row in rows]
    return {path: [result_key(PROTOCOL, path.read_bytes(), identity) for identity in identities] for path in photos}


def sheet(
    models: Sequence[EvaluatedModel],
    photos: Sequence[Path],
    model_dir: Path,
    cell_px: int = 240,
    with_truth: bool = True,
) -> Image.Image:
    """Return a contact sheet with a row for each photo: the gray input, each model's result, and perhaps the truth."""
    painters = _load_all(tuple(models), model_dir)
    rows = []
    for path in photos:
        truth = read_truth(path)
        gray = gray_photo(truth)
        gray_rgb = np.repeat(gray.pixels[..., None], 3, axis=2).astype(np.uint8, copy=False)
        rows.append([gray_rgb, *(paint(gray) for paint in painters), *([truth] if with_truth else [])])
    labels = ["input", *(model.label for model in models), *(["truth"] if with_truth else [])]
    return contact_sheet(rows, labels, cell_px)


def markdown(rows: Sequence[Row]) -> str:
    """Format the rows as a Markdown table."""
    lines = [
        "| | PSNR, dB | SSIM | CIEDE2000 | chroma | of true | colourfulness | AuC | AuC rebalanced |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        psnr = "-" if row.psnr >= 100 else f"{row.psnr:.2f}"
        lines.append(
            f"| {row.label} | {psnr} | {row.ssim:.4f} | {row.ciede2000:.2f} | {row.chroma:.2f} | "
            f"{row.chroma_share:.3f} | {row.colorfulness:.1f} | {row.auc:.4f} | {row.auc_rebalanced:.4f} |"
        )
    return "\n".join(lines)


@functools.lru_cache(maxsize=1)
def _load_all(models: tuple[EvaluatedModel, ...], model_dir: Path) -> list[Painter]:
    return [model.load(model_dir) for model in models]


def _measure(models: tuple[EvaluatedModel, ...], model_dir: Path, path: Path) -> list[Figures]:
    """Return the figures of each model on one photo, and last those of the original."""
    truth = Truth(read_truth(path))
    gray = gray_photo(truth.rgb)
    return [*(truth.compare(paint(gray)) for paint in _load_all(models, model_dir)), truth.own_figures()]


def _row(label: str, figures: Sequence[Figures], true_chroma: float) -> Row:
    names = ("psnr", "ssim", "ciede2000", "chroma", "colorfulness")
    means = {name: float(np.mean([getattr(figure, name) for figure in figures])) for name in names}
    errors = [figure.errors for figure in figures]
    return Row(
        label=label,
        **means,
        chroma_share=means["chroma"] / max(true_chroma, 1e-9),
        auc=area_under_curve(errors, rebalanced=False),
        auc_rebalanced=area_under_curve(errors, rebalanced=True),
    )
