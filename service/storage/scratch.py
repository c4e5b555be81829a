"""Temporary files of one process that other processes can recognize as abandoned once it is dead.

They are in a folder of their own, beside a locked file that the system unlocks when the process ends. The folder exists
only while it holds files.
"""

import fcntl
import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

_LOCK = "lock"


class Scratch:
    """The temporary files of this process below `parent`, which must exist."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._mutex = threading.Lock()
        self._count = 0
        self._folder: Path | None = None
        self._handle = -1

    def new_file(self) -> tuple[int, Path]:
        """Return the descriptor and path of a new empty file; `release` must follow. Raises `OSError`."""
        with self._mutex:
            if self._folder is None:
                self._folder, self._handle = _locked_folder(self._parent)
            self._count += 1
            folder = self._folder
        try:
            handle, name = tempfile.mkstemp(dir=folder)
        except OSError:
            self._leave()
            raise
        return handle, Path(name)

    def release(self, path: Path) -> None:
        """Remove a file of `new_file` unless it was moved; to be called once for each."""
        path.unlink(missing_ok=True)
        self._leave()

    def _leave(self) -> None:
        with self._mutex:
            self._count -= 1
            if self._count == 0 and self._folder is not None:
                _remove(self._folder)
                os.close(self._handle)
                self._folder = None

    def sweep(self) -> None:
        """Remove the files below `parent` of all dead processes."""
        for left in self._parent.iterdir():
            with suppress(OSError):  # Another process may sweep at the same time, or own the file.
                if left.is_dir():
                    _sweep(left)
                else:
                    left.unlink()


def _locked_folder(parent: Path) -> tuple[Path, int]:
    """Return a new folder and the descriptor of its lock; start over where a sweep removes the folder meanwhile."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent))
        try:
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        try:
            if _lock(handle) and os.fstat(handle).st_nlink:
                return folder, handle
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def _sweep(folder: Path) -> None:
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        # Empty, or new: its process then notices the removal and starts over.
        with suppress(OSError):
            folder.rmdir()
        return
    try:
        if _lock(handle):
            _remove(folder)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(folder: Path) -> None:
    """Remove a locked folder, the lock last, so that a later sweep can complete an interrupted removal."""
    with suppress(OSError):
        for left in folder.iterdir():
            if left.name != _LOCK:
                left.unlink(missing_ok=True)
        shutil.rmtree(folder)
