"""Command `sheet`: contact sheet of photographs before and after coloring."""

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizers.colorizer import Colorizer
from colorizers.colorspace.lab import Pixels, eight_bits
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import rgb8
from colorizers.weights.registry import EMBEDDED, MODEL_DIR
from training.cli.evaluate import photos_in
from training.evaluation.contact_sheet import contact_sheet

_PAIRS_IN_A_ROW = 2
_MOST_BYTES = 600_000
_QUALITIES = range(92, 40, -4)


def add_command(commands: Any) -> None:
    """Add `sheet` to the subparsers `commands`."""
    parser = commands.add_parser(
        "sheet",
        help="colour photographs and show them side by side",
        description="Colour black-and-white photographs as the application does, before and after on one JPEG.",
    )
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photographs, or folders of them")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the JPEG to write")
    parser.add_argument("--model", default=EMBEDDED, metavar="NAME", help="which network (default: the embedded one)")
    parser.add_argument("--most", type=int, metavar="N", help="only so many of the photographs, evenly chosen")
    parser.add_argument("--cell", type=int, default=240, metavar="PX", help="long side of a picture (default 240)")
    parser.add_argument("--model-dir", type=Path, default=MODEL_DIR, help="where the weights are")
    parser.set_defaults(run_command=_sheet)


def before_and_after(
    photos: Sequence[Path], colorizer: Colorizer, cell_px: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield each photograph and its colored version, both RGB uint8 reduced to a long side of `cell_px`."""
    for path in photos:
        photo = open_photo(path)
        yield _reduced(rgb8(photo), cell_px), _reduced(colorizer.colorize(photo), cell_px)


def jpeg_below(image: Image.Image, most_bytes: int) -> bytes:
    """Encode `image` as the best JPEG of at most `most_bytes`; raises `ValueError` where none is that small."""
    for quality in _QUALITIES:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality, optimize=True)
        if stream.tell() <= most_bytes:
            return stream.getvalue()
    raise ValueError(f"No JPEG of this sheet is below {most_bytes} bytes; fewer photographs or a smaller --cell is.")


def _reduced(pixels: Pixels, cell_px: int) -> NDArray[np.uint8]:
    image = Image.fromarray(eight_bits(pixels))
    image.thumbnail((cell_px, cell_px), Image.Resampling.LANCZOS)
    return np.asarray(image)


def _sheet(options: argparse.Namespace) -> int:
    photos = [path for given in options.photos for path in (photos_in(given) if given.is_dir() else [given])]
    if options.most is not None and len(photos) > options.most:
        photos = [photos[i * len(photos) // options.most] for i in range(options.most)]
    colorizer = Colorizer.from_name(options.model, options.model_dir)
    pairs = list(before_and_after(photos, colorizer, options.cell))
    rows = [
        [picture for pair in pairs[start : start + _PAIRS_IN_A_ROW] for picture in pair]
        for start in range(0, len(pairs), _PAIRS_IN_A_ROW)
    ]
    labels = ["given", colorizer.spec.name] * min(_PAIRS_IN_A_ROW, len(pairs))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(jpeg_below(contact_sheet(rows, labels, options.cell), _MOST_BYTES))
    print(f"{options.out}: {len(photos)} photographs by {colorizer.spec.name}")
    return 0
