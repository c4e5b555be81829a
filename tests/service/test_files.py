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
    assert files.path(job_id, "original").read_bytes() == b"pixels"
    assert all_files(tmp_path) == [files.path(job_id, "original")]


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
    result = files.path(job_id, "result")
    result.parent.mkdir(parents=True)
    with pytest.raises(OSError, match="disk full"), files.replace(job_id, "result") as path:
        path.write_bytes(b"half")
        raise OSError("disk full")
    assert all_files(tmp_path) == []
    with files.replace(job_id, "result") as path:
        path.write_bytes(b"whole")
        assert not result.exists()
    assert result.read_bytes() == b"whole"
    assert all_files(tmp_path) == [result]


def test_leftovers_are_cleared(files: PhotoFiles, tmp_path: Path) -> None:
    job_id = new_job_id()
    folder = files.path(job_id, "original").parent
    folder.mkdir(parents=True)
    (folder / "result-x.part").write_bytes(b"half")
    files.clear_parts(job_id)
    old, new = tmp_path / "incoming" / "upload-old", tmp_path / "incoming" / "upload-new"
    old.touch()
    new.touch()
    two_days_ago = time.time() - 48 * 3600
    os.utime(old, (two_days_ago, two_days_ago))
    files.sweep_incoming()
    assert all_files(tmp_path) == [new]
