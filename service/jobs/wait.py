"""Waiting for the end of jobs: one poll of the database serves all waiting requests of a process.

With a poll for each, waiting requests would load the machine more than the photos they wait for.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from service.jobs.database import DATABASE_ERRORS
from service.jobs.store import JobStore

_LOOK_S = 0.05
_AGAIN_S = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Waiter:
    job_ids: frozenset[str]
    ended: threading.Event = field(default_factory=threading.Event)


class EndedJobs:
    """The jobs that requests of one process wait for, polled by a thread while there are any."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._thread: threading.Thread | None = None

    def wait(self, job_ids: Iterable[str], seconds: float) -> bool:
        """Return whether those jobs have all ended, or been deleted, within `seconds`."""
        waiter = _Waiter(frozenset(job_ids))
        with self._lock:
            self._waiters.append(waiter)
            if not self._thread or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="waiting", daemon=True)
                self._thread.start()
        try:
            return waiter.ended.wait(seconds)
        finally:
            with self._lock:
                self._waiters.remove(waiter)

    def _look(self) -> None:
        while waiters := self._all():
            try:
                unfinished = self._jobs.unfinished(frozenset().union(*(waiter.job_ids for waiter in waiters)))
            except DATABASE_ERRORS as error:
                _log.warning("waiting requests poll again later, as the database does not answer: %s", error.orig)
                time.sleep(_AGAIN_S)
                continue
            for waiter in waiters:
                if not waiter.job_ids & unfinished:
                    waiter.ended.set()
            time.sleep(_LOOK_S)

    def _all(self) -> list[_Waiter]:
        """Return all waiters; without any, forget the thread, as it ends."""
        with self._lock:
            if not self._waiters:
                self._thread = None
            return list(self._waiters)
