"""Ids of photos in, their pixels out; the photo that was opened last stays at hand for a while.

Whoever has just seen a photo coloured often wants it once more, livelier or as another kind of file. What is at hand
lies in this process's memory alone, is one photo of bounded size, and is forgotten soon. It is reached only by way of
a job in the database, and a photo that has been deleted has none.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from colorizers.colorspace.lab import Pixels
from colorizers.kernels.malloc import give_freed_memory_back
from colorizers.photo.photo_data import Photo
from colorizers.photo.sandbox import Decoder
from colorizers.rendering.color_pass import gray_levels
from service.storage.local import PhotoFiles

KEPT_S = 120.0
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, eq=False)
class Original:
    """A photo, its gray levels (h, w) if they were worth keeping, and what opens another page of its file."""

    photo: Photo
    gray: Pixels | None
    page: Callable[[int], Photo]


class OriginalCache:
    """Opens the originals of one application. Not for several threads at once."""

    def __init__(self, files: PhotoFiles, decoder: Decoder, kept_s: float = KEPT_S) -> None:
        """Keep the last photo for `kept_s` seconds after it was last asked for."""
        self._files = files
        self._decoder = decoder
        self._kept_s = kept_s
        self._kept: tuple[str, Photo, Pixels] | None = None
        self._timer: threading.Timer | None = None

    @contextmanager
    def open(self, job_id: str, anew: bool = False) -> Iterator[Original]:
        """Give the original of `job_id`; `anew` reads its file whatever is at hand.

        Raises what decoding raises, `FileNotFoundError` or `StorageError`.
        """
        with ExitStack() as stack:
            paths: list[Path] = []

            def page(number: int) -> Photo:
                if not paths:
                    paths.append(stack.enter_context(self._files.fetch(job_id, "original")))
                return self._decoder.open(paths[0], number)

            kept = self._kept
            self.forget()
            if kept is not None and (anew or kept[0] != job_id):
                kept = None
            photo, gray = kept[1:] if kept else _with_gray(page(0))
            yield Original(photo, gray, page)
            self._keep(None if gray is None else (job_id, photo, gray))

    def forget(self) -> None:
        """Let go of the photo that is at hand."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._kept = None

    def _keep(self, kept: tuple[str, Photo, Pixels] | None) -> None:
        self._kept = kept
        self._timer = threading.Timer(self._kept_s, self._rest)
        self._timer.daemon = True
        self._timer.start()

    def _rest(self) -> None:
        """Let go of what is kept, and of the memory that was held for more work, unless there was some since."""
        if self._timer is threading.current_thread():
            self._timer = self._kept = None
            give_freed_memory_back()


def _with_gray(photo: Photo) -> tuple[Photo, Pixels | None]:
    """Return the photo with its gray levels, or without where they are too many bytes to be held besides."""
    held = photo.pixels.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)
    gray_bytes = photo.width * photo.height * photo.pixels.itemsize if photo.pixels.ndim == 3 else 0
    return photo, gray_levels(photo.pixels) if held + gray_bytes <= MOST_BYTES else None
