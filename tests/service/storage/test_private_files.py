"""Permissions of all files, and syncing of files before the rows that refer to them."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from colorizers.output.encode import replacing
from service.context.identity import load_secret
from service.domain.job import Job, Outcome
from service.jobs.store import JobStore
from service.storage.local import PhotoFiles
from service.storage.private_files import make_private_folder
from service.workers.run_job import JobRunner
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.jobs.test_store import OUTCOME, claim, queue
from tests.support.families import PHOTO, PHOTOS, make, make_family


@pytest.fixture
def careless() -> Iterator[None]:
    """A umask that takes no right away from anybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """Return what users other than the owner may open of a folder, with its mode."""
    found = [folder, *folder.rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in found if path.exists()}
    return [f"{path.name} {mode:o}" for path, mode in modes.items() if mode & 0o077]


@pytest.mark.usefixtures("careless")
def test_everything_is_private(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(wait_s=100, data_dir=tmp_path / "new" / "data")
    with running_client(settings) as client:
        photo, *_ = make_family(client)
        make(client, f"{PHOTOS}/{photo.id}/renders", format="tiff", bits=16)
        assert client.get(f"{PHOTOS}/{photo.id}/events").status_code == 200
        names = {path.name for path in settings.data_dir.rglob("*")}
        assert {"jobs.sqlite3", "jobs.sqlite3-wal", "jobs.sqlite3-shm", "secret-key", "result", "original"} <= names
        assert open_to_others(settings.data_dir) == []


@pytest.mark.usefixtures("careless")
def test_folder_of_an_earlier_version_becomes_private(make_settings: MakeSettings) -> None:
    settings = make_settings(wait_s=0)
    with running_client(settings) as client:
        send_without_worker(client)
        for path in (settings.data_dir, *settings.data_dir.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        with running_client(settings) as second:
            # Folders in `photos` are out of reach with it.
            own = [name for name in open_to_others(settings.data_dir) if len(name.split()[0]) not in (2, 32)]
            assert own == ["original 666"]
            assert second.get("/").status_code == 200


def send_without_worker(client: FlaskClient) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts_of(client).supervisor, "ensure", lambda: None)
        assert client.post(PHOTOS, data=PHOTO, content_type="image/jpeg").status_code == 202


@pytest.mark.usefixtures("careless")
def test_folders_of_everybody_stay_so(tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    make_private_folder(shared)
    make_private_folder(shared / "mine")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (shared, shared / "mine")] == [0o1777, 0o700]


class Disk:
    """Notes what has been synced: inodes of files and folders, in this order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[int] = []
        sync = os.fsync

        def fsync(handle: int) -> None:
            sync(handle)
            self.synced.append(os.fstat(handle).st_ino)

        monkeypatch.setattr(os, "fsync", fsync)

    def has(self, path: Path) -> bool:
        """Whether the file was synced, and after it its folder and the two above, which name it."""
        inodes = [path.stat().st_ino, *(folder.stat().st_ino for folder in list(path.parents)[:3])]
        return all(inode in self.synced[self.synced.index(inodes[0]) :] for inode in inodes)


class Painter:
    """Writes a result as the library does: into another file, which then takes the place of the given one."""

    def __init__(self, files: PhotoFiles) -> None:
        self._files = files

    def paint(self, job: Job, _parent: Job | None, _report: object) -> Outcome:
        with self._files.replace(job.id, "result") as path, replacing(path) as other:
            other.write_bytes(b"result")
        return OUTCOME


def test_result_is_on_disk_before_its_row_says_done(
    jobs: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, disk = PhotoFiles(tmp_path), Disk(monkeypatch)
    (job_id,) = queue(jobs, "p")
    files.make_room(job_id)
    result = tmp_path / "photos" / job_id[:2] / job_id / "result"
    finish, seen = jobs.finish, []

    def finish_after_a_look(job_id: str, owner: str, outcome: Outcome) -> bool:
        seen.append(disk.has(result))
        return finish(job_id, owner, outcome)

    monkeypatch.setattr(jobs, "finish", finish_after_a_look)
    JobRunner("w", jobs, files, Painter(files)).do(claim(jobs, "w"))
    assert seen == [True]
    assert stat.S_IMODE(result.stat().st_mode) == 0o600


def test_original_is_on_disk_before_its_row_is_there(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(wait_s=0)
    with running_client(settings) as client:
        disk, jobs, seen = Disk(monkeypatch), parts_of(client).jobs, []
        add = jobs.add

        def add_after_a_look(*arguments: object) -> list[Job] | None:
            seen.append([disk.has(path) for path in settings.data_dir.glob("photos/*/*/original")])
            return add(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(jobs, "add", add_after_a_look)
        send_without_worker(client)
        assert seen == [[True]]


def test_key_is_on_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    load_secret("", tmp_path)
    assert disk.synced == [(tmp_path / "secret-key").stat().st_ino, tmp_path.stat().st_ino]
