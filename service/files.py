"""Where photos lie: takes job ids and kinds of file, gives the files; receives uploads and replaces files in one step.

`PhotoFiles` is the one door to them, so that they can lie elsewhere than in a folder (see `service.object_files`). A
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
from typing import BinaryIO, Literal, NamedTuple

from colorizers.errors import ColorizerError
from service.filesystem import make_private, make_private_folder, sync
from service.settings import Settings

FileKind = Literal[
    "original", "result", "original-view", "result-view", "prediction", "page-predictions", "distribution", "recipe"
]

_PART = ".part"
_FORGOTTEN_S = 24 * 3600.0


class StorageError(ColorizerError):
    """The storage of the photos does not answer, or refuses; later it may not. Data: `retry_after_s`."""

    code = "storage_unavailable"
    status = 503


class FileStat(NamedTuple):
    """Bytes of a stored file, and a tag that changes with its content."""

    size: int
    etag: str


def open_files(settings: Settings) -> "PhotoFiles":
    """Return the files at `STORAGE_URL`, a folder's or an object storage's, else those of the data folder."""
    scheme, separator, rest = settings.storage_url.partition("://")
    if separator and scheme != "file":
        from service.object_files import ObjectFiles

        return ObjectFiles(settings.storage_url, settings.data_dir)
    return PhotoFiles(Path(rest or scheme) if settings.storage_url else settings.data_dir)


class PhotoFiles:
    """The files of one folder. What is not there raises `FileNotFoundError`, a storage out of order `StorageError`."""

    def __init__(self, folder: Path) -> None:
        self._photos = folder / "photos"
        self._incoming = folder / "incoming"
        self._leaving = folder / "leaving"
        for part in (folder, self._photos, self._incoming, self._leaving):
            make_private_folder(part)

    def _folder(self, job_id: str) -> Path:
        return self._photos / job_id[:2] / job_id

    def receive(self, most_bytes: int) -> "Upload":
        """Return an empty upload that keeps at most `most_bytes`."""
        return Upload(self._incoming, most_bytes)

    def keep(self, upload: "Upload", job_id: str) -> None:
        """Make the received file the original of a job."""
        self.make_room(job_id)
        upload.move_to(self._folder(job_id) / "original")
        self.sync(job_id)

    def make_room(self, job_id: str) -> None:
        """Prepare for the files of a new job; without that, or after `remove`, none can be written for it."""
        folder = self._folder(job_id)
        for part in (folder.parent, folder):
            make_private_folder(part)

    def sync(self, job_id: str) -> None:
        """Return once the folder of a job, with the names of all files in it, is on disk; the files are already."""
        folder = self._folder(job_id)
        sync(folder, folder.parent, self._photos)

    @contextmanager
    def fetch(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path where that file can be read, for the duration of the block."""
        path = self._folder(job_id) / kind
        path.stat()
        yield path

    def open(self, job_id: str, kind: FileKind) -> BinaryIO:
        """Return that file, open for reading and seeking."""
        return (self._folder(job_id) / kind).open("rb")

    def stat(self, job_id: str, kind: FileKind) -> FileStat:
        """Return the size of that file and its tag."""
        found = (self._folder(job_id) / kind).stat()
        return FileStat(found.st_size, f"{found.st_mtime_ns:x}-{found.st_size:x}")

    def copy(self, job_id: str, kind: FileKind, to_job_id: str) -> None:
        """Give another job that file too, the same bytes on their own: each goes with its job."""
        self.make_room(to_job_id)
        target = self._folder(to_job_id) / kind
        # A second name for the same bytes; as files are replaced and never written again, neither touches the other.
        with suppress(FileExistsError):
            os.link(self._folder(job_id) / kind, target)
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

        Raises `OSError` where something is still there.
        """
        leaving = self._leaving / job_id
        _remove_folder(leaving)  # A process that died may have left it.
        with suppress(FileNotFoundError):
            self._folder(job_id).rename(leaving)
        _remove_folder(leaving)

    def ids_older_than(self, time_s: float) -> list[str]:
        """Return the ids of the folders whose last file came or went before `time_s` (seconds since the epoch)."""
        return [folder.name for folder in self._photos.glob("*/*") if _changed_at(folder) < time_s]

    def check(self) -> None:
        """Return if files can be written now. Raises `OSError` or `StorageError`."""
        with tempfile.TemporaryFile(dir=self._incoming) as file:
            file.write(b"x")

    def sweep_incoming(self) -> None:
        """Remove what a process that died a day ago or earlier left half received or half removed."""
        for left in (*self._incoming.iterdir(), *self._leaving.iterdir()):
            if _changed_at(left) < time.time() - _FORGOTTEN_S:
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)


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
        """Give the file its lasting place, and see it on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.path.rename(target)

    def close(self) -> None:
        """Close the file and remove it unless it was moved."""
        self._file.close()
        self.path.unlink(missing_ok=True)

    def __del__(self) -> None:
        # The form parser forgets the file of an upload that breaks off.
        self.close()
