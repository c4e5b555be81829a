"""States of the live workers of an application, from their heartbeats."""

import logging
import time

import sqlalchemy as sa

from service.jobs.counters import WorkerState, live_processes
from service.jobs.database import DATABASE_ERRORS

# Limits the queries of many requests that wait at the same time.
_KEPT_S = 0.5

_log = logging.getLogger(__name__)


class WorkerStates:
    """The states of the live workers of one application, on whatever machines they are."""

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        self._known: set[WorkerState] = set()
        self._known_until = 0.0

    def now(self) -> set[WorkerState]:
        """Return the states of all live workers."""
        return {process.state for process in live_processes(self._database, "worker") if process.state}

    def is_starting(self) -> bool:
        """Return whether no worker is ready and one is starting, as of half a second ago or the last answer."""
        if time.monotonic() >= self._known_until:
            self._known_until = time.monotonic() + _KEPT_S
            try:
                self._known = self.now()
            except DATABASE_ERRORS as error:
                _log.warning("the states of the workers are unknown: %s", error.orig)
        return "starting" in self._known and "ready" not in self._known
