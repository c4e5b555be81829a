"""Cache of the last original: hits, replacement, expiry, size limit."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from colorizers.errors import NotAPictureError
from colorizers.photo.sandbox import Decoder
from colorizers.rendering.color_pass import gray_levels
from service.coloring import original_cache
from service.coloring.original_cache import OriginalCache
from service.storage.local import PhotoFiles
from tests.support.processes import until
from tests.support.uploads import as_file, scene

FIRST, SECOND = "a" * 32, "b" * 32


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as there:
        yield there


@pytest.fixture
def files(tmp_path: Path) -> PhotoFiles:
    there = PhotoFiles(tmp_path)
    toned = np.stack([scene(), scene() // 2, scene() // 3], axis=2)
    for job_id in (FIRST, SECOND):
        there.make_room(job_id)
        write(there, job_id, as_file(toned, "PNG"))
    return there


def write(files: PhotoFiles, job_id: str, data: bytes) -> None:
    with files.replace(job_id, "original") as path:
        path.write_bytes(data)


def spoil(files: PhotoFiles) -> None:
    """Make the files such that whoever reads them fails."""
    for job_id in (FIRST, SECOND):
        write(files, job_id, b"no picture")


def test_last_photo_is_at_hand_with_its_grays(files: PhotoFiles, decoder: Decoder) -> None:
    opener = OriginalCache(files, decoder)
    with opener.open(FIRST) as original:
        photo = original.photo
    spoil(files)
    for _ in range(2):
        with opener.open(FIRST) as original:
            assert original.photo is photo
            assert original.gray is not None
            assert np.array_equal(original.gray, gray_levels(photo.pixels))
    with pytest.raises(NotAPictureError), opener.open(FIRST, anew=True):
        pass


def test_another_photo_takes_its_place(files: PhotoFiles, decoder: Decoder) -> None:
    opener = OriginalCache(files, decoder)
    for job_id in (FIRST, SECOND):
        with opener.open(job_id):
            pass
    spoil(files)
    with pytest.raises(NotAPictureError), opener.open(FIRST):
        pass


def test_photo_is_dropped_and_memory_goes_back_after_the_last_use(
    files: PhotoFiles, decoder: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    times: list[float] = []
    monkeypatch.setattr(original_cache, "give_freed_memory_back", lambda: times.append(time.monotonic()))
    opener = OriginalCache(files, decoder, kept_s=0.3)
    for _ in range(3):
        with opener.open(FIRST):
            pass
    last = time.monotonic()
    until(lambda: times)
    assert times[0] >= last + 0.29
    spoil(files)
    with pytest.raises(NotAPictureError), opener.open(FIRST):
        pass
    assert len(times) == 1


def test_large_photos_are_not_kept(files: PhotoFiles, decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(original_cache, "MOST_BYTES", 4 * 120 * 80 - 1)
    opener = OriginalCache(files, decoder)
    with opener.open(FIRST) as original:
        assert original.gray is None
    spoil(files)
    with pytest.raises(NotAPictureError), opener.open(FIRST):
        pass
