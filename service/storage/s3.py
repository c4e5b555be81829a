"""Object storage for photos through fsspec, at a URL such as `s3://bucket/photos`.

Objects are written atomically by the storage itself. Uploads, and files while they are read or written, are in a local
folder. Endpoint and credentials come from the environment, as AWS' own tools read them (`AWS_ENDPOINT_URL`,
`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from botocore.exceptions import BotoCoreError

from service.storage.base import FileKind, FileStat, StorageError, Upload, as_storage_errors
from service.storage.local import FileGoneError, PhotoFiles

# The part size bounds the memory of a web process, whatever the size of the photo.
_PART_BYTES = 8 << 20
_READ_AHEAD_BYTES = 1 << 20
# The id of no photo; the object expires as an orphan.
_PROBE = "0" * 32
# fsspec retries by itself, for some three seconds in all.
_CONNECTION = {"connect_timeout": 3, "read_timeout": 30, "retries": {"max_attempts": 1}, "max_pool_connections": 50}


class ObjectFiles(PhotoFiles):
    """The files below one URL."""

    def __init__(self, url: str, scratch: Path) -> None:
        super().__init__(scratch)
        self._url = url
        self._opened: tuple[int, Any, str] | None = None

    def _storage(self) -> tuple[Any, str]:
        """Return fsspec's file system and our root path in it; reconnect after a fork."""
        if self._opened is None or self._opened[0] != os.getpid():
            options: dict[str, Any] = {"use_listings_cache": False, "skip_instance_cache": True}
            if self._url.startswith("s3:"):
                options["config_kwargs"] = _CONNECTION
            system, root = fsspec.core.url_to_fs(self._url, **options)
            self._opened = os.getpid(), system, root.rstrip("/")
        return self._opened[1:]

    @contextmanager
    def _at(self, job_id: str, kind: FileKind | None = None) -> Iterator[tuple[Any, str]]:
        """Give the file system and the path of a file or of a job's folder; translate errors of the block."""
        with _translated():
            system, root = self._storage()
            folder = f"{root}/{job_id[:2]}/{job_id}"
            yield system, f"{folder}/{kind}" if kind else folder

    def keep(self, upload: Upload, job_id: str) -> None:
        """Make the received file the original of a job."""
        upload.seek(0)
        self._put(upload.path, job_id, "original")

    def make_room(self, job_id: str) -> None:
        """Do nothing: objects need no folder."""

    def sync(self, job_id: str) -> None:
        """Do nothing: the storage answers once an object is durable."""

    def _put(self, path: Path, job_id: str, kind: FileKind) -> None:
        try:
            with self._at(job_id, kind) as (system, target):
                system.put_file(str(path), target, chunksize=_PART_BYTES, max_concurrency=1)
        except FileGoneError as error:
            raise StorageError(
                "The storage of the photos has no such bucket, or a file to put there is gone."
            ) from error

    @contextmanager
    def fetch(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path at which a copy of the file can be read within the block."""
        with self._scratch_file() as copy:
            with self._at(job_id, kind) as (system, source):
                system.get_file(source, str(copy))
            yield copy

    def open(self, job_id: str, kind: FileKind) -> BinaryIO:
        """Return the file, open for reading and seeking; only the ranges read are fetched."""
        with self._at(job_id, kind) as (system, source):
            return cast(BinaryIO, system.open(source, "rb", block_size=_READ_AHEAD_BYTES))

    def stat(self, job_id: str, kind: FileKind) -> FileStat:
        """Return the size and tag of the file."""
        with self._at(job_id, kind) as (system, source):
            found = system.info(source)
            return FileStat(found["size"], found["ETag"].strip('"'))

    def copy(self, job_id: str, kind: FileKind, to_job_id: str) -> None:
        """Copy the file to another job, within the storage."""
        with self._at(job_id, kind) as (system, source), self._at(to_job_id, kind) as (_, target):
            system.cp_file(source, target)

    @contextmanager
    def replace(self, job_id: str, kind: FileKind) -> Iterator[Path]:
        """Give a path to write to; after the block, unless it raises, the file is uploaded."""
        with self._scratch_file() as part:
            yield part
            self._put(part, job_id, kind)

    @contextmanager
    def _scratch_file(self) -> Iterator[Path]:
        """Give the path of an empty local file that is removed after the block."""
        with as_storage_errors():
            handle, path = self._scratch.new_file()
        os.close(handle)
        try:
            yield path
        finally:
            self._scratch.release(path)

    def clear_parts(self, job_id: str) -> None:
        """Do nothing: partial files of a dead worker are in the scratch folder of its machine."""

    def remove(self, job_id: str) -> None:
        """Remove all files of a job, if any. A worker may still write one, and must remove it again."""
        with self._at(job_id) as (system, folder):
            if paths := system.find(folder):
                system.rm(paths)

    def ids_older_than(self, time_s: float) -> list[str]:
        """Return the ids of the jobs whose last file was written before `time_s` (seconds since the epoch)."""
        with _translated():
            system, root = self._storage()
            latest: dict[str, float] = {}
            for path, found in system.find(root, detail=True).items():
                _, job_id, _ = path.removeprefix(f"{root}/").split("/")
                latest[job_id] = max(latest.get(job_id, 0.0), found["LastModified"].timestamp())
        return [job_id for job_id, changed_at in latest.items() if changed_at < time_s]

    def check(self) -> None:
        """Return if files can be written now. Raises `OSError` or `StorageError`."""
        super().check()
        with _translated():
            system, root = self._storage()
            system.pipe_file(f"{root}/00/{_PROBE}/original", b"x")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileGoneError() from error
    except (OSError, BotoCoreError) as error:
        raise StorageError(f"The storage of the photos does not answer: {error}") from error
