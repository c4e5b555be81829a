import os
import time
from pathlib import Path

import pytest

from service.files import PhotoFiles
from service.jobs import new_job_id


@pytest.fixture
def files(tmp_path: Path) -> PhotoFiles:
    return PhotoFiles(tmp_path)


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_received_file_becomes_the_original(files: PhotoFiles, tmp_path: Path) -> None:
    upload = files.receive(100)
    upload.write(b"pixels")
    upload.seek(0)
    assert upload.read() == b"pixels"
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


def test_leftovers_are_cleared(files: PhotoFiles, tmp_path: Path) -> None:
    job_id = new_job_id()
    files.make_room(job_id)
    (folder,) = (tmp_path / "photos").glob("*/*")
    (folder / "result-x.part").write_bytes(b"half")
    files.clear_parts(job_id)
    old, new = tmp_path / "incoming" / "upload-old", tmp_path / "incoming" / "upload-new"
    old.touch()
    new.touch()
    two_days_ago = time.time() - 48 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    files.sweep_incoming()
    assert all_files(tmp_path) == [new]
