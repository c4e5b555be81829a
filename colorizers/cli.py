"""The arguments of `python -m colorizers` in, coloured files and an exit status out."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PIL import Image
from tqdm import tqdm

from colorizers import weights_cli
from colorizers.batch import PlanError, Task, plan
from colorizers.errors import ColorizerError, TooManyPixelsError
from colorizers.formats import supported_titles
from colorizers.lab import Pixels
from colorizers.photo import MAX_MEGAPIXELS, Photo, open_photo
from colorizers.provenance import Provenance
from colorizers.registry import EMBEDDED, MODEL_DIR

if TYPE_CHECKING:
    from colorizers.colorizer import Colorizer

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
  python -m colorizers weights list                      the networks there are, and how to get their weights

-o is a folder if there is one of that name, if it ends in a slash or if it has no suffix of a picture; else it is a
file. Without -o, the result of photo.jpg is colorized_photo.jpg beside it. Results that are there already are left
alone, so the same command continues what was interrupted. A photo that cannot be read does not stop the others: it
is listed at the end with the reason, and the exit status is 1.

reads {supported_titles()};
writes JPEG, PNG, TIFF and WebP as they came, everything else as PNG.
"""


def main(argv: Sequence[str]) -> int:
    """Do what `argv`, the words after `python -m colorizers`, asks for; return the exit status."""
    if argv[:1] == ["weights"]:
        return weights_cli.main(list(argv[1:]))
    parser = _parser()
    arguments = parser.parse_args(argv)
    inputs = [*arguments.photos, *arguments.img_path]
    if not inputs:
        parser.error("name a photo or a folder to colour; --help shows examples")
    try:
        tasks = plan(inputs, arguments.output, arguments.recursive)
    except PlanError as error:
        parser.error(str(error))
    if not tasks:
        print(f"There is no picture to colour in {', '.join(map(str, inputs))}.", file=sys.stderr)
        return 1
    return _colour_all(tasks, arguments)


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
    parser.add_argument(
        "--model-dir",
        type=Path,
        default=MODEL_DIR,
        metavar="FOLDER",
        help="the folder that holds the weights (default: %(default)s)",
    )
    parser.add_argument("--gpu", "--use_gpu", action="store_true", help="let a GPU run the network, if there is one")
    parser.add_argument(
        "--strip-location", action="store_true", help="leave out of the results what tells where a photo was made"
    )
    parser.add_argument(
        "--layer",
        action="store_true",
        help="also write the colours alone, as NAME_layer.png: a transparent layer to lay over the original",
    )
    parser.add_argument(
        "--max-megapixels",
        type=float,
        default=MAX_MEGAPIXELS,
        metavar="N",
        help="refuse larger pictures (default: %(default)g)",
    )
    return parser


def _colour_all(tasks: Sequence[Task], arguments: argparse.Namespace) -> int:
    waiting = [task for task in tasks if arguments.overwrite or not task.target.exists()]
    try:
        colorizer = _load(arguments) if waiting else None
    except ColorizerError as error:
        print(error.message, file=sys.stderr)
        return 1
    failures: list[tuple[Path, str]] = []
    with tqdm(waiting, unit="photo", disable=len(waiting) < 2, mininterval=_bar_interval_s()) as bar:
        try:
            for task in bar:
                try:
                    _colour(task, cast("Colorizer", colorizer), arguments)
                except Exception as error:  # Whatever is wrong with one photo, the others are still to be done.
                    failures.append((task.source, _reason(error)))
        except KeyboardInterrupt:
            tqdm.write(f"Stopped after {bar.n} of {len(waiting)} photos. The same command goes on.", file=sys.stderr)
            return 130
    _report(tasks, len(waiting) - len(failures), failures)
    return 1 if failures else 0


def _load(arguments: argparse.Namespace) -> "Colorizer":
    """Return the network, loaded; only now, because that takes seconds."""
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


def _colour(task: Task, colorizer: "Colorizer", arguments: argparse.Namespace) -> None:
    from colorizers.encode import write, write_pages

    if task.target.resolve() == task.source.resolve():
        raise PlanError("the result would replace the original")
    photo = open_photo(task.source, arguments.max_megapixels)
    task.target.parent.mkdir(parents=True, exist_ok=True)
    if photo.pages > 1 and task.format == "TIFF":
        write_pages(task.target, _pages(task, photo, colorizer, arguments), arguments.strip_location)
        return
    if photo.frames > 1:
        tqdm.write(f"{task.source}: the first of {photo.frames} pages or frames is coloured", file=sys.stderr)
    rgb = colorizer.colorize(photo)
    if arguments.layer:
        _write_layer(task, photo, rgb)
    write(
        task.target,
        rgb,
        photo,
        colorizer.provenance(photo),
        task.format,
        strip_location=arguments.strip_location,
    )


def _write_layer(task: Task, photo: Photo, rgb: Pixels) -> None:
    from colorizers.encode import replacing
    from colorizers.layer import colour_layer

    with replacing(task.target.with_name(f"{task.target.stem}_layer.png")) as temporary:
        Image.fromarray(colour_layer(photo.pixels, rgb)).save(temporary, "PNG")


def _pages(
    task: Task, first: Photo, colorizer: "Colorizer", arguments: argparse.Namespace
) -> Iterator[tuple[Pixels, Photo, Provenance]]:
    """Yield every page of a file, coloured; `first` is its first."""
    for number in range(first.pages):
        photo = open_photo(task.source, arguments.max_megapixels, number) if number else first
        rgb = colorizer.colorize(photo)
        if arguments.layer and number == 0:
            _write_layer(task, photo, rgb)
        yield rgb, photo, colorizer.provenance(photo)


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
    """Return how often the progress bar is drawn: rarely where it would fill a log."""
    return 0.1 if sys.stderr.isatty() else 10.0
