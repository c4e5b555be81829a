"""What every storage has in common: kinds of file, size and tag, uploads under way, the error of a storage."""

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


_RETRY_AFTER_S = 10


class StorageError(ColorizerError):
    """The storage of the photos does not answer, or refuses; later it may not. Data: `retry_after_s`."""

    code = "storage_unavailable"
    status = 503


class FileStat(NamedTuple):
    """Bytes of a stored file, and a tag that changes with its content."""

    size: int
    etag: str


class Upload:
    """A file object that the form parser writes to, straight to the data folder.

    Past the limit it keeps nothing and `too_large` is true, so that one file too large does not spoil the others of
    the same request. `seek` ends the writing: the file at `path` is complete then, and takes no descriptor while others
    arrive. It goes away when the upload is closed, unless it was moved. Raises `StorageError`.
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
        """Append `data`, or drop everything once there is too much of it."""
        self.size += len(data)
        with as_storage_errors():
            if self.size > self._most_bytes and not self.too_large:
                self.too_large = True
                self._file.truncate(0)
            if not self.too_large:
                self._file.write(data)
        return len(data)

    def seek(self, _offset: int, _whence: int = 0) -> int:
        """Close the file, with all that was written in it."""
        with as_storage_errors():
            self._file.close()
        return 0

    def move_to(self, target: Path) -> None:
        """Give the file its lasting place, and see it on disk. Raises `OSError`."""
        self.seek(0)
        sync(self.path)
        self.path.rename(target)

    def close(self) -> None:
        """Remove the file unless it was moved; doing so twice is harmless."""
        scratch, self._scratch = self._scratch, None
        if scratch is not None:
            with suppress(OSError):  # What a full disk did not take is not to be kept anyway.
                self._file.close()
            scratch.release(self.path)

    def __del__(self) -> None:
        self.close()


@contextmanager
def as_storage_errors() -> Iterator[None]:
    """Turn what the system says of a folder or a file within the block into `StorageError`."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"The folder of the photos is out of order: {error.strerror}.", retry_after_s=_RETRY_AFTER_S
        ) from error
