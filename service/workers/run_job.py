"""A claimed job in, its end in the table out: done, failed with a reason, or put back for later.

Every worker does its jobs through this, whoever gave it the job. Nothing here loads torch.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, Protocol, TypeVar

from colorizers.errors import ColorizerError
from service.domain.job import Failure, Job, Outcome
from service.jobs.database import DATABASE_ERRORS
from service.jobs.queue import LEASE_S
from service.jobs.store import JobStore
from service.logging_setup import REQUEST_ID
from service.storage.base import StorageError
from service.storage.local import PhotoFiles

Ended = Literal["ended", "postponed"]

# With the pauses of `pause_s` in between, a storage may be out of order for some five minutes.
MOST_POSTPONED = 14
_LONGEST_PAUSE_S = 30.0
_RENEW_S = LEASE_S / 3
_AGAIN_S = 1.0

GONE = Failure("not_found", 404, "The photo that this was to be made of is no longer kept.")
NO_STORAGE = Failure(
    "storage_unavailable", 503, "The server could not keep the result: its storage is full or out of order."
)

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Painting(Protocol):
    """What does the work itself."""

    def paint(self, job: Job, parent: Job | None, report: Callable[[str], None]) -> Outcome:
        """Write the files of `job`, whose parent is `parent`; tell `report` about every step."""


class JobRunner:
    """The work of one worker, under one name."""

    def __init__(self, name: str, jobs: JobStore, files: PhotoFiles, painter: Painting) -> None:
        self._name = name
        self._jobs = jobs
        self._files = files
        self._painter = painter

    def do(self, job: Job) -> Ended:
        """Do a job that this worker has claimed. Postponed means that it waits again, and better not at once."""
        REQUEST_ID.set(job.request_id)
        try:
            with self._kept_lease(job):
                return self._do(job)
        finally:
            REQUEST_ID.set(None)

    def _do(self, job: Job) -> Ended:
        try:
            parent = self._parent(job)
            if job.parent and parent is None:
                return self._fail(job, GONE)
            outcome = self._painter.paint(job, parent, lambda step: self._report(job, step))
            self._files.sync(job.id)
        except Exception as error:
            if retry_on_db_error(lambda: self._jobs.get(job.id)) is None:
                return self._forget(job)
            if _is_of_storage(error) and job.postponed < MOST_POSTPONED:
                _log.warning("photo %s is put back: %s", job.id[:8], _said(error, job))
                retry_on_db_error(lambda: self._jobs.postpone(job.id, self._name))
                return "postponed"
            return self._fail(job, _failure(job, error))
        if retry_on_db_error(lambda: self._jobs.finish(job.id, self._name, outcome)):
            _log.info("%s of photo %s done in %.2f s", job.kind, job.id[:8], sum(outcome.timings.values()))
        elif retry_on_db_error(lambda: self._jobs.get(job.id)) is None:
            self._forget(job)
        return "ended"

    def _parent(self, job: Job) -> Job | None:
        parent = job.parent
        return retry_on_db_error(lambda: self._jobs.get(parent)) if parent else None

    def _fail(self, job: Job, failure: Failure) -> Ended:
        retry_on_db_error(lambda: self._jobs.fail(job.id, self._name, failure))
        return "ended"

    def _forget(self, job: Job) -> Ended:
        _log.info("photo %s was deleted while it was worked on", job.id[:8])
        with suppress(StorageError, OSError):
            self._files.remove(job.id)
        return "ended"

    def _report(self, job: Job, step: str) -> None:
        try:
            self._jobs.report(job.id, self._name, step)
        except DATABASE_ERRORS as error:
            _log.warning("nobody learns that photo %s is at %r: %s", job.id[:8], step, error.orig)

    @contextmanager
    def _kept_lease(self, job: Job) -> Iterator[None]:
        """Renew the lease of `job` from a thread while the block runs."""
        ended = threading.Event()

        def renew() -> None:
            pause_s = _RENEW_S
            while not ended.wait(pause_s):
                try:
                    self._jobs.renew(job.id, self._name)
                    pause_s = _RENEW_S
                except DATABASE_ERRORS as error:
                    _log.warning("the lease of photo %s could not be renewed: %s", job.id[:8], error.orig)
                    pause_s = _AGAIN_S

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def retry_on_db_error(ask: Callable[[], T]) -> T:
    """Return what `ask` does, as soon as the database answers it."""
    while True:
        try:
            return ask()
        except DATABASE_ERRORS as error:
            _log.warning("the database does not answer; trying again: %s", error.orig)
            time.sleep(_AGAIN_S)


def pause_s(postponed: int) -> float:
    """Return the seconds to wait after so many jobs in a row had to be put back; none after none."""
    return min(0.5 * 2.0 ** min(postponed - 1, 16), _LONGEST_PAUSE_S) if postponed else 0.0


def _is_of_storage(error: Exception) -> bool:
    """Whether `error` says that a disk is full or a storage out of order, rather than that something is not there."""
    return isinstance(error, StorageError | OSError) and not isinstance(error, FileNotFoundError)


def _said(error: Exception, job: Job) -> str:
    """Return what the log may have of an error: paths name ids, and an id opens its photo to whoever reads it."""
    said = str(error)
    for job_id in filter(None, (job.id, job.parent)):
        said = said.replace(job_id, job_id[:8])
    return said


def _failure(job: Job, error: Exception) -> Failure:
    """Return what the user is told about `error`; what nobody expected is logged in full."""
    if _is_of_storage(error):
        _log.error("photo %s failed: %s", job.id[:8], _said(error, job))
        return NO_STORAGE
    if isinstance(error, ColorizerError):
        _log.warning("photo %s failed: %s", job.id[:8], error.message)
        return Failure(error.code, error.status, error.message, error.data)
    if isinstance(error, FileNotFoundError):
        _log.warning("photo %s failed: %s", job.id[:8], _said(error, job))
        return GONE
    if isinstance(error, MemoryError):
        _log.warning("photo %s failed: out of memory", job.id[:8])
        return Failure("out_of_memory", 422, "There is not enough memory here for a picture of that size.")
    _log.error("photo %s failed", job.id[:8], exc_info=error)
    return Failure("internal_error", 500, "", {"request_id": job.request_id or job.id[:8]})
