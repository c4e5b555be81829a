"""Lease-based job queue on SQLAlchemy, for SQLite and PostgreSQL.

A worker holds a job for as long as it renews its lease. Updates by a worker that no longer holds the lease are ignored,
so doing a job twice changes nothing.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import sqlalchemy as sa

from colorizers.errors import ColorizerError
from service.domain.job import AT_ONCE, WORKER_LOST, Failure, Job, NewJob, Outcome, job_of
from service.jobs.counters import Amounts, Labels, add_to_totals, labels
from service.jobs.schema import CHANGING, wait_for_turn
from service.jobs.schema import jobs as _jobs

LEASE_S = 30.0
# A photo that kills its worker (out of memory, a crash in a decoder) is not retried for ever.
MOST_LOSSES = 5
_LATEST = 20
_FIRST_GUESS_S = 2.0

# With a broker: rows older than `_ARRIVED_S` are compared with the number of messages, and a row that no worker has
# claimed for `_SEND_AGAIN_S` gets another message in any case; a surplus message does no harm.
_ARRIVED_S = 5.0
_SEND_AGAIN_S = 900.0

Sending = tuple[str, int]
"""A queued job's id and priority, for a message to the workers."""


class BrokerError(Exception):
    """The message broker does not answer."""


class PhotoGoneError(ColorizerError):
    """The photo that a job was to be made of has been deleted."""

    code = "not_found"


class Messages(Protocol):
    """Sender of queued jobs' ids to workers that do not poll the table."""

    def send(self, jobs: Sequence[Sending]) -> Sequence[Sending]:
        """Send a message for each of `jobs`; return those that could not be sent."""

    def count(self) -> int:
        """Return the number of waiting and unacknowledged messages. Raises `BrokerError`."""


_FREE = {"lease_owner": None, "lease_until": None}
_WAITING = {"status": "queued", "started_at": None, "progress": None, "sent_at": None}
_IN_TURN = (_jobs.c.priority, _jobs.c.queued_at, _jobs.c.id)


class Queue:
    """The queue of one database. Every method is one short transaction.

    With `messages`, a message is sent for each queued job.
    """

    def __init__(self, database: sa.Engine, messages: Messages | None = None) -> None:
        self.database = database
        self.messages = messages

    def add(
        self,
        new: Iterable[NewJob],
        most_queued: int | None = None,
        in_transaction: Callable[[sa.Connection, Sequence[NewJob]], object] | None = None,
    ) -> list[Job] | None:
        """Insert jobs, all or none, in the given order, and return them; None where `most_queued` wait already.

        Interactive jobs (`AT_ONCE`) are counted apart from the others. `in_transaction` is called with the jobs in the
        same transaction. Raises `PhotoGoneError` where the photo that a job is to be made of has been deleted.
        """
        new = list(new)
        insert = _jobs.insert().returning(*_jobs.c)
        with self.database.connect() as connection, connection.begin() as transaction:
            wait_for_turn(connection, CHANGING)
            rows = [connection.execute(insert, job.as_row(time.time())).mappings().one() for job in new]
            _check_photos(connection, new)
            # Counted after the insertion, which keeps other processes from adding meanwhile.
            if most_queued is not None and new and _waiting_beside(connection, new) >= most_queued:
                transaction.rollback()
                return None
            if in_transaction:
                in_transaction(connection, new)
        self._tell_workers([(job.id, job.priority) for job in new])
        return [job_of(row) for row in rows]

    def _tell_workers(self, queued: Sequence[Sending]) -> None:
        """Send messages for newly queued jobs; `send_missing` repeats those that fail."""
        if not self.messages or not queued:
            return
        if unsent := self.messages.send(queued):
            these = _jobs.c.id.in_([job_id for job_id, _ in unsent])
            with self.database.begin() as connection:
                connection.execute(_jobs.update().where(these, _jobs.c.status == "queued").values(sent_at=None))

    def send_missing(self) -> None:
        """Send messages for waiting jobs that have none under way. Raises `BrokerError`.

        Where there are fewer messages than jobs that have waited for a while, some were lost: all are sent again.
        """
        messages = self.messages.count() if self.messages else 0
        now = time.time()
        arrived = sa.and_(_jobs.c.status == "queued", _jobs.c.sent_at < now - _ARRIVED_S)
        with self.database.begin() as connection:
            waiting = connection.execute(sa.select(sa.func.count()).where(arrived)).scalar_one()
            since = now - (_ARRIVED_S if waiting > messages else _SEND_AGAIN_S)
            missing = sa.and_(_jobs.c.status == "queued", sa.or_(_jobs.c.sent_at.is_(None), _jobs.c.sent_at < since))
            send = _jobs.update().where(missing).values(sent_at=now).returning(_jobs.c.id, _jobs.c.priority)
            found = sorted((row.priority, row.id) for row in connection.execute(send))
        self._tell_workers([(job_id, priority) for priority, job_id in found])

    def load(self) -> tuple[int, int, float]:
        """Return the number of queued jobs, of running jobs, and the age of the oldest queued one in seconds."""
        unfinished = _jobs.c.status.in_(("queued", "running"))
        counted = sa.select(_jobs.c.status, sa.func.count(), sa.func.min(_jobs.c.created_at)).where(unfinished)
        with self.database.connect() as connection:
            found = {row[0]: row for row in connection.execute(counted.group_by(_jobs.c.status))}
        _, queued, since = found.get("queued", ("queued", 0, None))
        _, running, _ = found.get("running", ("running", 0, None))
        return queued, running, max(0.0, time.time() - since) if since else 0.0

    def service_time_s(self) -> float:
        """Return the mean working time of the latest photos in seconds, a guess before there are any."""
        took = sa.select(_jobs.c.finished_at - _jobs.c.started_at)
        photos = took.where(_jobs.c.status == "done", _jobs.c.kind == "colorization")
        with self.database.connect() as connection:
            times = connection.execute(photos.order_by(_jobs.c.finished_at.desc()).limit(_LATEST)).scalars().all()
        return sum(times) / len(times) if times else _FIRST_GUESS_S

    def places_in_queue(self, jobs: Iterable[Job]) -> dict[str, int]:
        """Return by id, for those of `jobs` that are queued, the number of jobs ahead, those running included."""
        waiting = [job.id for job in jobs if job.status == "queued"]
        if not waiting:
            return {}
        sooner = sa.func.rank().over(order_by=(_jobs.c.priority, _jobs.c.queued_at)) - 1
        queue = sa.select(_jobs.c.id, sooner.label("sooner")).where(_jobs.c.status == "queued").subquery()
        running = sa.select(sa.func.count()).where(_jobs.c.status == "running").scalar_subquery()
        places = sa.select(queue.c.id, (queue.c.sooner + running).label("place")).where(queue.c.id.in_(waiting))
        with self.database.connect() as connection:
            return {row.id: row.place for row in connection.execute(places)}

    def claim(self, owner: str) -> Job | None:
        """Give the first waiting job to `owner` under a lease of `LEASE_S`; None where nothing waits."""
        self.requeue_expired()
        first = sa.select(_jobs.c.id).where(_jobs.c.status == "queued").order_by(*_IN_TURN).limit(1)
        free = first.with_for_update(skip_locked=True).scalar_subquery()
        return self._claim(sa.and_(_jobs.c.id == free, _jobs.c.status == "queued"), owner)

    def claim_one(self, job_id: str, owner: str) -> Job | None:
        """Give that job to `owner` as `claim` does; None where it does not wait."""
        self.requeue_expired()
        return self._claim(sa.and_(_jobs.c.id == job_id, _jobs.c.status == "queued"), owner)

    def _claim(self, which: sa.ColumnElement[bool], owner: str) -> Job | None:
        now = time.time()
        taken = {"status": "running", "started_at": now, "lease_owner": owner, "lease_until": now + LEASE_S}
        claim = _jobs.update().where(which).values(taken).returning(*_jobs.c)
        with self.database.begin() as connection:
            row = connection.execute(claim).mappings().one_or_none()
            return job_of(row) if row else None

    def renew(self, job_id: str, owner: str) -> bool:
        """Extend the lease; False where `owner` no longer holds it."""
        return self._change(job_id, owner, lease_until=time.time() + LEASE_S)

    def report(self, job_id: str, owner: str, progress: str) -> bool:
        """Record the current step of the work; False where `owner` no longer holds the job."""
        return self._change(job_id, owner, progress=progress)

    def postpone(self, job_id: str, owner: str) -> int | None:
        """Put a job that cannot be done now at the end of the queue, without counting it as a failure.

        Return how often it has been postponed; None where `owner` no longer holds the job.
        """
        now = time.time()
        # With a broker, Celery's retry delivers the message again.
        back = {**_WAITING, **_FREE, "queued_at": now, "sent_at": now, "postponed": _jobs.c.postponed + 1}
        change = _jobs.update().where(_held(job_id, owner)).values(back).returning(_jobs.c.postponed)
        with self.database.begin() as connection:
            return connection.execute(change).scalar_one_or_none()

    def finish(self, job_id: str, owner: str, outcome: Outcome) -> bool:
        """Record the result; False where `owner` no longer holds the job."""
        stages = {name.removesuffix("_s"): seconds for name, seconds in outcome.timings.items()}
        amounts: dict[tuple[str, Labels], float] = {("stage_s", labels(stage=name)): stages[name] for name in stages}
        amounts |= {("stage_count", labels(stage=name)): 1 for name in stages}
        values = {"status": "done", "outcome": json.dumps(vars(outcome))}
        return self._end(job_id, owner, {"outcome": "done"}, amounts, values)

    def fail(self, job_id: str, owner: str, failure: Failure) -> bool:
        """Record the reason; False where `owner` no longer holds the job."""
        values = {"status": "failed", "failure": json.dumps(vars(failure), default=str)}
        return self._end(job_id, owner, {"outcome": "failed", "code": failure.code}, {}, values)

    def release(self, owner: str) -> None:
        """Put the jobs of an owner that shuts down back to their places in the queue."""
        held = sa.and_(_jobs.c.status == "running", _jobs.c.lease_owner == owner)
        with self.database.begin() as connection:
            connection.execute(_jobs.update().where(held).values({**_WAITING, **_FREE}))

    def requeue_abandoned(self, owner: str) -> None:
        """Move the jobs of an owner that died to the end of the queue; a job lost `MOST_LOSSES` times fails."""
        self._requeue(_jobs.c.lease_owner == owner)

    def requeue_expired(self) -> None:
        """Requeue jobs whose lease has run out, as `requeue_abandoned` does."""
        self._requeue(_jobs.c.lease_until < time.time())

    def requeue_all(self) -> None:
        """Requeue all running jobs, as `requeue_abandoned` does: for a supervisor whose predecessor died."""
        self._requeue(sa.true())

    def _requeue(self, condition: sa.ColumnElement[bool]) -> None:
        running = sa.and_(_jobs.c.status == "running", condition)
        lost = {"losses": _jobs.c.losses + 1, **_FREE}
        now = time.time()
        failed = {"status": "failed", "finished_at": now, "failure": json.dumps(vars(WORKER_LOST))}
        with self.database.begin() as connection:
            if connection.execute(sa.select(_jobs.c.id).where(running).limit(1)).first() is None:
                return
            last = sa.and_(running, _jobs.c.losses + 1 >= MOST_LOSSES)
            given_up = connection.execute(_jobs.update().where(last).values(lost | failed)).rowcount
            of = labels(outcome="failed", code=WORKER_LOST.code)
            add_to_totals(connection, {("finished", of): given_up} if given_up else {})
            connection.execute(_jobs.update().where(running).values({**lost, **_WAITING, "queued_at": now}))

    def _change(self, job_id: str, owner: str, **values: Any) -> bool:
        with self.database.begin() as connection:
            return connection.execute(_jobs.update().where(_held(job_id, owner)).values(values)).rowcount == 1

    def _end(self, job_id: str, owner: str, how: dict[str, str], amounts: Amounts, values: dict[str, Any]) -> bool:
        ended = {"finished_at": time.time(), "progress": None, **_FREE, **values}
        end = _jobs.update().where(_held(job_id, owner)).values(ended)
        with self.database.begin() as connection:
            row = connection.execute(end.returning(_jobs.c.kind, _jobs.c.created_at, _jobs.c.started_at)).one_or_none()
            if row:
                counted = {("finished", labels(kind=row.kind, **how)): 1, **amounts}
                waited = {("wait_s", labels()): row.started_at - row.created_at, ("wait_count", labels()): 1}
                add_to_totals(connection, counted | waited)
            return row is not None


def _held(job_id: str, owner: str) -> sa.ColumnElement[bool]:
    return sa.and_(_jobs.c.id == job_id, _jobs.c.status == "running", _jobs.c.lease_owner == owner)


def _check_photos(connection: sa.Connection, new: Sequence[NewJob]) -> None:
    """Raise `PhotoGoneError` unless the photos that `new` are made of exist; the lock prevents later deletion."""
    needed = {above for job in new for above in (job.source, job.parent) if above}
    there = sa.select(sa.func.count()).where(_jobs.c.id.in_(needed))
    if needed and connection.execute(there).scalar_one() < len(needed):
        raise PhotoGoneError("The photo has been deleted.")


def _waiting_beside(connection: sa.Connection, new: Sequence[NewJob]) -> int:
    """Return how many jobs of the same class wait, without `new`, which are inserted already."""
    at_once = new[0].priority == AT_ONCE
    likewise = _jobs.c.priority == AT_ONCE if at_once else _jobs.c.priority != AT_ONCE
    waiting = sa.select(sa.func.count()).where(_jobs.c.status == "queued", likewise)
    return int(connection.execute(waiting).scalar_one()) - len(new)
