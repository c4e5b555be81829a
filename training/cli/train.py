"""Command `train`: run a recipe on shards, into a folder with checkpoint, logs and sheets."""

import argparse
import ast
from pathlib import Path
from typing import Any

from training.distributed import leave_team
from training.loop.start import Request, make_trainer
from training.recipes.registry import RECIPES

_INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def add_command(commands: Any) -> None:
    """Add `train` to the command line's `commands`."""
    train = commands.add_parser(
        "train",
        help="train a network on prepared shards",
        description="Train a network. Ctrl-C saves; --resume goes on. For several processes or machines: "
        "torchrun --nproc-per-node=N -m training train ...",
    )
    train.add_argument("recipe", choices=list(RECIPES), metavar="RECIPE", help=", ".join(RECIPES))
    train.add_argument("--data", type=Path, required=True, metavar="SHARDS", help="folder of tar shards (see prepare)")
    train.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder for checkpoint, logs and sheets")
    train.add_argument("--preset", choices=["author", "laptop"], default="author", help="laptop: 5 minutes at 64 px")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="how long to train, instead of the recipe's length")
    length.add_argument("--epochs", type=float, help="the same in epochs")
    length.add_argument("--steps", type=int, help="the same in steps")
    train.add_argument("--resume", action="store_true", help="go on with the run in RUN, with its settings")
    train.add_argument("--start-from", type=Path, metavar="FILE", help="weights of the same network to begin with")
    train.add_argument("--val", type=Path, metavar="FOLDER", help="photographs to look at, instead of held-out ones")
    train.add_argument(
        "--without", action="append", default=[], metavar="PREFIX", help="leave out photographs whose names begin so"
    )
    train.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change any of the settings")
    train.add_argument("--device", help="cpu, cuda, cuda:1 ... (default: a GPU if there is one)")
    train.add_argument("--threads", type=int, default=2, help="how many threads decode photographs (default: 2)")
    train.set_defaults(run_command=_train)


def _train(options: argparse.Namespace) -> int:
    changes = dict(_parse_setting(text) for text in options.set)
    for name in ("minutes", "epochs", "steps"):
        if getattr(options, name) is not None:
            changes[name] = getattr(options, name)
    request = Request(
        recipe=options.recipe,
        data=options.data,
        run=options.out,
        preset=options.preset,
        changes=changes,
        resume=options.resume,
        start_from=options.start_from,
        validation=options.val,
        without=tuple(options.without),
        device=options.device,
        threads=options.threads,
    )
    try:
        trainer = make_trainer(request)
        outcome = trainer.train()
    finally:
        leave_team()
    if trainer.data.team.leads:
        print(f"{outcome.step:,} steps, saved in {options.out}.", flush=True)
    if outcome.interrupted:
        print("--resume goes on from here.", flush=True)
    elif outcome.step == 0:
        raise ValueError("No step was made: reading the photographs took all of the time. Allow more minutes.")
    return _INTERRUPTED if outcome.interrupted else 0


def _parse_setting(text: str) -> tuple[str, Any]:
    """Return name and value of NAME=VALUE; values are Python's literals, or else words."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set takes NAME=VALUE, not {text!r}.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
