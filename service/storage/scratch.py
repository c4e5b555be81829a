"""Temporary files of one process, which a sweep can tell from those that a dead process left behind.

They lie in a folder of their own, with a locked file in it; the system unlocks that when the process ends, however that
happens. The folder is there only while there are such files.
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
    """The temporary files that this process has below `parent`, which has to be there."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._mutex = threading.Lock()
        self._count = 0
        self._folder: Path | None = None
        self._handle = -1

    def new_file(self) -> tuple[int, Path]:
        """Return a new empty file, open for writing, and its path; `release` has to follow. Raises `OSError`."""
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
        """Remove a file of `new_file`, unless it was moved away; once for each."""
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
        """Remove everything below `parent` that belongs to no process that lives."""
        for left in self._parent.iterdir():
            with suppress(OSError):  # Another process may sweep too, or may have made what this one must not remove.
                if left.is_dir():
                    _sweep(left)
                else:
                    left.unlink()


def _locked_folder(parent: Path) -> tuple[Path, int]:
    """Return a new folder and the open file that locks it. A sweep may come in between: then another one is made."""
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
        # Empty, or another process is about to lock it and notices.
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
    """Remove a folder that this process has locked; the lock goes last, so that a sweep can finish the work."""
    with suppress(OSError):
        for left in folder.iterdir():
            if left.name != _LOCK:
                left.unlink(missing_ok=True)
        shutil.rmtree(folder)
