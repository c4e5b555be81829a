"""The job table: takes uploads as queued jobs, hands them to one worker at a time under a lease, keeps how they ended.

The row is the truth about a job; everything else (files, processes) follows it. SQLite in WAL mode, so that the web
process reads while the worker writes.
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

Status = Literal["queued", "running", "done", "failed"]

LEASE_S = 30.0
# A photo that takes its worker down (out of memory, a crash in a decoder) must not do so for ever.
MOST_LOSSES = 5
_BUSY_TIMEOUT_MS = 15_000

_metadata = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("status", sa.String, nullable=False, default="queued"),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("mimetype", sa.String, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("queued_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("lease_owner", sa.String),
    sa.Column("lease_until", sa.Float),
    sa.Column("losses", sa.Integer, nullable=False, default=0),
    sa.Column("outcome", sa.String),
    sa.Column("failure", sa.String),
    sa.Index("jobs_by_status", "status", "queued_at"),
)


@dataclass(frozen=True)
class NewJob:
    """An accepted upload: the name its user gave the file, its type, and its size in pixels as the header says."""

    id: str
    name: str
    mimetype: str
    width: int
    height: int


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
        data_dir.mkdir(parents=True, exist_ok=True)
        self._engine = sa.create_engine(f"sqlite:///{data_dir / 'jobs.sqlite3'}")
        sa.event.listen(self._engine, "connect", _set_pragmas)
        # SQLite connections must not cross a fork (gunicorn with preload).
        os.register_at_fork(after_in_child=lambda: self._engine.dispose(close=False))
        self._create_schema(data_dir)

    def _create_schema(self, data_dir: Path) -> None:
        # Web processes start together, and the switch to WAL does not wait for others: one at a time.
        with (data_dir / "jobs.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                connection.execute(CreateTable(_jobs, if_not_exists=True))
                for index in _jobs.indexes:
                    index.create(connection, checkfirst=True)
                connection.commit()

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def add(self, new: Iterable[NewJob]) -> None:
        """Queue jobs, all or none, in the given order."""
        with self._engine.begin() as connection:
            for job in new:
                now = time.time()
                row = {"created_at": now, "queued_at": now, **vars(job)}
                connection.execute(_jobs.insert().values(row))

    def get(self, job_id: str) -> Job | None:
        """Return the job, or None where there is none."""
        return self.get_many([job_id]).get(job_id)

    def get_many(self, job_ids: Iterable[str]) -> dict[str, Job]:
        """Return those jobs of `job_ids` that exist, by id."""
        with self._engine.connect() as connection:
            rows = connection.execute(_jobs.select().where(_jobs.c.id.in_(list(job_ids)))).mappings()
            return {row["id"]: _job(row) for row in rows}

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
        return self._update_held(job_id, owner, lease_until=time.time() + LEASE_S)

    def finish(self, job_id: str, owner: str, outcome: Outcome) -> bool:
        """Record the result; False where `owner` no longer holds the job."""
        return self._end(job_id, owner, status="done", outcome=json.dumps(vars(outcome)))

    def fail(self, job_id: str, owner: str, failure: Failure) -> bool:
        """Record the reason; False where `owner` no longer holds the job."""
        return self._end(job_id, owner, status="failed", failure=json.dumps(vars(failure), default=str))

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
            connection.execute(_jobs.update().where(last).values(lost | failed))
            connection.execute(_jobs.update().where(running).values(lost | back))

    def _end(self, job_id: str, owner: str, **values: Any) -> bool:
        return self._update_held(job_id, owner, finished_at=time.time(), lease_owner=None, lease_until=None, **values)

    def _update_held(self, job_id: str, owner: str, **values: Any) -> bool:
        held = sa.and_(_jobs.c.id == job_id, self._held_by(owner))
        with self._engine.begin() as connection:
            return connection.execute(_jobs.update().where(held).values(values)).rowcount == 1

    @staticmethod
    def _held_by(owner: str) -> sa.ColumnElement[bool]:
        return sa.and_(_jobs.c.status == "running", _jobs.c.lease_owner == owner)


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous=NORMAL")


def _job(row: sa.RowMapping) -> Job:
    plain = {name: row[name] for name in Job.__dataclass_fields__ if name not in ("outcome", "failure")}
    outcome = Outcome(**json.loads(row["outcome"])) if row["outcome"] else None
    failure = Failure(**json.loads(row["failure"])) if row["failure"] else None
    return Job(**plain, outcome=outcome, failure=failure)
