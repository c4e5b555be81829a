"""Photographs and candidates in, a table of figures and a contact sheet out; the protocol is in `PROTOCOL`."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from training.candidates import Candidate, Painter, gray_photo, read_truth
from training.crew import each
from training.ledger import Ledger, key_of
from training.metrics import FIGURES, Figures, Truth, area_under_curve
from training.sheets import contact_sheet

PROTOCOL = """\
Every photograph is turned to 8-bit gray (its CIE luminance, sRGB-encoded), coloured as the application does it
(luminance kept, colours along edges, chroma scaled into sRGB), and compared with the original at its own size in 8
bits. PSNR over all RGB values; SSIM of Wang et al. 2004, mean over RGB; CIEDE2000, mean over pixels; each is the mean
over photographs. Chroma: mean ab chroma over that of the originals. Colourfulness: Hasler and Suesstrunk 2003. AuC:
mean over thresholds 0..150 of the share of all pixels whose ab error is at most the threshold; "rebalanced" weighs
pixels by the inverse probability of their true colour among these photographs (Zhang et al. 2016)."""


@dataclass(frozen=True)
class Row:
    """One candidate's figures over all photographs."""

    label: str
    psnr: float
    ssim: float
    ciede2000: float
    chroma: float
    chroma_share: float
    colourfulness: float
    auc: float
    auc_rebalanced: float


_ORIGINAL = Candidate("original")


def evaluate(
    candidates: Sequence[Candidate],
    photos: Sequence[Path],
    model_dir: Path,
    processes: int = 1,
    ledger: Ledger | None = None,
) -> list[Row]:
    """Return a row for each of `candidates`, and one for the originals themselves, over `photos`.

    What `ledger` (of `FIGURES`) holds is not measured again. Raises as `Colorizer.from_name` and `open_photo` do.
    """
    ledger = ledger or Ledger(FIGURES)
    rows = [*candidates, _ORIGINAL]
    keys = _keys(rows, photos, model_dir)
    missing = [path for path in photos if any(key not in ledger for key in keys[path])]
    work = functools.partial(_measure, tuple(candidates), model_dir)
    for path, measured in zip(missing, each(work, missing, processes, "measured"), strict=True):
        for row, key, figures in zip(rows, keys[path], measured, strict=True):
            ledger.add(path.name, row.label, key, figures.to_text())
    by_row = [[Figures.from_text(ledger.figures(keys[path][i])) for path in photos] for i in range(len(rows))]
    true_chroma = float(np.mean([figures.chroma for figures in by_row[-1]]))
    return [_row(row.label, figures, true_chroma) for row, figures in zip(rows, by_row, strict=True)]


def _keys(rows: Sequence[Candidate], photos: Iterable[Path], model_dir: Path) -> dict[Path, list[str]]:
    """Return by photo the key of each row: the same where photo, protocol and what colours it are the same."""
    paints = [row.identity(model_dir) for row in rows]
    return {path: [key_of(PROTOCOL, path.read_bytes(), paint) for paint in paints] for path in photos}


def sheet(
    candidates: Sequence[Candidate],
    photos: Sequence[Path],
    model_dir: Path,
    cell_px: int = 240,
    with_truth: bool = True,
) -> Image.Image:
    """Return a contact sheet: for each photo the gray input, what each candidate makes of it, and the truth if any."""
    painters = [candidate.load(model_dir) for candidate in candidates]
    rows = []
    for path in photos:
        truth = read_truth(path)
        gray = gray_photo(truth)
        painted = [painter.paint(gray) for painter in painters]
        given = np.repeat(gray.pixels[..., None], 3, axis=2).astype(np.uint8, copy=False)
        rows.append([given, *painted, truth] if with_truth else [given, *painted])
    labels = ["input", *(candidate.label for candidate in candidates), "truth"]
    return contact_sheet(rows, labels if with_truth else labels[:-1], cell_px)


def markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| | PSNR, dB | SSIM | CIEDE2000 | chroma | of true | colourfulness | AuC | AuC rebalanced |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        psnr = "-" if row.psnr >= 100 else f"{row.psnr:.2f}"
        lines.append(
            f"| {row.label} | {psnr} | {row.ssim:.4f} | {row.ciede2000:.2f} | {row.chroma:.2f} | "
            f"{row.chroma_share:.3f} | {row.colourfulness:.1f} | {row.auc:.4f} | {row.auc_rebalanced:.4f} |"
        )
    return "\n".join(lines)


@functools.lru_cache(maxsize=1)
def _painters(candidates: tuple[Candidate, ...], model_dir: Path) -> list[Painter]:
    return [candidate.load(model_dir) for candidate in candidates]


def _measure(candidates: tuple[Candidate, ...], model_dir: Path, path: Path) -> list[Figures]:
    """Return the figures of each candidate, and at last those of the original."""
    truth = Truth(read_truth(path))
    gray = gray_photo(truth.rgb)
    painted = (painter.paint(gray) for painter in _painters(candidates, model_dir))
    return [*(truth.compare(picture) for picture in painted), truth.own_figures()]


def _row(label: str, figures: Sequence[Figures], true_chroma: float) -> Row:
    def mean(name: str) -> float:
        return float(np.mean([getattr(figure, name) for figure in figures]))

    errors = [figure.errors for figure in figures]
    return Row(
        label=label,
        psnr=mean("psnr"),
        ssim=mean("ssim"),
        ciede2000=mean("ciede2000"),
        chroma=mean("chroma"),
        chroma_share=mean("chroma") / max(true_chroma, 1e-9),
        colourfulness=mean("colourfulness"),
        auc=area_under_curve(errors, rebalanced=False),
        auc_rebalanced=area_under_curve(errors, rebalanced=True),
    )
