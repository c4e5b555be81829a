"""Types common to all storages: kinds of files, size and ETag, uploads, and the storage error."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from colorizers.errors import ColorizerError
from service.storage.private_files import sync
from service.storage.scratch import Scratch

FileKind = Literal[
    "original", "result", "original-view", "result-view", "prediction", "page-predictions", "distribution", "recipe"
]


class StorageError(ColorizerError):
    """The storage of the photos fails, perhaps for a while only. Data: `retry_after_s`."""

    code = "storage_unavailable"

    def __init__(self, message: str, retry_after_s: int = 10) -> None:
        super().__init__(message, retry_after_s=retry_after_s)


class FileStat(NamedTuple):
    """Size of a stored file in bytes, and a tag that changes with its content."""

    size: int
    etag: str


class Upload:
    """A file object in the data folder that the form parser writes to.

    Past the limit it drops all data and sets `too_large`, so that the other files of the request are still accepted.
    `seek` ends the writing: the file at `path` is complete then, and takes no descriptor while others arrive. Closing
    the upload removes the file unless it was moved. Raises `StorageError`.
    """

    def __init__(self, scratch: Scratch, most_bytes: int) -> None:
        self._scratch: Scratch | None = None
        with as_storage_errors():
            handle, self.path = scratch.new_file()
        self._scratch = scratch
        self._file = os.fdopen(handle, "wb")
        self._most_bytes = most_bytes
        self.size = 0
        self.too_large = False

    def write(self, data: bytes) -> int:
        """Append `data`, or drop everything once the limit is exceeded."""
        self.size += len(data)
        with as_storage_errors():
            if self.size > self._most_bytes and not self.too_large:
                self.too_large = True
                self._file.truncate(0)
            if not self.too_large:
                self._file.write(data)
        return len(data)

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """Flush and close the file."""
        with as_storage_errors():
            self._file.close()
        return 0

    def move_to(self, target: Path) -> None:
        """Sync the file and move it to `target`. Raises `OSError`."""
        self.seek(0)
        sync(self.path)
        self.path.rename(target)

    def close(self) -> None:
        """Remove the file unless it was moved. Idempotent."""
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            with suppress(OSError):  # A full disk may refuse the last bytes, which are not kept anyway.
                self._file.close()
            scratch.release(self.path)

    def __del__(self) -> None:
        self.close()


@contextmanager
def as_storage_errors() -> Iterator[None]:
    """Turn an `OSError` of the block into `StorageError`."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"The folder of the photos is out of order: {error.strerror}.") from error
