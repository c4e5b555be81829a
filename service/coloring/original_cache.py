"""In-memory cache of the one original that a worker decoded last.

A photo that has just been coloured is often rendered again, in other colours or another format. The cache holds one
photo of bounded size for a short time. It is reached only through a job in the database, which a deleted photo has not.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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
    """A decoded photo, and its gray levels (h, w) unless they are too large to keep."""

    photo: Photo
    gray: Pixels | None


class OriginalCache:
    """Decoder of originals that keeps the last one. Not thread-safe."""

    def __init__(self, files: PhotoFiles, decoder: Decoder, kept_s: float = KEPT_S) -> None:
        """Keep the last photo for `kept_s` seconds after its last use."""
        self._files = files
        self._decoder = decoder
        self._kept_s = kept_s
        self._kept: tuple[str, Original] | None = None
        self._timer: threading.Timer | None = None

    @contextmanager
    def open(self, job_id: str, anew: bool = False) -> Iterator[Original]:
        """Give the original of `job_id` and keep it after the block; `anew` reads its file in any case.

        Raises what decoding raises, `FileNotFoundError` or `StorageError`.
        """
        kept_id, original = self._kept or ("", None)
        self.forget()
        if original is None or anew or kept_id != job_id:
            with self._files.fetch(job_id, "original") as path:
                original = _with_gray(self._decoder.open(path))
        yield original
        self._kept = None if original.gray is None else (job_id, original)
        self._timer = threading.Timer(self._kept_s, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def further_pages(self, job_id: str, count: int) -> Iterator[Photo]:
        """Yield pages 1 to `count` - 1 of the original's file; they are not kept."""
        with self._files.fetch(job_id, "original") as path:
            for number in range(1, count):
                yield self._decoder.open(path, number)

    def forget(self) -> None:
        """Drop the photo that is kept."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._kept = None

    def _expire(self) -> None:
        """Drop the photo and return freed memory to the system, unless the cache was used since."""
        if self._timer is threading.current_thread():
            self._timer = self._kept = None
            give_freed_memory_back()


def _with_gray(photo: Photo) -> Original:
    """Return the photo with its gray levels, or without where both would exceed `MOST_BYTES`."""
    held = photo.pixels.nbytes + (0 if photo.alpha is None else photo.alpha.nbytes)
    gray_bytes = photo.width * photo.height * photo.pixels.itemsize if photo.pixels.ndim == 3 else 0
    return Original(photo, gray_levels(photo.pixels) if held + gray_bytes <= MOST_BYTES else None)
