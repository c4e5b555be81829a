"""Command line `python -m colorizers`: colors files, or runs a subcommand."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tqdm import tqdm

from colorizers.cli import compile, inspect, replay, weights
from colorizers.cli.arguments import add_gpu, add_max_megapixels, add_model_dir
from colorizers.cli.plan import PlanError, Task, named, plan
from colorizers.errors import ColorizerError, RequestError, TooManyPixelsError
from colorizers.fileformats.formats import supported_titles
from colorizers.fileformats.output_formats import check_output_size
from colorizers.kernels.malloc import keep_freed_memory
from colorizers.photo.sandbox import Decoder
from colorizers.recipe import DEPTHS, QUALITY, Options, Recipe
from colorizers.weights.registry import EMBEDDED

if TYPE_CHECKING:
    from colorizers.colorizer import Colorizer
    from colorizers.pipeline import Page

DESCRIPTION = """\
Colour black-and-white photographs. The result has the size and the format of the original, and its grays exactly
where the format is exact (PNG, TIFF); which network guessed the colours is written into the file.
"""
EPILOG = f"""\
examples:
  python -m colorizers photo.jpg -o out.jpg              one photo, one result
  python -m colorizers photo.jpg scan.tif -o coloured/   several photos into a folder
  python -m colorizers ALBUM -o COLOURED --recursive     a folder and all below it, with the same names
  python -m colorizers photo.jpg -o out.png --model eccv16
  python -m colorizers scan.tif -o out.tif --recipe      also write down how it was made, as out.tif.recipe.json
  python -m colorizers replay out.tif.recipe.json scan.tif -o again.tif
  python -m colorizers inspect scan.tif                  what a file is, what is kept of it, why it is refused
  python -m colorizers weights list                      the networks there are, and how to get their weights
  python -m colorizers compile                           compile the kernels now, which the first photo does otherwise

-o is a folder if there is one of that name, if it ends in a slash or if it has no suffix of a picture; else it is a
file. Without -o, the result of photo.jpg is colorized_photo.jpg beside it. Results that are there already are left
alone, so the same command continues what was interrupted. A photo that cannot be read does not stop the others: it
is listed at the end with the reason, and the exit status is 1.

reads {supported_titles()};
writes JPEG, PNG, TIFF and WebP as they came, everything else as PNG.
"""

_SUBCOMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "compile": compile.main,
    "inspect": inspect.main,
    "replay": replay.main,
    "weights": weights.main,
}


def main(argv: Sequence[str]) -> int:
    """Run the command line with the arguments `argv`; return the exit status."""
    if argv and argv[0] in _SUBCOMMANDS:
        return _SUBCOMMANDS[argv[0]](argv[1:])
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # Names of files may be no text.
    parser = _parser()
    arguments = parser.parse_args(argv)
    inputs = [*arguments.photos, *arguments.img_path]
    if not inputs:
        parser.error("name a photo or a folder to colour; --help shows examples")
    try:
        Options(**_look(arguments))
        tasks = plan(inputs, arguments.output, arguments.recursive)
    except (PlanError, RequestError) as error:
        parser.error(str(error))
    if not tasks:
        print(f"There is no picture to colour in {', '.join(map(str, inputs))}.", file=sys.stderr)
        return 1
    return _color_all(tasks, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m colorizers",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO|FOLDER", help="what to colour")
    parser.add_argument(
        "-i", "--img_path", action="append", type=Path, default=[], metavar="PHOTO|FOLDER", help="another way to say it"
    )
    parser.add_argument(
        "-o", "--output", "--save_path", metavar="FILE|FOLDER", help="where the result or the results go"
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="also colour what is in the folder's folders")
    parser.add_argument("--overwrite", action="store_true", help="colour again what is done already")
    parser.add_argument(
        "--model", metavar="NAME", help="the network to use (default: siggraph17 or eccv16, if fetched, else default)"
    )
    add_model_dir(parser)
    add_gpu(parser, "--use_gpu")
    parser.add_argument(
        "--strip-location", action="store_true", help="leave out of the results what tells where a photo was made"
    )
    parser.add_argument(
        "--layer",
        action="store_true",
        help="also write the colours alone, as NAME_layer.png: a transparent layer to lay over the original",
    )
    parser.add_argument(
        "--recipe",
        action="store_true",
        help="also write how the result was made, as RESULT.recipe.json: `replay` makes the same file of it again",
    )
    add_max_megapixels(parser)
    _add_look(parser)
    return parser


def _add_look(parser: argparse.ArgumentParser) -> None:
    """Add the options that change how results look."""
    look = parser.add_argument_group("how results look")
    look.add_argument(
        "--saturation", type=float, default=1.0, metavar="N", help="times the chroma: 0 is gray, 1 the network's own"
    )
    look.add_argument("--warmth", type=float, default=0.0, metavar="N", help="from -1, cooler, to 1, warmer")
    look.add_argument(
        "--temperature",
        type=float,
        metavar="N",
        help="of the network's distribution: lower is bolder, higher is grayer",
    )
    look.add_argument(
        "--size", type=int, metavar="PX", help="the long side of the results, where that is smaller than the photo's"
    )
    look.add_argument("--bits", type=int, choices=DEPTHS, help="bits a sample in PNG and TIFF (default: the photo's)")
    look.add_argument(
        "--quality", type=int, default=QUALITY, metavar="N", help="of JPEG and WebP, 1 to 100 (default: %(default)s)"
    )


def _color_all(tasks: Sequence[Task], arguments: argparse.Namespace) -> int:
    waiting = [task for task in tasks if arguments.overwrite or not _is_there(task.target)]
    keep_freed_memory()
    try:
        colorizer = _load(arguments) if waiting else None
    except ColorizerError as error:
        print(error.message, file=sys.stderr)
        return 1
    failures: list[tuple[Path, str]] = []
    progress = tqdm(waiting, unit="photo", disable=len(waiting) < 2, mininterval=_bar_interval_s())
    with progress as bar, Decoder(arguments.max_megapixels) as decoder:
        try:
            for task in bar:
                try:
                    _color(task, cast("Colorizer", colorizer), decoder, arguments)
                except Exception as error:  # A photo that fails must not stop the others.
                    failures.append((task.source, _reason(error)))
        except KeyboardInterrupt:
            tqdm.write(f"Stopped after {bar.n} of {len(waiting)} photos. The same command goes on.", file=sys.stderr)
            return 130
    _report(tasks, len(waiting) - len(failures), failures)
    return 1 if failures else 0


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # No file can have such a name, which is reported when it is opened.
        return False


def _load(arguments: argparse.Namespace) -> "Colorizer":
    """Load the network, after compiling kernels where necessary."""
    compile.compile_missing()
    # Imported here because torch takes seconds to load.
    from colorizers.colorizer import Colorizer

    if arguments.model is not None:
        colorizer = Colorizer.from_name(arguments.model, arguments.model_dir, arguments.gpu)
    else:
        colorizer = Colorizer(use_gpu=arguments.gpu, model_dir=arguments.model_dir)
    print(f"Network: {colorizer.spec.title}", file=sys.stderr)
    if arguments.model is None and colorizer.spec.name == EMBEDDED:
        fetch = "python -m colorizers weights fetch siggraph17"
        print(f"The published networks' weights are not there; `{fetch}` gets them.", file=sys.stderr)
    return colorizer


def _color(task: Task, colorizer: "Colorizer", decoder: Decoder, arguments: argparse.Namespace) -> None:
    from colorizers.output.encode import replacing
    from colorizers.pipeline import pages_of, write_result

    if task.target.resolve() == task.source.resolve():
        raise PlanError("the result would replace the original")
    photo = decoder.open(task.source)
    check_output_size(photo.width, photo.height, task.format, arguments.size)
    recipe = colorizer.recipe(photo, format=task.format.lower(), **_look(arguments))
    task.target.parent.mkdir(parents=True, exist_ok=True)
    if photo.frames > 1 and not (photo.pages > 1 and task.format == "TIFF"):
        tqdm.write(f"{task.source}: the first of {photo.frames} pages or frames is coloured", file=sys.stderr)
    if photo.dynamic_range:
        tqdm.write(f"{task.source}: {photo.dynamic_range} (HDR) is brought to a white of 203 cd/m2", file=sys.stderr)
    opened = pages_of(colorizer, recipe, partial(decoder.open, task.source), photo)
    if arguments.layer:
        opened = _with_layer(opened, task, recipe)
    if arguments.recipe:
        with replacing(named(task.target, f"{task.target.name}.recipe.json")) as temporary:
            temporary.write_text(recipe.to_json(), encoding="utf-8")
    write_result(task.target, opened, recipe)


def _look(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of a recipe that the arguments set."""
    names = ("temperature", "saturation", "warmth", "quality", "bits", "strip_location")
    return {name: getattr(arguments, name) for name in names} | {"size_px": arguments.size}


def _with_layer(pages: Iterator["Page"], task: Task, recipe: Recipe) -> Iterator["Page"]:
    """Yield the pages, after writing the colors of the first as a transparent layer beside the result."""
    from colorizers.pipeline import LAYER, write_result

    first = next(pages)
    write_result(named(task.target, f"{task.target.stem}_layer.png"), [first], replace(recipe, format=LAYER))
    yield first
    yield from pages


def _reason(error: Exception) -> str:
    if isinstance(error, TooManyPixelsError):
        return f"{error} (--max-megapixels raises it)"
    if isinstance(error, ColorizerError | PlanError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"


def _report(tasks: Sequence[Task], done: int, failures: Sequence[tuple[Path, str]]) -> None:
    if len(tasks) == 1 and done:
        print(tasks[0].target)
        return
    skipped = len(tasks) - done - len(failures)
    already = f", {skipped} were there already (--overwrite colours them again)" if skipped else ""
    print(f"{done} coloured{already}.")
    if failures:
        print(f"{len(failures)} could not be coloured:", file=sys.stderr)
        for source, reason in failures:
            print(f"  {source}: {reason}", file=sys.stderr)


def _bar_interval_s() -> float:
    """Return the interval between updates of the progress bar, which is long where they go to a log."""
    return 0.1 if sys.stderr.isatty() else 10.0
