"""`python -m benchmarks COMMAND`: measure, print a table, and keep it as JSON where asked."""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.speed import fresh, large, load, page, pipeline, start, steps, upsampling
from benchmarks.stress import fuzz, fuzz_http, hostile, interface, kill, slow
from benchmarks.support.model_folder import NAMES, Models, prepare
from benchmarks.support.table import Record, format_table, write_json
from colorizers.fileformats.formats import SUPPORTED

# These have options of their own, and end with 1 where something that must hold does not.
_TRIALS = {
    "fresh": fresh.main,
    "fuzz": fuzz.main,
    "fuzz_http": fuzz_http.main,
    "hostile": hostile.main,
    "interface": interface.main,
    "kill": kill.main,
    "large": large.main,
    "load": load.main,
    "page": page.main,
    "slow": slow.main,
}


def main(argv: list[str]) -> int:
    """Do what `argv` asks for; return the exit status."""
    if argv and argv[0] in _TRIALS:
        return _TRIALS[argv[0]](argv[1:])
    arguments = _parser().parse_args(argv)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        records = []
        for record in _records(arguments, Path(folder)):
            records.append(record)
            if arguments.json:
                write_json(arguments.json, arguments.command, records)
            print(", ".join(f"{key} {record[key]}" for key in list(record)[:3]), file=sys.stderr, flush=True)
    print(format_table(records))
    if arguments.command == "upsampling":
        print("\n" + format_table(list(upsampling.summary(records))))
    return 0


def _records(arguments: argparse.Namespace, folder: Path) -> Iterator[Record]:
    sizes, repeats = arguments.sizes, arguments.repeats
    if arguments.command == "pipeline":
        return pipeline.run(_models(arguments, folder), sizes or pipeline.SIZES, repeats)
    if arguments.command == "network":
        return steps.network(_models(arguments, folder), repeats)
    if arguments.command == "start":
        return start.run(_models(arguments, folder), repeats)
    if arguments.command == "upsampling":
        suffixes = {suffix for entry in SUPPORTED for suffix in entry.suffixes}
        found = sorted(path for path in arguments.photos.iterdir() if path.suffix.lower() in suffixes)
        return upsampling.run(found)
    command = {"colour": steps.colour, "codecs": steps.codecs}[arguments.command]
    return command(sizes or steps.SIZES, repeats)


def _models(arguments: argparse.Namespace, folder: Path) -> Models:
    return prepare(arguments.models, folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("command", choices=("pipeline", "network", "colour", "codecs", "upsampling", "start"))
    parser.add_argument("photos", nargs="?", type=Path, help="folder of colour photos, for upsampling")
    parser.add_argument("--sizes", type=_numbers, help="megapixels, as 2,12")
    parser.add_argument("--models", type=lambda text: text.split(","), default=list(NAMES), help="as eccv16,default")
    parser.add_argument("--repeats", type=int, help="rounds of each measurement (by itself: about six seconds)")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    return parser


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
