"""Local file storage with atomic replacement: one folder for each photo, named by its id.

`PhotoFiles` is the interface too; `service.storage.s3` overrides it. A user's file name never becomes part of a path.
"""

import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from colorizers.errors import ColorizerError
from service.storage.base import FileKind, FileStat, StorageError, Upload, as_storage_errors
from service.storage.private_files import make_private, make_private_folder, sync
from service.storage.scratch import Scratch

_PART = ".part"
# A removal that takes longer was interrupted.
_FORGOTTEN_S = 600.0


class FileGoneError(ColorizerError, FileNotFoundError):
    """The photo has no such file, or it was removed."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("The photo has no such file, or no longer.")


class PhotoFiles:
    """The files below one folder. Missing files raise `FileGoneError`, other failures `StorageError`."""

    def __init__(self, folder: Path) -> None:
        self._photos = folder / "photos"
        self._incoming = folder / "incoming"
        self._leaving = folder / "leaving"
        with as_storage_errors():
            for part in (folder, self._photos, self._incoming, self._leaving):
                make_private_folder(part)
        self._scratch = Scratch(self._incoming)
        self.sweep_incoming()

    def _folder(self, job_id: str) -> Path:
        return self._photos / job_id[:2] / job_id

    def receive(self, most_bytes: int) -> "Upload":
        """Return an empty upload that keeps at most `most_bytes`. Raises `StorageError`."""
        return Upload(self._scratch, most_bytes)

    def keep(self, upload: "Upload", job_id: str) -> None:
        """Make the received file the original of a job."""
        self.make_room(job_id)
        with as_storage_errors():
            upload.move_to(self._folder(job_id) / "original")
            self.sync(job_id)

    def make_room(self, job_id: str) -> None:
        """Create the folder of a new job; without it, or after `remove`, no file can be written for the job."""
        folder = self._folder(job_id)
        with as_storage_errors():
            for part in (folder.parent, folder):
                make_private_folder(part)

    def sync(self, job_id: str) -> None:
        """Sync the folder of a job to disk; `keep` and `replace` have synced the files in it."""
        folder = self._folder(job_id)
        sync(folder, folder.parent, self._photos)

    @contextmanager
    def fetch(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path at which the file can be read within the block."""
        self.stat(job_id, kind)
        yield self._folder(job_id) / kind

    def open(self, job_id: str, kind: FileKind) -> BinaryIO:
        """Return the file, open for reading and seeking."""
        with self._as_file_errors():
            return (self._folder(job_id) / kind).open("rb")

    def stat(self, job_id: str, kind: FileKind) -> FileStat:
        """Return the size and tag of the file."""
        with self._as_file_errors():
            found = (self._folder(job_id) / kind).stat()
        return FileStat(found.st_size, f"{found.st_mtime_ns:x}-{found.st_size:x}")

    def copy(self, job_id: str, kind: FileKind, to_job_id: str) -> None:
        """Copy the file to another job; each copy is removed with its own job."""
        self.stat(job_id, kind)
        self.make_room(to_job_id)
        # A hard link is enough, as files are replaced and never modified.
        with self._as_file_errors():
            with suppress(FileExistsError):
                os.link(self._folder(job_id) / kind, self._folder(to_job_id) / kind)
            self.sync(to_job_id)

    @contextmanager
    def replace(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path to write to; after the block, unless it raises, the synced file is renamed into place."""
        target = self._folder(job_id) / kind
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=kind, suffix=_PART, delete=False) as part:
            path = Path(part.name)
        try:
            yield path
            # The writer may have renamed another file, with other permissions, to this path.
            make_private(path)
            sync(path)
            path.replace(target)
        finally:
            path.unlink(missing_ok=True)

    def clear_parts(self, job_id: str) -> None:
        """Remove partial files that a dead worker left in the folder of a job."""
        for part in self._folder(job_id).glob(f"*{_PART}"):
            part.unlink(missing_ok=True)

    def remove(self, job_id: str) -> None:
        """Remove the folder of a job, if any, so that no worker can write to it any more. Raises `StorageError`."""
        leaving = self._leaving / job_id
        with as_storage_errors():
            _remove_folder(leaving)  # An interrupted removal may have left it.
            with suppress(FileNotFoundError):
                self._folder(job_id).rename(leaving)
            _remove_folder(leaving)

    def ids_older_than(self, time_s: float) -> list[str]:
        """Return the ids of the folders last modified before `time_s` (seconds since the epoch)."""
        return [folder.name for folder in self._photos.glob("*/*") if _changed_at(folder) < time_s]

    @contextmanager
    def _as_file_errors(self) -> Iterator[None]:
        """Turn an `OSError` about a photo's file into `FileGoneError` or `StorageError`."""
        try:
            with as_storage_errors():
                yield
        except StorageError as error:
            # Without the folder of all photos, a disk is missing rather than a photo.
            if isinstance(error.__cause__, FileNotFoundError) and self._photos.is_dir():
                raise FileGoneError() from error
            raise

    def check(self) -> None:
        """Return if files can be written now. Raises `OSError` or `StorageError`."""
        with tempfile.TemporaryFile(dir=self._incoming) as file:
            file.write(b"x")

    def sweep_incoming(self) -> None:
        """Remove uploads of dead processes, and the rest of interrupted removals."""
        self._scratch.sweep()
        for left in self._leaving.iterdir():
            if _changed_at(left) < time.time() - _FORGOTTEN_S:
                shutil.rmtree(left, ignore_errors=True)


def _remove_folder(folder: Path) -> None:
    """Remove a folder if it exists, also while another process does so."""
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def _changed_at(path: Path) -> float:
    """Return the modification time, or infinity if `path` has just been removed."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
