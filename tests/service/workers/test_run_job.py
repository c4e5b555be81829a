"""Ends of jobs: failing storage postpones, a broken photo fails with its reason, deletion removes."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from colorizers.errors import UndecodableError
from service.domain.job import Job, NewJob, Outcome, new_job_id
from service.jobs.queue import PhotoGoneError
from service.jobs.store import JobStore
from service.storage.base import StorageError
from service.storage.local import PhotoFiles
from service.workers.run_job import MOST_POSTPONED, JobRunner, pause_s
from tests.service.jobs.test_store import OUTCOME, claim, found

Ends = Exception | Outcome


class Painter:
    """Ends every job in the way it is told to."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends

    def paint(self, _job: Job, _parent: Job | None, report: Callable[[str], None]) -> Outcome:
        report("opening")
        if isinstance(self._ends, Exception):
            raise self._ends
        return self._ends


def queue(jobs: JobStore, **values: str) -> str:
    new = NewJob(new_job_id(), "p", "image/jpeg", 8, 6, **values)  # type: ignore[arg-type]
    jobs.add([new])
    return new.id


def work(jobs: JobStore, folder: Path, ends: Ends) -> str:
    files, job = PhotoFiles(folder), claim(jobs, "w")
    files.make_room(job.id)
    return JobRunner("w", jobs, files, Painter(ends)).do(job)


def test_done(jobs: JobStore, tmp_path: Path) -> None:
    job_id = queue(jobs)
    assert work(jobs, tmp_path, OUTCOME) == "ended"
    assert found(jobs, job_id).outcome == OUTCOME


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "disk full"), StorageError("refuses", retry_after_s=1)])
def test_storage_out_of_order_costs_no_job_unless_it_lasts(jobs: JobStore, tmp_path: Path, error: Exception) -> None:
    job_id, other = queue(jobs), queue(jobs)
    for _ in range(MOST_POSTPONED):
        assert work(jobs, tmp_path, error) == "postponed"
        assert work(jobs, tmp_path, error) == "postponed", "the other one has its turn"
        assert found(jobs, job_id).status == found(jobs, other).status == "queued"
    assert work(jobs, tmp_path, error) == "ended"
    failure = found(jobs, job_id).failure
    assert failure is not None
    assert (failure.code, failure.status) == ("storage_unavailable", 503)
    assert jobs.retry(job_id, None, 0.0)
    while found(jobs, job_id).status != "done":
        assert work(jobs, tmp_path, OUTCOME) == "ended"


def test_log_tells_the_path_but_not_the_id(jobs: JobStore, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    job_id = queue(jobs)
    work(jobs, tmp_path, OSError(errno.ENOSPC, "disk full", f"/data/photos/{job_id}/result"))
    assert f"disk full: '/data/photos/{job_id[:8]}/result'" in caplog.text
    assert job_id not in caplog.text


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UndecodableError("It is broken.", format="JPEG"), "undecodable"),
        (FileNotFoundError(), "not_found"),
        (MemoryError(), "out_of_memory"),
        (ZeroDivisionError(), "internal_error"),
    ],
)
def test_other_errors_fail_at_once_with_their_reason(
    jobs: JobStore, tmp_path: Path, error: Exception, code: str
) -> None:
    job_id = queue(jobs)
    assert work(jobs, tmp_path, error) == "ended"
    failure = found(jobs, job_id).failure
    assert failure is not None
    assert (failure.code, failure.message) == (code, getattr(error, "message", failure.message))


@pytest.mark.parametrize("above", ["source", "parent"])
def test_nothing_is_queued_for_a_photo_that_is_gone(jobs: JobStore, above: str) -> None:
    photo = queue(jobs)
    assert jobs.delete([photo], None, 0.0).job_ids == (photo,)
    with pytest.raises(PhotoGoneError):
        queue(jobs, **{above: photo})
    assert jobs.claim("w") is None


def test_children_leave_with_their_parent_also_while_one_is_worked_on(jobs: JobStore, tmp_path: Path) -> None:
    photo = queue(jobs)
    assert work(jobs, tmp_path, OUTCOME) == "ended"
    children = [queue(jobs, kind="render", parent=photo), queue(jobs, kind="preview", parent=photo)]
    assert jobs.own("nobody", 0.0) == []
    job, files = claim(jobs, "w"), PhotoFiles(tmp_path)
    files.make_room(job.id)
    assert set(jobs.delete([photo], None, 0.0).job_ids) == {photo, *children}
    assert JobRunner("w", jobs, files, Painter(OUTCOME)).do(job) == "ended"
    assert jobs.get_many([photo, *children]) == {}
    assert job.id not in {path.name for path in (tmp_path / "photos").glob("*/*")}


def test_pauses_grow_to_a_limit() -> None:
    assert [pause_s(number) for number in (0, 1, 2, 3, 20)] == [0.0, 0.5, 1.0, 2.0, 30.0]
