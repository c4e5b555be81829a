"""Where photos lie: takes job ids and kinds of file, gives the files; receives uploads and replaces files in one step.

`PhotoFiles` is the one door to them, so that they can lie elsewhere than in a folder (see `service.storage.s3`). A
user's file name never becomes part of a path. Every photo has its own folder, named by its id.
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
# No removal takes so long.
_FORGOTTEN_S = 600.0


class FileGoneError(ColorizerError, FileNotFoundError):
    """The photo has no such file, or no longer."""

    code = "not_found"
    status = 404

    def __init__(self) -> None:
        super().__init__("The photo has no such file, or no longer.")


class PhotoFiles:
    """The files of one folder. What is not there raises `FileGoneError`, a storage out of order `StorageError`."""

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
        """Prepare for the files of a new job; without that, or after `remove`, none can be written for it."""
        folder = self._folder(job_id)
        with as_storage_errors():
            for part in (folder.parent, folder):
                make_private_folder(part)

    def sync(self, job_id: str) -> None:
        """Return once the folder of a job, with the names of all files in it, is on disk; the files are already."""
        folder = self._folder(job_id)
        sync(folder, folder.parent, self._photos)

    @contextmanager
    def fetch(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path where that file can be read, for the duration of the block."""
        self.stat(job_id, kind)
        yield self._folder(job_id) / kind

    def open(self, job_id: str, kind: FileKind) -> BinaryIO:
        """Return that file, open for reading and seeking."""
        with self._as_file_errors():
            return (self._folder(job_id) / kind).open("rb")

    def stat(self, job_id: str, kind: FileKind) -> FileStat:
        """Return the size of that file and its tag."""
        with self._as_file_errors():
            found = (self._folder(job_id) / kind).stat()
        return FileStat(found.st_size, f"{found.st_mtime_ns:x}-{found.st_size:x}")

    def copy(self, job_id: str, kind: FileKind, to_job_id: str) -> None:
        """Give another job that file too, the same bytes on their own: each goes with its job."""
        self.stat(job_id, kind)
        self.make_room(to_job_id)
        # A second name for the same bytes; as files are replaced and never written again, neither touches the other.
        with self._as_file_errors():
            with suppress(FileExistsError):
                os.link(self._folder(job_id) / kind, self._folder(to_job_id) / kind)
            self.sync(to_job_id)

    @contextmanager
    def replace(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path to write to; on leaving without an error the file appears complete and on disk, by rename."""
        target = self._folder(job_id) / kind
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=kind, suffix=_PART, delete=False) as part:
            path = Path(part.name)
        try:
            yield path
            # Whoever wrote the file may have put another one in its place.
            make_private(path)
            sync(path)
            path.replace(target)
        finally:
            path.unlink(missing_ok=True)

    def clear_parts(self, job_id: str) -> None:
        """Remove what a worker that died left half written in a job's folder."""
        for part in self._folder(job_id).glob(f"*{_PART}"):
            part.unlink(missing_ok=True)

    def remove(self, job_id: str) -> None:
        """Remove all files of a job, if it has any; a worker that is about to write one can no longer do so.

        Raises `StorageError` where something is still there.
        """
        leaving = self._leaving / job_id
        with as_storage_errors():
            _remove_folder(leaving)  # A process that died may have left it.
            with suppress(FileNotFoundError):
                self._folder(job_id).rename(leaving)
            _remove_folder(leaving)

    def ids_older_than(self, time_s: float) -> list[str]:
        """Return the ids of the folders whose last file came or went before `time_s` (seconds since the epoch)."""
        return [folder.name for folder in self._photos.glob("*/*") if _changed_at(folder) < time_s]

    @contextmanager
    def _as_file_errors(self) -> Iterator[None]:
        """Turn what the system says of a photo's file into `FileGoneError` or `StorageError`."""
        try:
            with as_storage_errors():
                yield
        except StorageError as error:
            # Where the folder of all photos is not there, a disk is missing and no photo is gone.
            if isinstance(error.__cause__, FileNotFoundError) and self._photos.is_dir():
                raise FileGoneError() from error
            raise

    def check(self) -> None:
        """Return if files can be written now. Raises `OSError` or `StorageError`."""
        with tempfile.TemporaryFile(dir=self._incoming) as file:
            file.write(b"x")

    def sweep_incoming(self) -> None:
        """Remove what processes that died left half received or half removed."""
        self._scratch.sweep()
        for left in self._leaving.iterdir():
            if _changed_at(left) < time.time() - _FORGOTTEN_S:
                shutil.rmtree(left, ignore_errors=True)


def _remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there, also while another process does so."""
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def _changed_at(path: Path) -> float:
    """Return the time of the last change, or the end of time where `path` is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
