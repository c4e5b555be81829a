"""Measured figures in, a CSV file of them out, line by line, so that an interrupted evaluation can go on."""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path


def key_of(*parts: str | bytes) -> str:
    """Return a short name of everything that a line's figures depend on."""
    sums = b"".join(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest() for part in parts)
    return hashlib.sha256(sums).hexdigest()[:16]


class Ledger:
    """Figures by key; with a `path`, a CSV file too, with a line for each as soon as it is added.

    `figures` names the figures of a line. A key says everything that a line depends on: photo, weights, protocol.
    """

    def __init__(self, figures: Sequence[str], path: Path | None = None, resume: bool = False) -> None:
        """`resume` takes over what an earlier run has left at `path`; otherwise the file starts anew."""
        self._columns = ["photo", "row", "key", *figures]
        self._lines: dict[str, list[str]] = {}
        self._path = path
        if path is None:
            return
        if resume and path.exists():
            self._lines = {line[2]: line for line in self._read(path)}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write([self._columns, *self._lines.values()], "w")

    def __contains__(self, key: str) -> bool:
        return key in self._lines

    def figures(self, key: str) -> list[str]:
        """Return the figures that were added under `key`; raises `KeyError` without any."""
        return self._lines[key][3:]

    def add(self, photo: str, row: str, key: str, figures: Sequence[str]) -> None:
        """Take in the figures of `row` for `photo`, unless they are there already."""
        if key not in self._lines:
            self._lines[key] = [photo, row, key, *figures]
            self._write([self._lines[key]], "a")

    def _write(self, lines: Sequence[Sequence[str]], mode: str) -> None:
        if self._path is not None:
            with self._path.open(mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(lines)

    def _read(self, path: Path) -> list[list[str]]:
        """Return the whole lines of an earlier run; the one that it was about to write may be cut short."""
        with path.open(newline="", encoding="utf-8") as file:
            text = file.read()
        lines = list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))
        if not lines or lines[0] != self._columns:
            return []
        return [line for line in lines[1:] if len(line) == len(self._columns)]
