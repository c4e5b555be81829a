"""Folders and files that only the user of the process can open, and that outlast a power cut.

Whatever the umask is: visitors' photographs are nobody else's business on the machine either.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


def make_private_folder(folder: Path) -> None:
    """Make `folder`, and what is missing above it, for this user alone; one that is there becomes private too."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    make_private(folder)


def make_private(*paths: Path) -> None:
    """Take the rights of other users away from those of `paths` that exist.

    What belongs to another user stays as it is, and so does a folder that is everybody's, such as `/tmp`.
    """
    for path in paths:
        try:
            found = path.stat()
            if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
                path.chmod(found.st_mode & _FOLDER_MODE)
        except FileNotFoundError:
            continue


def create_private(path: Path) -> None:
    """Create an empty file for this user alone; one that is there becomes private, and is not opened for that."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE))
    except FileExistsError:
        make_private(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time go on from here; the lock is a file or a folder that exists."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync(*paths: Path) -> None:
    """Return once what those files and folders hold is on disk."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
