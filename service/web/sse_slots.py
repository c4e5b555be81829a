"""How many event streams are open on this machine in all processes of the application: a slot in, or none free.

A slot is a locked file. The system unlocks it when its process ends, however that happens.
"""

import fcntl
import os
from pathlib import Path

from service.domain.problems import TooManyStreamsError
from service.storage.private_files import make_private_folder

MOST_STREAMS = 32
_RETRY_AFTER_S = 10


class StreamSlots:
    """The slots of one data folder."""

    def __init__(self, data_dir: Path, most: int = MOST_STREAMS) -> None:
        self._folder = data_dir / "streams"
        make_private_folder(self._folder)
        self._most = most

    def take(self) -> "Slot":
        """Return a slot that is nobody else's. Raises `TooManyStreamsError`."""
        for number in range(self._most):
            handle = os.open(self._folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
            else:
                return Slot(handle)
        raise TooManyStreamsError(
            f"{self._most} event streams are open already; ask for the photo itself now and then.",
            retry_after_s=_RETRY_AFTER_S,
        )


class Slot:
    """The right to have one stream open, until it is given back."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def give_back(self) -> None:
        """Let somebody else have it; doing so twice is harmless."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
