"""Execution of a claimed job: lease renewal, and its end as done, failed with a reason, or postponed.

Local and Celery workers both use it. It does not import torch.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, Protocol, TypeVar

from colorizers.errors import ColorizerError
from service.domain.job import Failure, Job, Outcome
from service.domain.problems import status_of
from service.jobs.database import DATABASE_ERRORS
from service.jobs.queue import LEASE_S
from service.jobs.store import JobStore
from service.logging_setup import REQUEST_ID
from service.storage.base import StorageError
from service.storage.local import PhotoFiles

Ended = Literal["ended", "postponed"]

# With the pauses of `pause_s` in between, a storage may fail for some five minutes.
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
    """The part of a painter that does a job."""

    def paint(self, job: Job, parent: Job | None, report: Callable[[str], None]) -> Outcome:
        """Write the files of `job`, whose parent is `parent`; call `report` with the name of each step."""


class JobRunner:
    """Runs the jobs of one worker, under its name."""

    def __init__(self, name: str, jobs: JobStore, files: PhotoFiles, painter: Painting) -> None:
        self._name = name
        self._jobs = jobs
        self._files = files
        self._painter = painter

    def do(self, job: Job) -> Ended:
        """Do a claimed job. A postponed one waits again, and should not be tried at once."""
        REQUEST_ID.set(job.request_id)
        try:
            with self._kept_lease(job):
                return self._do(job)
        finally:
            REQUEST_ID.set(None)

    def _do(self, job: Job) -> Ended:
        try:
            outcome = self._painter.paint(job, self._parent(job), lambda step: self._report(job, step))
            self._files.sync(job.id)
        except Exception as error:
            return self._end_failed(job, error)
        if retry_on_db_error(lambda: self._jobs.finish(job.id, self._name, outcome)):
            _log.info("%s of photo %s done in %.2f s", job.kind, job.id[:8], sum(outcome.timings.values()))
        else:
            self._is_deleted(job)
        return "ended"

    def _parent(self, job: Job) -> Job | None:
        """Return the job's parent, None if it has none. Raises `FileNotFoundError` where it has been deleted."""
        parent_id = job.parent
        if parent_id is None:
            return None
        parent = retry_on_db_error(lambda: self._jobs.get(parent_id))
        if parent is None:
            raise FileNotFoundError(f"the photo {parent_id} is deleted")
        return parent

    def _end_failed(self, job: Job, error: Exception) -> Ended:
        if self._is_deleted(job):
            return "ended"
        if _is_of_storage(error) and job.postponed < MOST_POSTPONED:
            _log.warning("photo %s is put back: %s", job.id[:8], _redacted(error, job))
            retry_on_db_error(lambda: self._jobs.postpone(job.id, self._name))
            return "postponed"
        failure = _failure(job, error)
        retry_on_db_error(lambda: self._jobs.fail(job.id, self._name, failure))
        return "ended"

    def _is_deleted(self, job: Job) -> bool:
        """Return whether the job was deleted meanwhile; if so, remove the files that it has written since."""
        if retry_on_db_error(lambda: self._jobs.get(job.id)) is not None:
            return False
        _log.info("photo %s was deleted while it was worked on", job.id[:8])
        with suppress(StorageError, OSError):
            self._files.remove(job.id)
        return True

    def _report(self, job: Job, step: str) -> None:
        try:
            self._jobs.report(job.id, self._name, step)
        except DATABASE_ERRORS as error:
            _log.warning("the progress of photo %s, %s, is not recorded: %s", job.id[:8], step, error.orig)

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
    """Call `ask` until the database answers, and return its result."""
    while True:
        try:
            return ask()
        except DATABASE_ERRORS as error:
            _log.warning("the database does not answer; trying again: %s", error.orig)
            time.sleep(_AGAIN_S)


def pause_s(postponed: int) -> float:
    """Return the seconds to wait after `postponed` postponements in a row, 0 after none."""
    return min(0.5 * 2.0 ** min(postponed - 1, 16), _LONGEST_PAUSE_S) if postponed else 0.0


def _is_of_storage(error: Exception) -> bool:
    """Return whether `error` means a full disk or a failing storage, rather than a missing file."""
    return isinstance(error, StorageError | OSError) and not isinstance(error, FileNotFoundError)


def _redacted(error: Exception, job: Job) -> str:
    """Return the error's text for the log with ids shortened, as an id gives access to its photo."""
    text = str(error)
    for job_id in filter(None, (job.id, job.parent)):
        text = text.replace(job_id, job_id[:8])
    return text


def _failure(job: Job, error: Exception) -> Failure:
    """Return the failure that users see; log an unexpected error in full."""
    if _is_of_storage(error):
        _log.error("photo %s failed: %s", job.id[:8], _redacted(error, job))
        return NO_STORAGE
    if isinstance(error, ColorizerError):
        _log.warning("photo %s failed: %s", job.id[:8], error.message)
        return Failure(error.code, status_of(error.code), error.message, error.data)
    if isinstance(error, FileNotFoundError):
        _log.warning("photo %s failed: %s", job.id[:8], _redacted(error, job))
        return GONE
    if isinstance(error, MemoryError):
        _log.warning("photo %s failed: out of memory", job.id[:8])
        return Failure("out_of_memory", 422, "There is not enough memory here for a picture of that size.")
    _log.error("photo %s failed", job.id[:8], exc_info=error)
    return Failure("internal_error", 500, "", {"request_id": job.request_id or job.id[:8]})
