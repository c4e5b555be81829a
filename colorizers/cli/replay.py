"""The arguments of `python -m colorizers replay` in, the file that a recipe makes of a photo and an exit status out."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from colorizers.cli.compile import compile_missing
from colorizers.errors import ColorizerError
from colorizers.photo.photo_data import MAX_MEGAPIXELS
from colorizers.recipe import Recipe
from colorizers.weights.registry import MODEL_DIR

DESCRIPTION = """\
Make a result again from its recipe: the same photo, the same weights and the same versions of the program and its
packages, on the same machine with as many threads, give the same bytes.
"""


def main(argv: Sequence[str]) -> int:
    """Do what `argv`, the words after `replay`, asks for; return the exit status."""
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
    """Say what may make the result another one than the recipe was written for."""
    from colorizers.version import __version__

    if not is_its_photo:
        print("The recipe was written for another photo.", file=sys.stderr)
    if recipe.version != __version__:
        print(f"The recipe was written by version {recipe.version}; this is {__version__}.", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m colorizers replay", description=DESCRIPTION)
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="the recipe, a JSON file")
    parser.add_argument("photo", type=Path, metavar="PHOTO", help="the photo it was written for")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where the result goes")
    parser.add_argument(
        "--model-dir",
        type=Path,
        default=MODEL_DIR,
        metavar="FOLDER",
        help="the folder that holds the weights (default: %(default)s)",
    )
    parser.add_argument("--gpu", action="store_true", help="let a GPU run the network, if there is one")
    parser.add_argument(
        "--max-megapixels",
        type=float,
        default=MAX_MEGAPIXELS,
        metavar="N",
        help="refuse larger pictures (default: %(default)g)",
    )
    return parser
