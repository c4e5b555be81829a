"""The queue's order, leases, and ends of jobs; ids; and several processes at one table."""

import multiprocessing
import time
from pathlib import Path

import pytest

from service.domain.job import Failure, Job, NewJob, Outcome, new_job_id
from service.jobs.queue import MOST_LOSSES
from service.jobs.store import JobStore

OUTCOME = Outcome(
    width=3,
    height=4,
    mimetype="image/png",
    suffix=".png",
    view_mimetype="image/jpeg",
    model="default",
    model_title="Default",
    weights_sha256="ab",
    verified=True,
    uncoloured=False,
    timings={"predict_s": 0.5},
)
FAILURE = Failure("undecodable", 422, "It is broken.", {"format": "JPEG"})


def queue(jobs: JobStore, *names: str) -> list[str]:
    queued = jobs.add(NewJob(new_job_id(), name, "image/jpeg", 8, 6) for name in names)
    assert queued is not None
    assert {job.id: job for job in queued} == jobs.get_many(job.id for job in queued)
    return [job.id for job in queued]


def claim(jobs: JobStore, owner: str) -> Job:
    job = jobs.claim(owner)
    assert job is not None
    return job


def found(jobs: JobStore, job_id: str) -> Job:
    job = jobs.get(job_id)
    assert job is not None
    return job


def test_first_come_first_served(jobs: JobStore) -> None:
    ids = queue(jobs, "a", "b", "c")
    assert jobs.places_in_queue(jobs.get_many(ids).values()) == dict(zip(ids, range(3), strict=True))
    assert claim(jobs, "w").id == ids[0]
    assert jobs.places_in_queue(jobs.get_many(ids).values()) == {ids[1]: 1, ids[2]: 2}
    assert [claim(jobs, "w").id for _ in ids[1:]] == ids[1:]
    assert jobs.places_in_queue(jobs.get_many(ids).values()) == {}
    assert jobs.claim("w") is None


def test_ended_job_keeps_its_outcome_or_its_failure(jobs: JobStore) -> None:
    done, failed = queue(jobs, "a", "b")
    assert [claim(jobs, "w").is_final for _ in range(2)] == [False, False]
    assert jobs.finish(done, "w", OUTCOME)
    assert jobs.fail(failed, "w", FAILURE)
    job = found(jobs, done)
    assert (job.is_final, job.outcome) == (True, OUTCOME)
    assert job.created_at <= (job.started_at or 0) <= (job.finished_at or 0)
    assert found(jobs, failed).failure == FAILURE


def test_only_the_holder_of_a_lease_may_speak(jobs: JobStore) -> None:
    (job_id,) = queue(jobs, "a")
    claim(jobs, "w")
    assert jobs.renew(job_id, "w")
    assert not jobs.renew(job_id, "other")
    assert not jobs.finish(job_id, "other", OUTCOME)
    jobs.requeue_abandoned("w")
    claim(jobs, "other")
    assert not jobs.finish(job_id, "w", OUTCOME)
    assert jobs.finish(job_id, "other", OUTCOME)
    assert not jobs.fail(job_id, "other", FAILURE)


def test_released_job_goes_first_and_lost_job_goes_last(jobs: JobStore) -> None:
    first, second = queue(jobs, "a", "b")
    claim(jobs, "w")
    jobs.release("w")
    assert claim(jobs, "w").id == first
    jobs.requeue_abandoned("w")
    assert [claim(jobs, "w").id, claim(jobs, "w").id] == [second, first]


def test_new_supervisor_requeues_what_its_predecessor_left(jobs: JobStore) -> None:
    ids = queue(jobs, "a", "b")
    for _ in ids:
        claim(jobs, "gone")
    jobs.requeue_all()
    assert {claim(jobs, "w").id, claim(jobs, "w").id} == set(ids)


def test_expired_lease_returns_to_the_queue(jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (job_id,) = queue(jobs, "a")
    claim(jobs, "died")
    assert jobs.claim("w") is None
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert claim(jobs, "w").id == job_id


def test_photo_that_takes_its_worker_down_is_given_up(jobs: JobStore) -> None:
    (job_id,) = queue(jobs, "a")
    for number in range(MOST_LOSSES):
        claim(jobs, f"w{number}")
        jobs.requeue_abandoned(f"w{number}")
    failure = found(jobs, job_id).failure
    assert failure is not None
    assert failure.code == "worker_lost"


def test_ids_are_128_random_bits() -> None:
    ids = {new_job_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(bytes.fromhex(job_id)) == 16 for job_id in ids)


def claim_all(data_dir: Path, owner: str) -> list[str]:
    store = JobStore(data_dir)
    claimed = []
    while job := store.claim(owner):
        claimed.append(job.id)
    store.close()
    return claimed


def test_two_processes_never_claim_the_same_job(jobs: JobStore, tmp_path: Path) -> None:
    ids = queue(jobs, *(str(number) for number in range(60)))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        claimed = pool.starmap(claim_all, [(tmp_path, "one"), (tmp_path, "two")])
    assert sorted(claimed[0] + claimed[1]) == sorted(ids), "rows survive the process, and none is claimed twice"
