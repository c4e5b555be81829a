"""What is no longer to be kept in, nothing left of it out: rows, files, and what a crash left lying about."""

import json
import logging
import time

import sqlalchemy as sa

from service.files import PhotoFiles
from service.jobs import JobStore
from service.tables import batches, requests

_HOUR_S = 3600.0

_log = logging.getLogger(__name__)


def oldest_kept(expire_hours: float) -> float:
    """Return the time before which photos must have been sent to have expired by now."""
    return time.time() - expire_hours * _HOUR_S


def sweep(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove photos that have expired, and files that no row speaks of. Doing so twice at once is harmless."""
    remove_expired(jobs, files, expire_hours)
    remove_orphans(jobs, files, expire_hours)
    files.sweep_incoming()
    forget_requests(jobs.database, oldest_kept(expire_hours))


def remove_expired(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove photos that have expired: nobody sees them any more, then their files go, then their rows."""
    leaving = jobs.expire(oldest_kept(expire_hours))
    for job_id in leaving:
        files.remove(job_id)
    jobs.forget(leaving)
    if leaving:
        _log.info("removed %d photos that had expired", len(leaving))


def remove_orphans(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove files that no row speaks of, such as a crash leaves behind."""
    # Files are there a moment before their row is.
    old = files.ids_older_than(min(oldest_kept(expire_hours), time.time() - _HOUR_S))
    orphans = set(old) - jobs.get_many(old).keys()
    for job_id in orphans:
        files.remove(job_id)
    if orphans:
        _log.info("removed the files of %d photos that nothing belonged to", len(orphans))


def forget_requests(database: sa.Engine, before: float) -> None:
    """Remove what is known of batches and repeatable requests whose photos have expired."""
    with database.begin() as connection:
        for table in (batches, requests):
            connection.execute(table.delete().where(table.c.created_at <= before))


def delete(job_id: str, viewer: str | None, jobs: JobStore, files: PhotoFiles, expire_hours: float) -> bool:
    """Remove a photo that `viewer` may see, and what was made of it, files first; False where there is none."""
    leaving = jobs.cancel(job_id, viewer, oldest_kept(expire_hours))
    for leaving_id in leaving:
        files.remove(leaving_id)
    jobs.forget(leaving)
    if leaving:
        _strike_out(job_id, jobs.database)
    return bool(leaving)


def _strike_out(job_id: str, database: sa.Engine) -> None:
    """Take a photo out of the batches and repeatable requests that name it; those of which nothing is left go."""
    with database.begin() as connection:
        for table in (batches, requests):
            naming = sa.select(table).where(table.c.job_ids.contains(job_id)).with_for_update()
            for row in connection.execute(naming).mappings().all():
                same = sa.and_(*(column == row[column.name] for column in table.primary_key))
                left = [other for other in json.loads(row["job_ids"]) if other != job_id]
                change = table.update().values(job_ids=json.dumps(left)) if left else table.delete()
                connection.execute(change.where(same))
