"""Subcommand `inspect`: tells what files are, what a result keeps of them, and why one is refused."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from colorizers.cli.arguments import add_max_megapixels
from colorizers.errors import ColorizerError, PhotoError
from colorizers.fileformats.formats import supported_titles
from colorizers.fileformats.output_formats import kept_format
from colorizers.photo.photo_data import Photo
from colorizers.photo.sandbox import Decoder

_KEPT = ("exif", "xmp", "resources", "dpi", "comments", "extended_xmp")
_NAMES = {"resources": "IPTC and Photoshop data", "dpi": "resolution", "extended_xmp": "extended XMP"}


def main(argv: Sequence[str]) -> int:
    """Describe the files that `argv` names; return 1 where one of them is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m colorizers inspect",
        description="Say what files are, what a result keeps of them, and why one is refused. "
        f"Reads {supported_titles()}.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of text")
    add_max_megapixels(parser)
    arguments = parser.parse_args(argv)
    refused = False
    with Decoder(arguments.max_megapixels) as decoder:
        for path in arguments.files:
            found = describe(path, decoder)
            refused |= "refused" in found
            print(json.dumps(found) if arguments.json else _as_text(found), flush=True)
    return 1 if refused else 0


def describe(path: Path, decoder: Decoder) -> dict[str, Any]:
    """Return what the file is, by names for JSON; `refused` and `code` tell why it cannot be coloured."""
    try:
        return {"file": str(path), **_described(decoder.open(path))}
    except (PhotoError, OSError) as error:
        reason = error.message if isinstance(error, ColorizerError) else error.strerror or str(error)
        code = error.code if isinstance(error, ColorizerError) else "unreadable"
        return {"file": str(path), "refused": reason, "code": code}


def _described(photo: Photo) -> dict[str, Any]:
    return {
        "format": photo.format,
        "width": photo.width,
        "height": photo.height,
        "bits": 8 * photo.pixels.itemsize,
        "had_colour": photo.had_colour,
        "transparency": photo.alpha is not None,
        "pages": photo.pages,
        "frames": photo.frames,
        "dynamic_range": photo.dynamic_range or None,
        "keeps": [
            _NAMES.get(name, name.upper() if name in ("exif", "xmp") else name)
            for name in _KEPT
            if getattr(photo, name)
        ],
        "result_format": kept_format(photo.format),
        "sha256": photo.sha256,
    }


def _as_text(found: dict[str, Any]) -> str:
    if "refused" in found:
        return f"{found['file']}: refused: {found['refused']}"
    lines = [
        f"{found['file']}: {found['format']}, {found['width']} x {found['height']}, {found['bits']} bits, "
        + ("in colour, which is set aside" if found["had_colour"] else "gray")
    ]
    if found["transparency"]:
        lines.append("transparency is kept where the result's format has room for it")
    if found["dynamic_range"]:
        lines.append(f"{found['dynamic_range']} (HDR) is brought to a white of 203 cd/m2")
    if found["pages"] > 1:
        lines.append(f"{found['pages']} pages, all of which are coloured in a TIFF file")
    elif found["frames"] > 1:
        lines.append(f"the first of {found['frames']} frames is coloured")
    lines.append(f"the result is {found['result_format']} and keeps: {', '.join(found['keeps']) or 'no metadata'}")
    return "\n  ".join(lines)
