"""Ids of jobs in, word when they have ended out: one question to the database serves all requests that wait.

With a question for each, forms that wait would take more of the machine than the photos they wait for.
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
    """What the requests of one process wait for. A thread looks for all of them while there are any."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._thread: threading.Thread | None = None

    def wait(self, job_ids: Iterable[str], seconds: float) -> bool:
        """Return whether those jobs have all ended, or left, within that time."""
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
                _log.warning("requests wait on, as the database does not answer: %s", error.orig)
                time.sleep(_AGAIN_S)
                continue
            for waiter in waiters:
                if not waiter.job_ids & unfinished:
                    waiter.ended.set()
            time.sleep(_LOOK_S)

    def _all(self) -> list[_Waiter]:
        """Return all waiters; without any, the next one starts another thread."""
        with self._lock:
            if not self._waiters:
                self._thread = None
            return list(self._waiters)
