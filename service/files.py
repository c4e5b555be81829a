"""Where photos lie: takes job ids, gives paths below the data folder; receives uploads and replaces files in one step.

A user's file name never becomes part of a path. Every photo has its own folder, named by its id.
"""

import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

FileKind = Literal["original", "result", "original-view", "result-view"]

_PART = ".part"
_FORGOTTEN_S = 24 * 3600.0


class PhotoFiles:
    """The files of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._photos = data_dir / "photos"
        self._incoming = data_dir / "incoming"
        self._leaving = data_dir / "leaving"
        for folder in (self._photos, self._incoming, self._leaving):
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, job_id: str, kind: FileKind) -> Path:
        """Return where that file of a job is, or will be once it is written."""
        return self._photos / job_id[:2] / job_id / kind

    def receive(self, most_bytes: int) -> "Upload":
        """Return an empty upload that keeps at most `most_bytes`."""
        return Upload(self._incoming, most_bytes)

    def keep(self, upload: "Upload", job_id: str) -> None:
        """Make the received file the original of a job."""
        target = self.path(job_id, "original")
        target.parent.mkdir(parents=True)
        upload.move_to(target)

    @contextmanager
    def replace(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path to write to; on leaving without an error the file appears complete, by rename."""
        target = self.path(job_id, kind)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=kind, suffix=_PART, delete=False) as part:
            path = Path(part.name)
        try:
            yield path
            path.replace(target)
        finally:
            path.unlink(missing_ok=True)

    def clear_parts(self, job_id: str) -> None:
        """Remove what a worker that died left half written in a job's folder."""
        for part in self.path(job_id, "original").parent.glob(f"*{_PART}"):
            part.unlink(missing_ok=True)

    def remove(self, job_id: str) -> None:
        """Remove all files of a job, if it has any; a worker that is about to write one can no longer do so."""
        folder = self.path(job_id, "original").parent
        with tempfile.TemporaryDirectory(dir=self._leaving, ignore_cleanup_errors=True) as leaving:
            try:
                folder.rename(Path(leaving) / job_id)
            except FileNotFoundError:
                return

    def ids_older_than(self, time_s: float) -> list[str]:
        """Return the ids of the folders whose last file came or went before `time_s` (seconds since the epoch)."""
        return [folder.name for folder in self._photos.glob("*/*") if _changed_at(folder) < time_s]

    def sweep_incoming(self) -> None:
        """Remove what a process that died a day ago or earlier left half received or half removed."""
        for left in (*self._incoming.iterdir(), *self._leaving.iterdir()):
            if _changed_at(left) < time.time() - _FORGOTTEN_S:
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)


def _changed_at(path: Path) -> float:
    """Return the time of the last change, or the end of time where `path` is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


class Upload:
    """A file object that the form parser writes to, straight to the data folder.

    Past the limit it keeps nothing and `too_large` is true, so that one file too large does not spoil the others of
    the same request. The file goes away when the upload is closed, unless it was moved.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        handle, name = tempfile.mkstemp(dir=folder, prefix="upload-")
        self._file = os.fdopen(handle, "w+b")
        self.path = Path(name)
        self._most_bytes = most_bytes
        self.size = 0
        self.too_large = False

    def write(self, data: bytes) -> int:
        """Append `data`, or drop everything once there is too much of it."""
        self.size += len(data)
        if self.size > self._most_bytes and not self.too_large:
            self.too_large = True
            self._file.seek(0)
            self._file.truncate()
        if not self.too_large:
            self._file.write(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move the position for `read`; also hands everything written to the operating system."""
        self._file.flush()
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        return self._file.read(size)

    def move_to(self, target: Path) -> None:
        """Give the file its lasting place."""
        self._file.flush()
        self.path.rename(target)

    def close(self) -> None:
        """Close the file and remove it unless it was moved."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __del__(self) -> None:
        # The form parser forgets the file of an upload that breaks off.
        self.close()
