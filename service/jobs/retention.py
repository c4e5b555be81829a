"""Expiry and removal of photos: deleted, expired, and files that a crash left without a row."""

import logging
import time

import sqlalchemy as sa

from service.domain.job import Job
from service.jobs.deletion import Deleted, files_to_remove, forget_removed
from service.jobs.schema import batch_photos, batches, requests
from service.jobs.store import JobStore
from service.storage.local import PhotoFiles

_HOUR_S = 3600.0

_log = logging.getLogger(__name__)


def oldest_kept(expire_hours: float) -> float:
    """Return the time in seconds since the epoch; photos sent before it have expired."""
    return time.time() - expire_hours * _HOUR_S


def kept_until_s(job: Job, expire_hours: float) -> float:
    """Return when `job` expires together with its original photo, in seconds since the epoch."""
    return job.kept_since + expire_hours * _HOUR_S


def remove_expired(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove expired photos with all that was made of them, their requests, and files left of deleted photos.

    Rows go before files, so that a failure in between leaves the ids in the table `leaving`.
    """
    expired = jobs.expire(oldest_kept(expire_hours))
    forget_requests(jobs.database, oldest_kept(expire_hours))
    if expired.job_ids:
        _log.info("removed %d photos that had expired", expired.photos + expired.versions)
    removed = []
    for job_id in files_to_remove(jobs.database):
        try:
            files.remove(job_id)
        except OSError as error:
            _log.error("the files of photo %s are still there: %s", job_id[:8], error.strerror)
        else:
            removed.append(job_id)
    forget_removed(jobs.database, removed)


def remove_orphans(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove files without a row, such as a crash leaves behind."""
    # Files are written a moment before their row.
    old = files.ids_older_than(min(oldest_kept(expire_hours), time.time() - _HOUR_S))
    orphans = set(old) - jobs.get_many(old).keys()
    for job_id in orphans:
        files.remove(job_id)
    if orphans:
        _log.info("removed the files of %d photos that nothing belonged to", len(orphans))


def forget_requests(database: sa.Engine, before: float) -> None:
    """Delete batches and idempotency keys created before `before` (seconds since the epoch)."""
    with database.begin() as connection:
        for table in (batches, requests):
            connection.execute(table.delete().where(table.c.created_at <= before))
        kept = sa.select(batches.c.id)
        connection.execute(batch_photos.delete().where(batch_photos.c.batch.not_in(kept)))


def remove_files(deleted: Deleted, files: PhotoFiles) -> Deleted:
    """Remove the files of deleted rows and return `deleted`.

    Raises `StorageError`; the workers' maintenance then removes what is left.
    """
    for job_id in deleted.job_ids:
        files.remove(job_id)
    return deleted
