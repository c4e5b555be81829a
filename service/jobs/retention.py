"""Removal of what is no longer to be kept: deleted and expired photos, and files that a crash left behind."""

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
    """Return the time before which photos must have been sent to have expired by now."""
    return time.time() - expire_hours * _HOUR_S


def kept_until_s(job: Job, expire_hours: float) -> float:
    """Return when `job` expires, with the photo that it was made of, in seconds since the epoch."""
    return job.kept_since + expire_hours * _HOUR_S


def sweep(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove photos that have expired, and files that no row speaks of. Doing so twice at once is harmless."""
    remove_expired(jobs, files, expire_hours)
    remove_orphans(jobs, files, expire_hours)
    files.sweep_incoming()
    forget_requests(jobs.database, oldest_kept(expire_hours))


def remove_expired(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove photos that have expired with all that was made of them, and files that are left of deleted ones.

    Nobody sees them any more, then their rows go, then their files.
    """
    expired = jobs.expire(oldest_kept(expire_hours))
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
        kept = sa.select(batches.c.id)
        connection.execute(batch_photos.delete().where(batch_photos.c.batch.not_in(kept)))


def delete(job_ids: list[str], viewer: str | None, jobs: JobStore, files: PhotoFiles, expire_hours: float) -> Deleted:
    """Delete photos and versions that `viewer` may see, and everything that was made of them, rows first."""
    return _without_files(jobs.delete(job_ids, viewer, oldest_kept(expire_hours)), files)


def delete_own(owner: str, jobs: JobStore, files: PhotoFiles, expire_hours: float) -> Deleted:
    """Delete all photos that `owner` has sent, and everything that was made of them, rows first."""
    return _without_files(jobs.delete_own(owner, oldest_kept(expire_hours)), files)


def _without_files(deleted: Deleted, files: PhotoFiles) -> Deleted:
    """Remove the files of what was deleted. Raises `StorageError`: the workers' sweep removes them then."""
    for job_id in deleted.job_ids:
        files.remove(job_id)
    return deleted
