"""Command `prepare`: write training shards from a folder of photographs."""

import argparse
import os
from pathlib import Path
from typing import Any

from training.data.filters import NEAR_GRAY_CHROMA, Options
from training.data.prepare import prepare
from training.recipes.registry import RECIPES

_SHORT_PX = 128


def add_command(commands: Any) -> None:
    """Add `prepare` to the subparsers `commands`."""
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


def options_for(recipe: str | None, short_px: int | None, near_gray: float) -> Options:
    """Return the options that suit `recipe`, or every recipe where it is None."""
    if recipe is None:
        return Options(short_px or _SHORT_PX, near_gray_chroma=near_gray)
    settings = RECIPES[recipe].author
    canvas = settings.canvas
    fixed = canvas.crop != "random"
    return Options(
        short_px=short_px or canvas.least_short_px,
        square=fixed and canvas.height_px == canvas.width_px,
        crop=canvas.crop if fixed else "centre",
        jpeg_only=settings.jpeg_only,
        near_gray_chroma=near_gray,
    )


def _prepare(options: argparse.Namespace) -> int:
    wanted = options_for(options.recipe, options.short_px, options.near_gray)
    print(prepare(options.source, options.out, wanted, options.processes).table())
    return 0
