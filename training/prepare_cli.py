"""The command `prepare`: a folder of photographs in, shards and a table of what was dropped out."""

import argparse
import os
from pathlib import Path
from typing import Any

from training.prepare import prepare
from training.recipes import RECIPES
from training.rules import NEAR_GRAY_CHROMA, Wish

_SHORT_PX = 128


def add_command(commands: Any) -> None:
    """Add `prepare` to the command line's `commands`."""
    parser = commands.add_parser(
        "prepare",
        help="turn a folder of photographs into shards to train on",
        description="Walk a folder (or tar shards), drop what teaches no colour, reduce, and write tar shards. "
        "The source is only read. An interrupted run goes on where it was.",
    )
    parser.add_argument(
        "source", type=Path, metavar="SOURCE", help="folder of photographs, in any format and depth, or a tar file"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the shards")
    parser.add_argument("--recipe", choices=list(RECIPES), help="take size, crop and rules from this recipe")
    parser.add_argument(
        "--short-px", type=int, help=f"short side of the pictures (default {_SHORT_PX}, or the recipe's)"
    )
    parser.add_argument(
        "--near-gray", type=float, default=NEAR_GRAY_CHROMA, metavar="CHROMA", help="drop below this mean chroma"
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many processes share the work")
    parser.set_defaults(run_command=_prepare)


def wish_for(recipe: str | None, short_px: int | None, near_gray: float) -> Wish:
    """Return how pictures are to leave for a recipe, or for all of them."""
    if recipe is None:
        return Wish(short_px or _SHORT_PX, near_gray_chroma=near_gray)
    settings = RECIPES[recipe].author
    canvas = settings.canvas
    fixed = canvas.crop != "random"
    return Wish(
        short_px=short_px or canvas.least_short_px,
        square=fixed and canvas.height_px == canvas.width_px,
        crop=canvas.crop if fixed else "centre",
        jpeg_only=settings.jpeg_only,
        near_gray_chroma=near_gray,
    )


def _prepare(options: argparse.Namespace) -> int:
    wish = wish_for(options.recipe, options.short_px, options.near_gray)
    report = prepare(options.source, options.out, wish, options.processes)
    print(report.table())
    return 0
