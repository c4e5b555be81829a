"""Command-line arguments in, an exit code out: `python -m training prepare|train|export|evaluate|sheet`."""

import argparse
import sys
from importlib import import_module

from colorizers.errors import ColorizerError

# Each command's module is loaded when it is asked for: only measuring needs the compiled colour pass.
_COMMANDS = {
    "prepare": "training.prepare_cli",
    "train": "training.train_cli",
    "export": "training.export",
    "evaluate": "training.evaluate_cli",
    "sheet": "training.sheet_cli",
}


def main(arguments: list[str]) -> int:
    """Run one command; return 0, 1 for an error that was explained, 130 for a run that was stopped and saved."""
    options = parser(arguments[:1]).parse_args(arguments)
    try:
        return int(options.run_command(options))
    except (ColorizerError, FileNotFoundError, FileExistsError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def parser(asked: list[str]) -> argparse.ArgumentParser:
    """Return the parser of the one command in `asked`, or of all commands where that is none of them."""
    whole = argparse.ArgumentParser(
        prog="python -m training",
        description="From a folder of photographs to a network in the page: prepare, train, export, evaluate, sheet.",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    for name in [name for name in _COMMANDS if name in asked] or _COMMANDS:
        import_module(_COMMANDS[name]).add_command(commands)
    return whole
