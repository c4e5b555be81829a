"""Waiting requests share one poll of the database."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from service.domain.job import WORKER_LOST
from service.jobs.store import JobStore
from service.jobs.wait import EndedJobs
from tests.service.jobs.test_store import queue
from tests.support.processes import until


def test_all_who_wait_are_told_and_ask_together(jobs: JobStore) -> None:
    ids, waiting, questions = queue(jobs, *"abcdefghijklmnopqrst"), EndedJobs(jobs), []
    sa.event.listen(jobs.database, "before_cursor_execute", lambda *arguments: questions.append(arguments[2]))
    with ThreadPoolExecutor(20) as pool:
        told = [pool.submit(waiting.wait, [job_id], 30) for job_id in ids]
        until(lambda: any("IN (?, ?, ?" in question for question in questions))
        questions.clear()
        until(lambda: len(questions) > 3)
        assert len(questions) < 10, "one question each would be twenty at a time"
        assert not any(answer.done() for answer in told)
        job = jobs.claim("worker")
        assert job
        jobs.fail(job.id, "worker", WORKER_LOST)
        until(told[ids.index(job.id)].done)
        assert sum(answer.done() for answer in told) == 1
        for job_id in ids:
            jobs.delete([job_id], None, 0.0)
        assert all(answer.result() for answer in told)


def test_nobody_waits_longer_than_asked(jobs: JobStore) -> None:
    first, second = queue(jobs, "a", "b")
    waiting = EndedJobs(jobs)
    assert not waiting.wait([first, second], 0.2)
    jobs.delete([first], None, 0.0)
    assert not waiting.wait([first, second], 0.2)
    assert waiting.wait([first], 30)
    assert waiting.wait([], 30)


def test_a_database_that_does_not_answer_is_asked_again(jobs: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (job_id,) = queue(jobs, "a")
    jobs.delete([job_id], None, 0.0)
    answers: list[Callable[[Iterable[str]], set[str]]] = [jobs.unfinished, _locked]
    monkeypatch.setattr(jobs, "unfinished", lambda ids: answers.pop()(ids))
    assert EndedJobs(jobs).wait([job_id], 30)
    assert answers == []


def _locked(_: Iterable[str]) -> set[str]:
    raise sa.exc.OperationalError("SELECT", {}, Exception("database is locked"))
