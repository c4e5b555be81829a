"""Files and folders with owner-only permissions whatever the umask, locks, and syncing to disk."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600


def make_private_folder(folder: Path) -> None:
    """Create `folder` and missing parents for this user alone; an existing one becomes private too."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    make_private(folder)


def make_private(*paths: Path) -> None:
    """Remove the permissions of other users from those of `paths` that exist.

    Files of another user and sticky folders such as `/tmp` stay as they are.
    """
    for path in paths:
        try:
            found = path.stat()
            if found.st_uid == os.geteuid() and found.st_mode & 0o077 and not found.st_mode & stat.S_ISVTX:
                path.chmod(found.st_mode & _FOLDER_MODE)
        except FileNotFoundError:
            continue


def create_private(path: Path) -> None:
    """Create an empty file for this user alone; make an existing one private without opening it."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE))
    except FileExistsError:
        make_private(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on an existing file or folder within the block."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync(*paths: Path) -> None:
    """Sync files and folders to disk."""
    for path in paths:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
