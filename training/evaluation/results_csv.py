"""CSV file of evaluation results, appended photo by photo so that an interrupted evaluation can resume."""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path


def result_key(*parts: str | bytes) -> str:
    """Return a 64-bit hexadecimal hash of everything that a result depends on."""
    digests = b"".join(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest() for part in parts)
    return hashlib.sha256(digests).hexdigest()[:16]


class ResultsCsv:
    """Results by key, kept in memory and, with a `path`, appended to a CSV file as they are added.

    `figures` are the column names of a result. With `resume` the results already at `path` are read, otherwise the
    file is overwritten.
    """

    def __init__(self, figures: Sequence[str], path: Path | None = None, resume: bool = False) -> None:
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
        """Return the result stored under `key`; raises `KeyError` without one."""
        return self._lines[key][3:]

    def add(self, photo: str, row: str, key: str, figures: Sequence[str]) -> None:
        """Store the result of `row` for `photo`; a key that is already there is left as it is."""
        if key not in self._lines:
            self._lines[key] = [photo, row, key, *figures]
            self._write([self._lines[key]], "a")

    def _write(self, lines: Sequence[Sequence[str]], mode: str) -> None:
        if self._path is not None:
            with self._path.open(mode, newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(lines)

    def _read(self, path: Path) -> list[list[str]]:
        """Return the complete lines of an earlier run; its last one may be cut short."""
        with path.open(newline="", encoding="utf-8") as file:
            text = file.read()
        lines = list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))
        if not lines or lines[0] != self._columns:
            return []
        return [line for line in lines[1:] if len(line) == len(self._columns)]
