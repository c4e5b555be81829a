"""Subcommand `replay`: makes a result again from its recipe."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from colorizers.cli.arguments import add_gpu, add_max_megapixels, add_model_dir
from colorizers.cli.compile import compile_missing
from colorizers.errors import ColorizerError
from colorizers.recipe import Recipe
from colorizers.version import __version__

DESCRIPTION = """\
Make a result again from its recipe: the same photo, the same weights and the same versions of the program and its
packages, on the same machine with as many threads, give the same bytes.
"""


def main(argv: Sequence[str]) -> int:
    """Run `replay` with the arguments `argv`; return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        recipe = Recipe.from_json(arguments.recipe.read_bytes())
        compile_missing()
        # Only now, because loading torch takes seconds.
        from colorizers.pipeline import replay

        if arguments.photo.resolve() == arguments.output.resolve():
            print("The result would replace the original.", file=sys.stderr)
            return 1
        is_its_photo = replay(
            recipe, arguments.photo, arguments.output, arguments.model_dir, arguments.gpu, arguments.max_megapixels
        )
    except (ColorizerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    _warn(recipe, is_its_photo)
    print(arguments.output)
    return 0


def _warn(recipe: Recipe, is_its_photo: bool) -> None:
    """Print reasons why the result may differ from the one that the recipe was written for."""
    if not is_its_photo:
        print("The recipe was written for another photo.", file=sys.stderr)
    if recipe.version != __version__:
        print(f"The recipe was written by version {recipe.version}; this is {__version__}.", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m colorizers replay", description=DESCRIPTION)
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="the recipe, a JSON file")
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="the photo it was written for")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where the result goes")
    add_model_dir(parser)
    add_gpu(parser)
    add_max_megapixels(parser)
    return parser
