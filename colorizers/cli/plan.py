"""Planning of a run of the command line: the photos to color, and where each result goes."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from colorizers.fileformats.formats import PICTURE_SUFFIXES

OUTPUT_FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""Which suffixes a result can have, and the format that each stands for."""
_NEW_SUFFIX = {".mpo": ".jpg"}
_MOST_NAME_BYTES = 255


class PlanError(ValueError):
    """What was asked for contradicts itself; the message says what to change."""


@dataclass(frozen=True)
class Task:
    """One photo to colour: its file and the file for the result."""

    source: Path
    target: Path

    @property
    def format(self) -> str:
        """The format of the result, which its suffix stands for."""
        return OUTPUT_FORMATS[self.target.suffix.lower()]


def is_folder(output: str) -> bool:
    """Return whether `output` means a folder: it is one, ends in a slash, or has no suffix of a picture."""
    return output.endswith("/") or Path(output).is_dir() or Path(output).suffix.lower() not in PICTURE_SUFFIXES


def plan(inputs: Sequence[Path], output: str | None, recursive: bool = False) -> list[Task]:
    """Return what to do for the photos and folders `inputs`, in order; results go to the file or folder `output`.

    Without `output` a photo's result stands beside it, as `colorized_` and its name. In a folder every result keeps
    its input's relative path, name and format; what is not JPEG, PNG, TIFF or WebP becomes PNG. Raises `PlanError`.
    """
    if output is None:
        if any(map(_is_folder, inputs)):
            raise PlanError("To colour a folder, say with -o where the results go.")
        return [Task(path, _renamed(named(path, f"colorized_{path.name}"))) for path in inputs]
    if not is_folder(output):
        return [_single(inputs, Path(output))]
    folder = Path(output)
    wished = [
        (source, folder / source.relative_to(base))
        for path in inputs
        for base, source in _photos(path, folder, recursive)
    ]
    return list(_without_collisions(wished))


def _single(inputs: Sequence[Path], target: Path) -> Task:
    if len(inputs) != 1 or _is_folder(inputs[0]):
        raise PlanError(f"-o {target} is one file, but the results are several; name a folder, as in -o {target.stem}/")
    if target.suffix.lower() not in OUTPUT_FORMATS:
        raise PlanError(f"{target.suffix} files cannot be written; these can: {', '.join(OUTPUT_FORMATS)}.")
    return Task(inputs[0], target)


def _photos(path: Path, results: Path, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """Yield the folder that names are relative to, and a photo: `path` itself, or those in the folder `path`."""
    if not _is_folder(path):
        yield path.parent, path
        return
    if results.resolve() == path.resolve():
        raise PlanError(f"The results of {path} cannot go into the same folder; name another one with -o.")
    for source in sorted(path.rglob("*") if recursive else path.iterdir()):
        hidden = any(part.startswith(".") for part in source.relative_to(path).parts)
        earlier_result = source.resolve().is_relative_to(results.resolve())
        if source.suffix.lower() in PICTURE_SUFFIXES and source.is_file() and not hidden and not earlier_result:
            yield path, source


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # No file can have such a name, which is reported when it is opened.
        return False


def _renamed(target: Path) -> Path:
    """Return `target` with the suffix of the format that the result is written in."""
    suffix = target.suffix.lower()
    return target if suffix in OUTPUT_FORMATS else named(target, target.stem + _NEW_SUFFIX.get(suffix, ".png"))


def named(path: Path, name: str) -> Path:
    """Return `path` with another name, whose stem is cut where file systems have no room for all of it."""
    suffix = "".join(Path(name).suffixes[-2:] if name.endswith(".json") else Path(name).suffixes[-1:])
    stem = name.removesuffix(suffix)
    while len(os.fsencode(stem + suffix)) > _MOST_NAME_BYTES:
        stem = stem[:-1]
    return path.with_name(stem + suffix)


def _without_collisions(wished: Iterable[tuple[Path, Path]]) -> Iterator[Task]:
    """Yield the tasks, with the old suffix kept in the names of results that would otherwise share one."""
    pairs = list(wished)
    taken = {target for _, target in pairs if _renamed(target) == target}
    for source, target in pairs:
        final = _renamed(target)
        if final != target and final in taken:
            final = named(target, target.name + final.suffix)
        taken.add(final)
        yield Task(source, final)
