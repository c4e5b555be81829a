"""The job table: takes uploads as queued jobs, hands them to one worker at a time under a lease, keeps how they ended.

The row is the truth about a job; everything else (files, processes) follows it. SQLite in WAL mode, so that the web
process reads while the worker writes.
"""

import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from service.tables import jobs as _jobs
from service.tables import open_database
from service.tallies import Amounts, Labels, add_to_totals, labels

Status = Literal["queued", "running", "done", "failed", "cancelled", "expired"]

LEASE_S = 30.0
# A photo that takes its worker down (out of memory, a crash in a decoder) must not do so for ever.
MOST_LOSSES = 5
_LATEST = 20
_FIRST_GUESS_S = 2.0

# Rows on their way out: invisible at once, and gone once their files are.
_LEAVING = ("cancelled", "expired")


@dataclass(frozen=True)
class NewJob:
    """An accepted upload: the name its user gave the file, its type, and its size in pixels as the header says.

    `owner` is the browser that sent it; without one, whoever knows the id may see the photo. `request_id` names the
    request in the logs.
    """

    id: str
    name: str
    mimetype: str
    width: int
    height: int
    owner: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a finished job gave: upright size in pixels, result file type, the network that did it, stage times.

    `uncoloured` says that the network found no colour for any part of the photo.
    """

    width: int
    height: int
    mimetype: str
    suffix: str
    view_mimetype: str
    model: str
    model_title: str
    weights_sha256: str
    verified: bool
    uncoloured: bool
    timings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Why a job failed: a code for programs, the HTTP status that says it best, English text, data for translation."""

    code: str
    status: int
    message: str
    data: dict[str, Any] = field(default_factory=dict)


WORKER_LOST = Failure("worker_lost", 500, "The photo stopped the program that colours it, several times.")


@dataclass(frozen=True)
class Job:
    """One row. Times are seconds since the epoch."""

    id: str
    status: Status
    name: str
    mimetype: str
    width: int
    height: int
    created_at: float
    queued_at: float
    started_at: float | None = None
    finished_at: float | None = None
    outcome: Outcome | None = None
    failure: Failure | None = None
    request_id: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self.status in ("done", "failed")


def new_job_id() -> str:
    """Return 128 random bits as 32 hexadecimal digits: ids cannot be guessed."""
    return secrets.token_hex(16)


class JobStore:
    """The jobs of one data folder. Every method is one short transaction; times are `time.time()`."""

    def __init__(self, data_dir: Path) -> None:
        self._engine = self.database = open_database(data_dir)
        # SQLite connections must not cross a fork (gunicorn with preload).
        os.register_at_fork(after_in_child=lambda: self._engine.dispose(close=False))

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def add(self, new: Iterable[NewJob], most_queued: int | None = None) -> bool:
        """Queue jobs, all or none, in the given order; False where `most_queued` were waiting already."""
        with self._engine.connect() as connection, connection.begin() as transaction:
            added = 0
            for job in new:
                now = time.time()
                row = {"created_at": now, "queued_at": now, **vars(job)}
                added += connection.execute(_jobs.insert().values(row)).rowcount
            # Counted after the insertion, which keeps other processes from adding meanwhile.
            if most_queued is not None and added and _count(connection, "queued") - added >= most_queued:
                transaction.rollback()
                return False
            return True

    def load(self) -> tuple[int, int, float]:
        """Return how many jobs are queued, how many are running, and for how many seconds the oldest has waited."""
        oldest = sa.select(sa.func.min(_jobs.c.created_at)).where(_jobs.c.status == "queued")
        with self._engine.connect() as connection:
            since = connection.execute(oldest).scalar_one()
            waited_s = max(0.0, time.time() - since) if since else 0.0
            return _count(connection, "queued"), _count(connection, "running"), waited_s

    def service_time_s(self) -> float:
        """Return the mean time that the latest jobs took a worker, a guess before there are any."""
        done = sa.select(_jobs.c.finished_at - _jobs.c.started_at).where(_jobs.c.status == "done")
        with self._engine.connect() as connection:
            times = connection.execute(done.order_by(_jobs.c.finished_at.desc()).limit(_LATEST)).scalars().all()
        return sum(times) / len(times) if times else _FIRST_GUESS_S

    def get(self, job_id: str) -> Job | None:
        """Return the job, or None where there is none."""
        return self.get_many([job_id]).get(job_id)

    def get_many(self, job_ids: Iterable[str]) -> dict[str, Job]:
        """Return those jobs of `job_ids` that exist, by id."""
        return self._select(_jobs.c.id.in_(list(job_ids)))

    def find(self, job_ids: Iterable[str], viewer: str | None, created_after: float) -> dict[str, Job]:
        """Return those jobs of `job_ids` that `viewer` may see and that have not expired, by id."""
        return self._select(_visible(job_ids, viewer, created_after))

    def own(self, owner: str, created_after: float, most: int | None = None) -> list[Job]:
        """Return the latest `most` jobs, or all, that `owner` has sent after that time, the latest first."""
        own = sa.and_(_jobs.c.owner == owner, _jobs.c.created_at > created_after)
        return list(self._select(own, most).values())

    def _select(self, condition: sa.ColumnElement[bool], most: int | None = None) -> dict[str, Job]:
        wanted = _jobs.select().where(condition, _jobs.c.status.not_in(_LEAVING))
        wanted = wanted.order_by(_jobs.c.created_at.desc()).limit(most)
        with self._engine.connect() as connection:
            return {row["id"]: _job(row) for row in connection.execute(wanted).mappings()}

    def retry(self, job_id: str, viewer: str | None, created_after: float) -> bool:
        """Queue a failed job that `viewer` may see once more; False where there is none."""
        failed = sa.and_(_visible([job_id], viewer, created_after), _jobs.c.status == "failed")
        anew = {"status": "queued", "queued_at": time.time(), "started_at": None, "finished_at": None}
        with self._engine.begin() as connection:
            change = _jobs.update().where(failed).values(**anew, failure=None, losses=0)
            return connection.execute(change).rowcount == 1

    def cancel(self, job_id: str, viewer: str | None, created_after: float) -> bool:
        """Make a job that `viewer` may see leave, whatever its state; False where there is none."""
        there = sa.and_(_visible([job_id], viewer, created_after), _jobs.c.status.not_in(_LEAVING))
        with self._engine.begin() as connection:
            count = connection.execute(_jobs.update().where(there).values(status="cancelled")).rowcount
            add_to_totals(connection, {("finished", labels(outcome="cancelled")): count} if count else {})
            return count == 1

    def expire(self, created_before: float) -> list[str]:
        """Make older jobs leave, except those being worked on; returns the ids of all that are leaving."""
        old = sa.and_(_jobs.c.created_at <= created_before, _jobs.c.status.in_(("queued", "done", "failed")))
        with self._engine.begin() as connection:
            count = connection.execute(_jobs.update().where(old).values(status="expired")).rowcount
            add_to_totals(connection, {("finished", labels(outcome="expired")): count} if count else {})
            return list(connection.execute(sa.select(_jobs.c.id).where(_jobs.c.status.in_(_LEAVING))).scalars())

    def forget(self, job_ids: Iterable[str]) -> None:
        """Remove the rows of jobs that are leaving, after their files."""
        leaving = sa.and_(_jobs.c.id.in_(list(job_ids)), _jobs.c.status.in_(_LEAVING))
        with self._engine.begin() as connection:
            connection.execute(_jobs.delete().where(leaving))

    def place_in_queue(self, job: Job) -> int:
        """Return how many jobs a worker will finish before it begins this one."""
        before = sa.or_(
            _jobs.c.status == "running", sa.and_(_jobs.c.status == "queued", _jobs.c.queued_at < job.queued_at)
        )
        with self._engine.connect() as connection:
            return connection.execute(sa.select(sa.func.count()).where(before)).scalar_one()

    def claim(self, owner: str) -> Job | None:
        """Give the longest waiting job to `owner` under a lease of `LEASE_S`; None where nothing waits."""
        now = time.time()
        self._lose(_jobs.c.lease_until < now)
        first = sa.select(_jobs.c.id).where(_jobs.c.status == "queued").order_by(_jobs.c.queued_at).limit(1)
        claim = (
            _jobs.update()
            .where(_jobs.c.id == first.scalar_subquery())
            .values(status="running", started_at=now, lease_owner=owner, lease_until=now + LEASE_S)
            .returning(*_jobs.c)
        )
        with self._engine.begin() as connection:
            row = connection.execute(claim).mappings().one_or_none()
            return _job(row) if row else None

    def renew(self, job_id: str, owner: str) -> bool:
        """Extend the lease; False where `owner` no longer holds it."""
        held = sa.and_(_jobs.c.id == job_id, self._held_by(owner))
        with self._engine.begin() as connection:
            renewal = _jobs.update().where(held).values(lease_until=time.time() + LEASE_S)
            return connection.execute(renewal).rowcount == 1

    def finish(self, job_id: str, owner: str, outcome: Outcome) -> bool:
        """Record the result; False where `owner` no longer holds the job."""
        stages = {name.removesuffix("_s"): seconds for name, seconds in outcome.timings.items()}
        amounts: dict[tuple[str, Labels], float] = {("finished", labels(outcome="done")): 1}
        amounts |= {("stage_s", labels(stage=name)): seconds for name, seconds in stages.items()}
        amounts |= {("stage_count", labels(stage=name)): 1 for name in stages}
        return self._end(job_id, owner, amounts, status="done", outcome=json.dumps(vars(outcome)))

    def fail(self, job_id: str, owner: str, failure: Failure) -> bool:
        """Record the reason; False where `owner` no longer holds the job."""
        amounts = {("finished", labels(outcome="failed", code=failure.code)): 1.0}
        return self._end(job_id, owner, amounts, status="failed", failure=json.dumps(vars(failure), default=str))

    def release(self, owner: str) -> None:
        """Put the jobs of an owner that ends in good order back where they were in the queue."""
        back = {"status": "queued", "started_at": None, "lease_owner": None, "lease_until": None}
        with self._engine.begin() as connection:
            connection.execute(_jobs.update().where(self._held_by(owner)).values(back))

    def lose(self, owner: str) -> None:
        """Put the jobs of an owner that died at the end of the queue; a job lost `MOST_LOSSES` times fails."""
        self._lose(_jobs.c.lease_owner == owner)

    def lose_all(self) -> None:
        """Put every running job back, as `lose` does: for a supervisor whose predecessor left without doing so."""
        self._lose(sa.true())

    def _lose(self, condition: sa.ColumnElement[bool]) -> None:
        running = sa.and_(_jobs.c.status == "running", condition)
        lost = {"losses": _jobs.c.losses + 1, "lease_owner": None, "lease_until": None}
        now = time.time()
        failed = {"status": "failed", "finished_at": now, "failure": json.dumps(vars(WORKER_LOST))}
        back = {"status": "queued", "queued_at": now, "started_at": None}
        with self._engine.begin() as connection:
            if connection.execute(sa.select(_jobs.c.id).where(running).limit(1)).first() is None:
                return
            last = sa.and_(running, _jobs.c.losses + 1 >= MOST_LOSSES)
            given_up = connection.execute(_jobs.update().where(last).values(lost | failed)).rowcount
            of = labels(outcome="failed", code=WORKER_LOST.code)
            add_to_totals(connection, {("finished", of): given_up} if given_up else {})
            connection.execute(_jobs.update().where(running).values(lost | back))

    def _end(self, job_id: str, owner: str, amounts: Amounts, **values: Any) -> bool:
        held = sa.and_(_jobs.c.id == job_id, self._held_by(owner))
        end = _jobs.update().where(held).values(finished_at=time.time(), lease_owner=None, lease_until=None, **values)
        with self._engine.begin() as connection:
            row = connection.execute(end.returning(_jobs.c.created_at, _jobs.c.started_at)).one_or_none()
            if row:
                waited = {("wait_s", labels()): row.started_at - row.created_at, ("wait_count", labels()): 1}
                add_to_totals(connection, {**amounts, **waited})
            return row is not None

    @staticmethod
    def _held_by(owner: str) -> sa.ColumnElement[bool]:
        return sa.and_(_jobs.c.status == "running", _jobs.c.lease_owner == owner)


def _visible(job_ids: Iterable[str], viewer: str | None, created_after: float) -> sa.ColumnElement[bool]:
    may_see = sa.or_(_jobs.c.owner.is_(None), _jobs.c.owner == viewer)
    return sa.and_(_jobs.c.id.in_(list(job_ids)), _jobs.c.created_at > created_after, may_see)


def _count(connection: sa.Connection, status: Status) -> int:
    return connection.execute(sa.select(sa.func.count()).where(_jobs.c.status == status)).scalar_one()


def _job(row: sa.RowMapping) -> Job:
    plain = {name: row[name] for name in Job.__dataclass_fields__ if name not in ("outcome", "failure")}
    outcome = Outcome(**json.loads(row["outcome"])) if row["outcome"] else None
    failure = Failure(**json.loads(row["failure"])) if row["failure"] else None
    return Job(**plain, outcome=outcome, failure=failure)
