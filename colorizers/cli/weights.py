"""Subcommand `weights`: lists, fetches, imports and verifies weights files."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from colorizers.cli.arguments import add_model_dir
from colorizers.errors import ColorizerError, DownloadError, WeightsError
from colorizers.weights import store
from colorizers.weights.registry import MODEL_DIR, ModelSpec, find_spec, known_specs, weights_path

DESCRIPTION = """\
Bring in and check the weights of the networks. The published networks' weights are not part of the project; without
them photographs are coloured by the embedded default network.
"""
EXAMPLES = """\
examples:
  python -m colorizers weights list                       which networks there are, and which are ready
  python -m colorizers weights fetch siggraph17           download, resuming where an earlier download stopped
  python -m colorizers weights import siggraph17 FILE     take a file that came another way (no network needed)
  python -m colorizers weights verify                     hash every weights file that is there
"""


def main(argv: Sequence[str]) -> int:
    """Run `weights` with the arguments `argv`; return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (ColorizerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The same command goes on where this one was.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    add_model_dir(common)
    parser = argparse.ArgumentParser(
        prog="python -m colorizers weights",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", parents=[common], help="list the networks and which are ready")
    listing.set_defaults(run=_list)

    fetch = commands.add_parser("fetch", parents=[common], help="download a network's weights and check them")
    fetch.add_argument("name", metavar="NAME", help="the network's name, as `list` shows it")
    fetch.add_argument("--offline", action="store_true", help="do not use the network: only check what is there")
    fetch.add_argument(
        "--remember-failure",
        action="store_true",
        help="if the download fails, say so in one line and note it in the model folder; do not try for a day then",
    )
    fetch.set_defaults(run=_fetch)

    bring = commands.add_parser("import", parents=[common], help="check a weights file and copy it into place")
    bring.add_argument("name", metavar="NAME", help="the network's name, as `list` shows it")
    bring.add_argument("file", metavar="FILE", type=Path, help="the file with its weights")
    bring.set_defaults(run=_import)

    verify = commands.add_parser("verify", parents=[common], help="check size and SHA-256 of weights files")
    verify.add_argument("names", metavar="NAME", nargs="*", help="networks to check (default: all that are there)")
    verify.set_defaults(run=_verify)
    return parser


def _list(arguments: argparse.Namespace) -> int:
    for spec in known_specs(arguments.model_dir).values():
        path = weights_path(spec, arguments.model_dir)
        size = f"{spec.size_bytes / 1e6:.1f} MB" if spec.size_bytes is not None else "size not stated"
        print(f"{spec.name}: {spec.title}, {size}, licence {spec.licence}")
        print(f"  {_state(spec, path)}: {path}")
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    spec = find_spec(arguments.name, arguments.model_dir)
    if arguments.remember_failure:
        reason = store.recent_failure(spec, arguments.model_dir)
        if reason is not None:
            _say_without(spec, arguments.model_dir, f"are not fetched, as that failed less than a day ago ({reason})")
            return 1
    try:
        path = _fetch_with_bar(spec, arguments.model_dir, arguments.offline)
    except DownloadError as error:
        if not arguments.remember_failure:
            raise
        reason = str(error.data["reason"])
        store.remember_failure(spec, arguments.model_dir, reason)
        _say_without(spec, arguments.model_dir, f"could not be downloaded ({reason})")
        return 1
    print(f"{path} is complete and verified.")
    return 0


def _say_without(spec: ModelSpec, model_dir: Path, why: str) -> None:
    """Print in one line why the weights are not there, for callers that can do without."""
    folder = "" if model_dir == MODEL_DIR else f" --model-dir {shlex.quote(str(model_dir))}"
    again = f"`python -m colorizers weights fetch {spec.name}{folder}` tries again"
    print(f"The weights of {spec.title} {why}; {again}.", file=sys.stderr)


def _fetch_with_bar(spec: ModelSpec, model_dir: Path, offline: bool) -> Path:
    # Without a terminal a bar would fill a log.
    with tqdm(total=spec.size_bytes, unit="B", unit_scale=True, desc=spec.name, disable=None, leave=False) as bar:

        def advance(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return store.fetch(spec, model_dir, offline, advance)


def _import(arguments: argparse.Namespace) -> int:
    spec = find_spec(arguments.name, arguments.model_dir)
    path = store.import_file(spec, arguments.file, arguments.model_dir)
    print(f"{path} is complete and verified.")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    """Print a line for each network asked for, or for each that has a file; return 1 if any of them is not right."""
    asked = [find_spec(name, arguments.model_dir) for name in arguments.names]
    specs = asked or [
        spec for spec in known_specs(arguments.model_dir).values() if weights_path(spec, arguments.model_dir).exists()
    ]
    failed = 0
    for spec in specs:
        try:
            path = store.verify(spec, arguments.model_dir)
        except WeightsError as error:
            failed += 1
            print(f"{spec.name}: {error.message}", file=sys.stderr)
        else:
            print(f"{spec.name}: {path} is right")
    if not specs:
        print(f"There are no weights in {arguments.model_dir}.")
    return 1 if failed else 0


def _state(spec: ModelSpec, path: Path) -> str:
    """Describe the file at `path` by its size alone; `verify` hashes it."""
    if not path.exists():
        return "missing, expected at"
    wrong = spec.size_bytes not in (None, path.stat().st_size)
    return "there, but of the wrong size" if wrong else "ready"
