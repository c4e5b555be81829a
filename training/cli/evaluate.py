"""Command `evaluate`: measure networks on a folder of photographs."""

import argparse
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from colorizers.colorizer import Colorizer
from colorizers.fileformats.formats import SUPPORTED
from colorizers.weights.registry import MODEL_DIR, find_spec
from training.evaluation import evaluate, evaluate_hints, evaluate_objects
from training.evaluation.contact_sheet import save_sheet
from training.evaluation.evaluated_models import EvaluatedModel, available, mean_ab, read_truth
from training.evaluation.metrics import FIGURES
from training.evaluation.model_card import write_card
from training.evaluation.results_csv import ResultsCsv

_SHEET_PHOTOS = 20
_MEAN_PHOTOS = 200
_INTERRUPTED = 130  # exit code of a shell command that Ctrl-C ended

T = TypeVar("T")
N = TypeVar("N", int, float)


def add_command(commands: Any) -> None:
    """Add `evaluate` to the subparsers `commands`."""
    parser = commands.add_parser(
        "evaluate",
        help="measure networks on photographs",
        description="Measure networks on colour photographs that they have not been trained on.",
    )
    parser.add_argument(
        "--model", metavar="NAME[,NAME...]", help="which networks (default: all whose weights are there)"
    )
    parser.add_argument("--photos", type=Path, required=True, metavar="FOLDER", help="colour photographs")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where to write table.md, contact sheets and each photo's figures"
    )
    parser.add_argument("--resume", action="store_true", help="measure only what the figures in OUT do not have yet")
    parser.add_argument("--card", type=Path, metavar="FILE", help="model card whose table is to be replaced")
    parser.add_argument(
        "--gray-photos", type=Path, metavar="FOLDER", help="real black-and-white photographs to look at"
    )
    parser.add_argument("--temperature", metavar="T[,T...]", help="try these temperatures instead of the network's own")
    parser.add_argument("--working-size", metavar="PX[,PX...]", help="try these working sizes instead of its own")
    parser.add_argument(
        "--hint-photos", type=int, default=60, help="how many photographs to give hints for (default 60)"
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth photograph")
    parser.add_argument("--model-dir", type=Path, default=MODEL_DIR, help="where the weights are")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many processes share the work")
    parser.set_defaults(run_command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    photos = photos_in(options.photos)[:: options.every]
    names = options.model.split(",") if options.model else available(options.model_dir)
    for name in names:
        find_spec(name, options.model_dir)
    networks = parameter_grid(names, _numbers(options.temperature, float), _numbers(options.working_size, int))
    try:
        report = _report(options, names, networks, photos)
    except KeyboardInterrupt:
        hint = "" if options.out is None else " --resume goes on from here."
        print(f"Stopped.{hint}", file=sys.stderr)
        return _INTERRUPTED
    print(report)
    if options.out is not None:
        _write(options, report, networks, photos)
    if options.card is not None:
        write_card(options.card, report)
    return 0


def _report(
    options: argparse.Namespace, names: Sequence[str], networks: Sequence[EvaluatedModel], photos: Sequence[Path]
) -> str:
    """Measure everything that `options` ask for; return protocols and tables."""
    ab = mean_ab([read_truth(path) for path in photos[:: max(1, len(photos) // _MEAN_PHOTOS)]])
    baselines = [EvaluatedModel("gray"), EvaluatedModel(f"mean colour ({ab[0]:.1f}, {ab[1]:.1f})", ab=ab)]
    results = _results(options, FIGURES, "figures.csv")
    rows = evaluate.evaluate([*baselines, *networks], photos, options.model_dir, options.processes, results)
    parts = [f"{len(photos)} photographs of {options.photos.name}.", evaluate.PROTOCOL, evaluate.markdown(rows)]
    hinted = _psnr_by_hints(names, photos, options)
    if hinted:
        parts += [evaluate_hints.PROTOCOL, evaluate_hints.markdown(hinted)]
        objects = evaluate_objects.markdown([Colorizer.from_name(name, options.model_dir) for name in hinted], photos)
        parts += [evaluate_objects.PROTOCOL, objects] if objects else []
    return "\n\n".join(parts) + "\n"


def _results(options: argparse.Namespace, figures: Sequence[str], name: str) -> ResultsCsv:
    return ResultsCsv(figures, options.out and options.out / name, options.resume)


def _write(
    options: argparse.Namespace, report: str, networks: Sequence[EvaluatedModel], photos: Sequence[Path]
) -> None:
    """Write the report and contact sheets of 20 evenly spaced photographs of each folder."""
    (options.out / "table.md").write_text(report, encoding="utf-8")
    spaced = _evenly_spaced(photos, _SHEET_PHOTOS)
    save_sheet(evaluate.sheet(networks, spaced, options.model_dir), options.out / "sheet.jpg")
    if options.gray_photos is not None:
        gray = _evenly_spaced(photos_in(options.gray_photos), _SHEET_PHOTOS)
        sheet = evaluate.sheet(networks, gray, options.model_dir, with_truth=False)
        save_sheet(sheet, options.out / "gray-photos.jpg")
    print(f"Written to {options.out}: " + ", ".join(sorted(path.name for path in options.out.iterdir())))


def _evenly_spaced(items: Sequence[T], count: int) -> Sequence[T]:
    """Return `count` of `items` at equal distances, or all of them where there are fewer."""
    return items[:: max(1, len(items) // count)][:count]


def photos_in(folder: Path) -> list[Path]:
    """Return the picture files of `folder`, sorted by name; raises `FileNotFoundError` without any."""
    suffixes = {suffix for entry in SUPPORTED for suffix in entry.suffixes}
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    if not photos:
        raise FileNotFoundError(f"There are no photographs in {folder}.")
    return photos


def parameter_grid(
    names: Sequence[str], temperatures: Sequence[float] | None, sizes_px: Sequence[int] | None
) -> list[EvaluatedModel]:
    """Return a model for each network in each combination of temperature and working size; None keeps its own."""
    models = []
    values: tuple[Sequence[float | None], Sequence[int | None]] = (temperatures or [None], sizes_px or [None])
    for name, temperature, size_px in itertools.product(names, *values):
        label = name
        if temperature is not None:
            label += f" T={temperature:g}"
        if size_px is not None:
            label += f" {size_px} px"
        models.append(EvaluatedModel(label, name, temperature=temperature, working_size_px=size_px))
    return models


def _psnr_by_hints(
    names: Sequence[str], photos: Sequence[Path], options: argparse.Namespace
) -> dict[str, dict[int, float]]:
    """Return PSNR by hints of every network that accepts them, on evenly spaced photographs."""
    if options.hint_photos == 0:
        return {}
    chosen = _evenly_spaced(photos, options.hint_photos)
    results = _results(options, evaluate_hints.FIGURES, "hints.csv")
    specs = [find_spec(name, options.model_dir) for name in names]
    return {
        spec.name: evaluate_hints.psnr_by_hints(spec, chosen, options.model_dir, options.processes, results)
        for spec in specs
        if spec.accepts_hints
    }


def _numbers(text: str | None, kind: type[N]) -> list[N] | None:
    return [kind(part) for part in text.split(",")] if text else None
