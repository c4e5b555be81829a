"""The job table: a data folder in, everything that is known about its photos out, to those who may see it.

The row is the truth about a job; everything else (files, processes) follows it. What waits and what is worked on is
`Queue`'s; here is who may see what, and how jobs leave: with them go their previews and renders.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from service.queue import LEASE_S, MOST_LOSSES, BrokerError, Messages, Queue
from service.records import (
    AT_ONCE,
    MANY,
    SINGLE,
    WORKER_LOST,
    Failure,
    Job,
    Kind,
    NewJob,
    Outcome,
    Status,
    job_of,
    new_job_id,
)
from service.settings import Settings
from service.tables import jobs as _jobs
from service.tables import open_database
from service.tallies import add_to_totals, labels

__all__ = [
    "AT_ONCE",
    "LEASE_S",
    "MANY",
    "MOST_LOSSES",
    "SINGLE",
    "WORKER_LOST",
    "BrokerError",
    "Failure",
    "Job",
    "JobStore",
    "Kind",
    "NewJob",
    "Outcome",
    "Status",
    "new_job_id",
    "open_jobs",
]

# Rows on their way out: invisible at once, and gone once their files are.
_LEAVING = ("cancelled", "expired")
_parents = _jobs.alias("parents")


def open_jobs(settings: Settings) -> "JobStore":
    """Return the jobs of the database that is set, else of the data folder's; workers hear of them as is set."""
    if not settings.broker_url:
        return JobStore(settings.data_dir, settings.database_url)
    # Loads Celery, which nobody needs without a broker.
    from service.celery_app import CeleryMessages

    return JobStore(settings.data_dir, settings.database_url, CeleryMessages(settings.broker_url))


class JobStore(Queue):
    """All jobs of one data folder. Every method is one short transaction; times are `time.time()`."""

    def __init__(self, data_dir: Path, database_url: str = "", messages: Messages | None = None) -> None:
        super().__init__(open_database(data_dir, database_url), messages)
        # SQLite connections must not cross a fork (gunicorn with preload).
        os.register_at_fork(after_in_child=lambda: self.database.dispose(close=False))

    def close(self) -> None:
        """Close the connections."""
        self.database.dispose()

    def get(self, job_id: str) -> Job | None:
        """Return the job, or None where there is none."""
        return self.get_many([job_id]).get(job_id)

    def get_many(self, job_ids: Iterable[str]) -> dict[str, Job]:
        """Return those jobs of `job_ids` that exist, by id."""
        return {job.id: job for job in self._select(_jobs.c.id.in_(list(job_ids)))}

    def unfinished(self, job_ids: Iterable[str]) -> set[str]:
        """Return those of `job_ids` that wait or are worked on."""
        wanted = sa.select(_jobs.c.id).where(_jobs.c.id.in_(list(job_ids)), _jobs.c.status.in_(("queued", "running")))
        with self.database.connect() as connection:
            return set(connection.execute(wanted).scalars())

    def find(self, job_ids: Iterable[str], viewer: str | None, created_after: float) -> dict[str, Job]:
        """Return those jobs of `job_ids` that `viewer` may see and that have not expired, by id."""
        seen = sa.and_(_jobs.c.id.in_(list(job_ids)), _visible(viewer, created_after))
        return {job.id: job for job in self._select(seen)}

    def own(
        self,
        owner: str,
        created_after: float,
        most: int | None = None,
        before: tuple[float, str] | None = None,
    ) -> list[Job]:
        """Return the latest `most` photos, or all, that `owner` has sent after that time, the latest first.

        `before`, time and id of a photo, asks for those that come after it in that order.
        """
        sent = sa.and_(_jobs.c.owner == owner, _jobs.c.created_at > created_after, _jobs.c.kind == "colorization")
        if before is not None:
            sent = sa.and_(sent, sa.tuple_(_jobs.c.created_at, _jobs.c.id) < sa.tuple_(*before))
        return self._select(sent, most)

    def of_batch(self, batch: str, viewer: str | None, created_after: float) -> list[Job]:
        """Return the photos of a batch that `viewer` may see, in the order they were sent."""
        return self._select(sa.and_(_jobs.c.batch == batch, _visible(viewer, created_after)))[::-1]

    def children(self, job_id: str, kind: Kind, viewer: str | None, created_after: float) -> list[Job]:
        """Return the previews or renders of a photo that `viewer` may see, the latest first."""
        children = sa.and_(_jobs.c.parent == job_id, _jobs.c.kind == kind)
        return self._select(sa.and_(children, _visible(viewer, created_after)))

    def versions(self, origin: str, viewer: str | None, created_after: float) -> list[Job]:
        """Return the photo `origin` and those made from the same original that `viewer` may see, the earliest first."""
        same = sa.or_(_jobs.c.id == origin, _jobs.c.source == origin)
        return self._select(sa.and_(same, _visible(viewer, created_after)))[::-1]

    def _select(self, condition: sa.ColumnElement[bool], most: int | None = None) -> list[Job]:
        wanted = _jobs.select().where(condition, _jobs.c.status.not_in(_LEAVING))
        wanted = wanted.order_by(_jobs.c.created_at.desc(), _jobs.c.id.desc()).limit(most)
        with self.database.connect() as connection:
            return [job_of(row) for row in connection.execute(wanted).mappings()]

    def retry(self, job_id: str, viewer: str | None, created_after: float) -> bool:
        """Queue a failed job that `viewer` may see once more; False where there is none."""
        failed = sa.and_(_jobs.c.id == job_id, _visible(viewer, created_after), _jobs.c.status == "failed")
        now = time.time()
        anew = {"status": "queued", "queued_at": now, "sent_at": now, "started_at": None, "finished_at": None}
        with self.database.begin() as connection:
            change = _jobs.update().where(failed).values(**anew, failure=None, losses=0, postponed=0)
            queued = connection.execute(change.returning(_jobs.c.id, _jobs.c.priority)).all()
        self._tell_workers([(row.id, row.priority) for row in queued])
        return bool(queued)

    def cancel(self, job_id: str, viewer: str | None, created_after: float) -> list[str]:
        """Make a job that `viewer` may see leave, whatever its state, and its children; returns the ids of all."""
        there = sa.and_(_jobs.c.id == job_id, _visible(viewer, created_after))
        return self._leave("cancelled", there, ("queued", "running", "done", "failed"))

    def expire(self, created_before: float) -> list[str]:
        """Make older jobs leave, except those being worked on, and their children.

        Returns the ids of all that are leaving.
        """
        self._leave("expired", _jobs.c.created_at <= created_before, ("queued", "done", "failed"))
        with self.database.connect() as connection:
            return list(connection.execute(sa.select(_jobs.c.id).where(_jobs.c.status.in_(_LEAVING))).scalars())

    def _leave(self, how: Status, which: sa.ColumnElement[bool], states: tuple[Status, ...]) -> list[str]:
        leave = _jobs.update().values(status=how).returning(_jobs.c.id)
        stays = sa.exists().where(_parents.c.id == _jobs.c.parent, _parents.c.status.not_in(_LEAVING))
        orphaned = sa.and_(_jobs.c.parent.is_not(None), ~stays, _jobs.c.status.not_in(_LEAVING))
        with self.database.begin() as connection:
            gone = list(connection.execute(leave.where(which, _jobs.c.status.in_(states))).scalars())
            add_to_totals(connection, {("finished", labels(outcome=how)): len(gone)} if gone else {})
            # One that was added while its parent left may be among them, even where nothing leaves now.
            children = list(connection.execute(leave.where(orphaned)).scalars())
            return gone + children if gone else []

    def forget(self, job_ids: Iterable[str]) -> None:
        """Remove the rows of jobs that are leaving, after their files."""
        leaving = sa.and_(_jobs.c.id.in_(list(job_ids)), _jobs.c.status.in_(_LEAVING))
        with self.database.begin() as connection:
            connection.execute(_jobs.delete().where(leaving))


def _visible(viewer: str | None, created_after: float) -> sa.ColumnElement[bool]:
    may_see = sa.or_(_jobs.c.owner.is_(None), _jobs.c.owner == viewer)
    return sa.and_(_jobs.c.created_at > created_after, may_see)
