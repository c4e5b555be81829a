"""The command `evaluate`: networks and a folder of photographs in, tables and a contact sheet out."""

import argparse
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from colorizers.formats import SUPPORTED
from colorizers.registry import MODEL_DIR, find_spec
from training import evaluate, evaluate_hints
from training.candidates import Candidate, available, mean_ab, read_truth
from training.card import write_card
from training.ledger import Ledger
from training.metrics import FIGURES
from training.sheets import save_sheet

_SHEET_PHOTOS = 20
_MEAN_PHOTOS = 200
_INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def add_command(commands: Any) -> None:
    """Add `evaluate` to the command line's `commands`."""
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
    networks = networks_to_try(names, _numbers(options.temperature, float), _numbers(options.working_size, int))
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
    options: argparse.Namespace, names: Sequence[str], networks: Sequence[Candidate], photos: Sequence[Path]
) -> str:
    """Return protocols and tables of everything that is to be measured."""
    spread = photos[:: max(1, len(photos) // _MEAN_PHOTOS)]
    ab = mean_ab([read_truth(path) for path in spread])
    candidates = [Candidate("gray"), Candidate(f"mean colour ({ab[0]:.1f}, {ab[1]:.1f})", ab=ab), *networks]
    ledger = _ledger(options, FIGURES, "figures.csv")
    rows = evaluate.evaluate(candidates, photos, options.model_dir, options.processes, ledger)
    parts = [f"{len(photos)} photographs of {options.photos.name}.", evaluate.PROTOCOL, evaluate.markdown(rows)]
    hinted = _hints(names, photos, options)
    if hinted:
        parts += [evaluate_hints.PROTOCOL, evaluate_hints.markdown(hinted)]
    return "\n\n".join(parts) + "\n"


def _ledger(options: argparse.Namespace, figures: Sequence[str], name: str) -> Ledger:
    return Ledger(figures, options.out and options.out / name, options.resume)


def _write(options: argparse.Namespace, report: str, networks: Sequence[Candidate], photos: Sequence[Path]) -> None:
    """Write the report and contact sheets of 20 evenly chosen photographs, with and without a truth to compare."""
    (options.out / "table.md").write_text(report, encoding="utf-8")
    save_sheet(evaluate.sheet(networks, _spread(photos), options.model_dir), options.out / "sheet.jpg")
    if options.gray_photos is not None:
        gray = _spread(photos_in(options.gray_photos))
        sheet = evaluate.sheet(networks, gray, options.model_dir, with_truth=False)
        save_sheet(sheet, options.out / "gray-photos.jpg")
    print(f"Written to {options.out}: " + ", ".join(sorted(path.name for path in options.out.iterdir())))


def _spread(photos: Sequence[Path]) -> Sequence[Path]:
    return photos[:: max(1, len(photos) // _SHEET_PHOTOS)][:_SHEET_PHOTOS]


def photos_in(folder: Path) -> list[Path]:
    """Return the picture files of `folder`, sorted by name; raises `FileNotFoundError` where there are none."""
    suffixes = {suffix for entry in SUPPORTED for suffix in entry.suffixes}
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    if not photos:
        raise FileNotFoundError(f"There are no photographs in {folder}.")
    return photos


def networks_to_try(
    names: Sequence[str], temperatures: Sequence[float] | None, sizes_px: Sequence[int] | None
) -> list[Candidate]:
    """Return a candidate for each network and each combination of temperature and working size to try."""
    candidates = []
    tries: tuple[Sequence[float | None], Sequence[int | None]] = (temperatures or [None], sizes_px or [None])
    for name, temperature, size_px in itertools.product(names, *tries):
        label = name
        if temperature is not None:
            label += f" T={temperature:g}"
        if size_px is not None:
            label += f" {size_px} px"
        candidates.append(Candidate(label, name, temperature=temperature, working_size_px=size_px))
    return candidates


def _hints(names: Sequence[str], photos: Sequence[Path], options: argparse.Namespace) -> dict[str, dict[int, float]]:
    """Return PSNR by hints of every network that accepts them, on evenly chosen photographs."""
    if options.hint_photos == 0:
        return {}
    chosen = photos[:: max(1, len(photos) // options.hint_photos)][: options.hint_photos]
    ledger = _ledger(options, evaluate_hints.FIGURES, "hints.csv")
    specs = [find_spec(name, options.model_dir) for name in names]
    return {
        spec.name: evaluate_hints.psnr_by_hints(spec, chosen, options.model_dir, options.processes, ledger)
        for spec in specs
        if spec.accepts_hints
    }


N = TypeVar("N", int, float)


def _numbers(text: str | None, kind: type[N]) -> list[N] | None:
    return [kind(part) for part in text.split(",")] if text else None
