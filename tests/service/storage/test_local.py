"""Local storage: uploads, atomic replacement, removal, and sweeps beside other processes."""

import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.domain.job import new_job_id
from service.settings import ROOT
from service.storage.base import StorageError
from service.storage.local import FileGoneError, PhotoFiles
from tests.support.processes import PYTHON


@pytest.fixture
def files(tmp_path: Path) -> PhotoFiles:
    return PhotoFiles(tmp_path)


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_received_file_becomes_the_original(files: PhotoFiles, tmp_path: Path) -> None:
    upload = files.receive(100)
    upload.write(b"pixels")
    upload.seek(0)
    assert upload.path.read_bytes() == b"pixels"
    job_id = new_job_id()
    files.keep(upload, job_id)
    upload.close()
    with files.fetch(job_id, "original") as path:
        assert path.read_bytes() == b"pixels"
        assert all_files(tmp_path) == [path]


def test_upload_that_nobody_keeps_goes_away(files: PhotoFiles, tmp_path: Path) -> None:
    upload = files.receive(100)
    upload.write(b"pixels")
    assert all_files(tmp_path)
    del upload
    assert all_files(tmp_path) == []


def test_upload_past_the_limit_is_dropped_while_it_arrives(files: PhotoFiles) -> None:
    upload = files.receive(10)
    upload.write(b"123456")
    assert not upload.too_large
    upload.write(b"789012")
    upload.write(b"345678")
    upload.seek(0)
    assert upload.too_large
    assert upload.size == 18
    assert upload.path.stat().st_size == 0
    upload.close()


def test_result_appears_whole_or_not_at_all(files: PhotoFiles, tmp_path: Path) -> None:
    job_id = new_job_id()
    with pytest.raises(FileNotFoundError), files.replace(job_id, "result"):
        pass
    files.make_room(job_id)
    with pytest.raises(OSError, match="disk full"), files.replace(job_id, "result") as path:
        path.write_bytes(b"half")
        raise OSError("disk full")
    assert all_files(tmp_path) == []
    with files.replace(job_id, "result") as path:
        path.write_bytes(b"whole")
        with pytest.raises(FileNotFoundError):
            files.stat(job_id, "result")
    with files.open(job_id, "result") as result:
        assert result.read() == b"whole"
    assert len(all_files(tmp_path)) == 1


def test_tag_follows_the_content(files: PhotoFiles) -> None:
    job_id = new_job_id()
    files.make_room(job_id)
    found = []
    for content in (b"one", b"two", b"three"):
        with files.replace(job_id, "result") as path:
            path.write_bytes(content)
        found.append(files.stat(job_id, "result"))
    assert [stat.size for stat in found] == [3, 3, 5]
    assert len({stat.etag for stat in found}) == 3


def test_copy_stays_when_the_first_job_goes(files: PhotoFiles) -> None:
    first, second = new_job_id(), new_job_id()
    files.make_room(first)
    with files.replace(first, "original") as path:
        path.write_bytes(b"pixels")
    files.copy(first, "original", second)
    files.copy(first, "original", second)
    files.remove(first)
    with files.open(second, "original") as copied:
        assert copied.read() == b"pixels"
    with pytest.raises(FileNotFoundError):
        files.copy(first, "original", second)


def test_half_written_results_are_cleared(files: PhotoFiles, tmp_path: Path) -> None:
    job_id = new_job_id()
    files.make_room(job_id)
    (folder,) = (tmp_path / "photos").glob("*/*")
    (folder / "result-x.part").write_bytes(b"half")
    files.clear_parts(job_id)
    assert all_files(tmp_path) == []


def test_half_removed_folders_are_swept(files: PhotoFiles, tmp_path: Path) -> None:
    old, new = tmp_path / "leaving" / "old", tmp_path / "leaving" / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "original").touch()
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    files.sweep_incoming()
    assert all_files(tmp_path) == [new / "original"]


RECEIVING = """
import sys
from pathlib import Path
from service.storage.local import PhotoFiles
files = PhotoFiles(Path(sys.argv[1]))
uploads = [files.receive(100) for _ in range(3)]
for upload in uploads:
    upload.write(b"pixels")
    upload.seek(0)
print("received", flush=True)
sys.stdin.read()
"""


def test_sweep_removes_what_a_dead_process_received_and_nothing_else(files: PhotoFiles, tmp_path: Path) -> None:
    mine = files.receive(100)
    mine.write(b"pixels")
    mine.seek(0)
    (tmp_path / "incoming" / "upload-of-an-earlier-version").touch()
    command = [PYTHON, "-c", RECEIVING, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"received\n"
        received = set(all_files(tmp_path))
        files.sweep_incoming()
        assert set(all_files(tmp_path)) == received, "its process lives"
        assert len([path for path in received if path.read_bytes() == b"pixels"]) == 4
        other.kill()
    PhotoFiles(tmp_path)  # Sweeps at its start.
    assert [path for path in all_files(tmp_path) if path.name != "lock"] == [mine.path]
    mine.close()
    assert list((tmp_path / "incoming").iterdir()) == []


def test_files_and_sweeps_at_the_same_time(files: PhotoFiles, tmp_path: Path) -> None:
    others = [PhotoFiles(tmp_path) for _ in range(3)]
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            files.sweep_incoming()

    def receive(own: PhotoFiles) -> None:
        for _ in range(300):
            upload = own.receive(100)
            upload.write(b"pixels")
            upload.seek(0)
            assert upload.path.read_bytes() == b"pixels"
            upload.close()

    with ThreadPoolExecutor(4) as pool:
        sweeping = pool.submit(sweep)
        for receiving in [pool.submit(receive, own) for own in others]:
            receiving.result()
        over.set()
        sweeping.result()
    assert list((tmp_path / "incoming").iterdir()) == []


def test_received_files_take_no_descriptor(files: PhotoFiles) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    first = files.receive(100)
    first.seek(0)
    before = descriptors()
    uploads = [files.receive(100) for _ in range(50)]
    for upload in uploads:
        upload.write(b"pixels")
        upload.seek(0)
    assert descriptors() == before
    for upload in (first, *uploads):
        upload.close()


@pytest.mark.parametrize("missing", ["incoming", "photos"])
def test_folder_that_is_missing_is_not_a_photo_that_is_gone(files: PhotoFiles, tmp_path: Path, missing: str) -> None:
    job_id = new_job_id()
    with pytest.raises(FileGoneError):
        files.open(job_id, "original")
    (tmp_path / missing).rmdir()
    with pytest.raises(StorageError):
        files.receive(100) if missing == "incoming" else files.open(job_id, "original")
