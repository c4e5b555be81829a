"""Command line `python -m training prepare|train|export|evaluate|sheet`."""

import argparse
import sys
from importlib import import_module

from colorizers.errors import ColorizerError

# Only the requested command's module is imported: `evaluate` alone loads the compiled color pass.
_COMMANDS = {
    "prepare": "training.cli.prepare",
    "train": "training.cli.train",
    "export": "training.cli.export",
    "evaluate": "training.cli.evaluate",
    "sheet": "training.cli.sheet",
}


def main(arguments: list[str]) -> int:
    """Run a command; return 0, 1 after an error message, or 130 for a run that was interrupted and saved."""
    options = make_parser(arguments[:1]).parse_args(arguments)
    try:
        return int(options.run_command(options))
    except (ColorizerError, FileNotFoundError, FileExistsError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def make_parser(names: list[str]) -> argparse.ArgumentParser:
    """Return a parser of the commands in `names`, or of all commands if none of `names` is one."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="From a folder of photographs to a network in the page: prepare, train, export, evaluate, sheet.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in [name for name in _COMMANDS if name in names] or _COMMANDS:
        import_module(_COMMANDS[name]).add_command(commands)
    return parser
