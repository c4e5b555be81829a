"""Queries on the job table with access control: who may read, retry and delete which jobs.

Claiming, leases and outcomes are in `queue`, the base class.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa

from service.domain.job import Job, Kind, job_of
from service.jobs.database import open_database
from service.jobs.deletion import Deleted, delete_rows
from service.jobs.queue import Messages, Queue
from service.jobs.schema import jobs as _jobs
from service.settings import Settings


def open_jobs(settings: Settings) -> "JobStore":
    """Return the store for `DATABASE_URL`, else for SQLite in `DATA_DIR`; with messages if `BROKER_URL` is set."""
    if not settings.broker_url:
        return JobStore(settings.data_dir, settings.database_url)
    # Imports Celery, which is not needed without a broker.
    from service.jobs.celery_app import CeleryMessages

    return JobStore(settings.data_dir, settings.database_url, CeleryMessages(settings.broker_url))


class JobStore(Queue):
    """All jobs of one database. Every method is one short transaction; times are seconds since the epoch."""

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

    def find(self, job_ids: Iterable[str], viewer: str | None, kept_after: float) -> dict[str, Job]:
        """Return those jobs of `job_ids` that `viewer` may see and that have not expired, by id."""
        seen = sa.and_(_jobs.c.id.in_(list(job_ids)), _visible(viewer, kept_after))
        return {job.id: job for job in self._select(seen)}

    def shared(self, share_token: str, kept_after: float) -> Job | None:
        """Return the photo that `share_token` shows, unless it has expired; None where there is none."""
        shown = sa.and_(_jobs.c.share_token == share_token, _jobs.c.kind == "colorization")
        return next(iter(self._select(sa.and_(shown, _jobs.c.kept_since > kept_after))), None)

    def own(
        self, owner: str, kept_after: float, most: int | None = None, before: tuple[float, str] | None = None
    ) -> list[Job]:
        """Return the latest `most` photos, or all, that `owner` has sent after that time, the latest first.

        `before`, time and id of a photo, asks for those that come after it in that order.
        """
        sent = _own(owner, kept_after)
        if before is not None:
            sent = sa.and_(sent, sa.tuple_(_jobs.c.created_at, _jobs.c.id) < sa.tuple_(*before))
        return self._select(sent, most)

    def children(self, job_id: str, kind: Kind, viewer: str | None, kept_after: float) -> list[Job]:
        """Return the previews or renders of a photo that `viewer` may see, the latest first."""
        children = sa.and_(_jobs.c.parent == job_id, _jobs.c.kind == kind)
        return self._select(sa.and_(children, _visible(viewer, kept_after)))

    def versions(self, origin: str, viewer: str | None, kept_after: float) -> list[Job]:
        """Return the photo `origin` and those made from the same original that `viewer` may see, the earliest first."""
        same = sa.or_(_jobs.c.id == origin, _jobs.c.source == origin)
        return self._select(sa.and_(same, _visible(viewer, kept_after)))[::-1]

    def _select(self, condition: sa.ColumnElement[bool], most: int | None = None) -> list[Job]:
        wanted = _jobs.select().where(condition).order_by(_jobs.c.created_at.desc(), _jobs.c.id.desc()).limit(most)
        with self.database.connect() as connection:
            return [job_of(row) for row in connection.execute(wanted).mappings()]

    def retry(self, job_id: str, viewer: str | None, kept_after: float) -> bool:
        """Queue a failed job that `viewer` may see once more; False where there is none."""
        failed = sa.and_(_jobs.c.id == job_id, _visible(viewer, kept_after), _jobs.c.status == "failed")
        now = time.time()
        anew = {"status": "queued", "queued_at": now, "sent_at": now, "started_at": None, "finished_at": None}
        with self.database.begin() as connection:
            change = _jobs.update().where(failed).values(**anew, failure=None, losses=0, postponed=0)
            queued = connection.execute(change.returning(_jobs.c.id, _jobs.c.priority)).all()
        self._tell_workers([(row.id, row.priority) for row in queued])
        return bool(queued)

    def delete(self, job_ids: Iterable[str], viewer: str | None, kept_after: float) -> Deleted:
        """Delete those photos and versions of `job_ids` that `viewer` may see, whatever their state.

        With a photo goes everything that was made of it.
        """
        there = sa.and_(_jobs.c.id.in_(list(job_ids)), _jobs.c.kind == "colorization", _visible(viewer, kept_after))
        with self.database.begin() as connection:
            return delete_rows(connection, there, "cancelled")

    def delete_own(self, owner: str, kept_after: float) -> Deleted:
        """Delete all photos that `owner` has sent, and everything that was made of them."""
        with self.database.begin() as connection:
            return delete_rows(connection, _own(owner, kept_after), "cancelled")

    def expire(self, kept_before: float) -> Deleted:
        """Delete the photos that were sent before that time, and everything that was made of them."""
        with self.database.begin() as connection:
            return delete_rows(connection, _jobs.c.kept_since <= kept_before, "expired")


def _own(owner: str, kept_after: float) -> sa.ColumnElement[bool]:
    return sa.and_(_jobs.c.owner == owner, _jobs.c.kept_since > kept_after, _jobs.c.kind == "colorization")


def _visible(viewer: str | None, kept_after: float) -> sa.ColumnElement[bool]:
    may_see = sa.or_(_jobs.c.owner.is_(None), _jobs.c.owner == viewer)
    return sa.and_(_jobs.c.kept_since > kept_after, may_see)
