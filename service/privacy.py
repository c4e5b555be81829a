"""What is no longer to be kept in, nothing left of it out: rows, files, and what a crash left lying about."""

import logging
import time

from service.files import PhotoFiles
from service.jobs import JobStore

_HOUR_S = 3600.0

_log = logging.getLogger(__name__)


def oldest_kept(expire_hours: float) -> float:
    """Return the time before which photos must have been sent to have expired by now."""
    return time.time() - expire_hours * _HOUR_S


def sweep(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    """Remove photos that have expired, and folders that no row speaks of. Doing so twice at once is harmless."""
    before = oldest_kept(expire_hours)
    leaving = jobs.expire(before)
    for job_id in leaving:
        files.remove(job_id)
    jobs.forget(leaving)
    # A folder is there a moment before its row is.
    old = files.ids_older_than(min(before, time.time() - _HOUR_S))
    forgotten = set(old) - jobs.get_many(old).keys()
    for job_id in forgotten:
        files.remove(job_id)
    files.sweep_incoming()
    if leaving or forgotten:
        _log.info("removed %d photos that had expired, and %d that nothing belonged to", len(leaving), len(forgotten))


def delete(job_id: str, viewer: str | None, jobs: JobStore, files: PhotoFiles, expire_hours: float) -> bool:
    """Remove a photo that `viewer` may see, and what was made of it, files first; False where there is none."""
    leaving = jobs.cancel(job_id, viewer, oldest_kept(expire_hours))
    for leaving_id in leaving:
        files.remove(leaving_id)
    jobs.forget(leaving)
    return bool(leaving)
