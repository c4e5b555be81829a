"""Maintenance thread of a worker: heartbeat, expired leases, lost messages, expired photos and orphaned files.

Chores that are needed once for all workers are done by one of them each time.
"""

import logging
import threading

from service.jobs.counters import WorkerState, heartbeat, remove_heartbeat, take_turn
from service.jobs.database import DATABASE_ERRORS
from service.jobs.queue import BrokerError
from service.jobs.retention import remove_expired, remove_orphans
from service.jobs.store import JobStore
from service.storage.base import StorageError
from service.storage.local import PhotoFiles

_LOOK_S = 5.0
_EXPIRE_S = 60.0
# Lists all files, which is slow.
_ORPHANS_S = 900.0

_log = logging.getLogger(__name__)


class Maintenance:
    """The periodic chores of one worker, under its name."""

    def __init__(self, name: str, jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
        self._name = name
        self._jobs = jobs
        self._files = files
        self._expire_hours = expire_hours
        self._state: WorkerState = "starting"
        # Serializes heartbeats, so that the thread writes no older state after a newer one.
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="maintenance", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def set_state(self, state: WorkerState) -> None:
        """Record the worker's state, now and with later heartbeats."""
        self._state = state
        try:
            self._heartbeat()
        except DATABASE_ERRORS as error:
            _log.warning("the state %s is recorded later: %s", state, error.orig)

    def end(self) -> None:
        """Stop the thread, and remove the heartbeat."""
        with self._lock:
            self._ended.set()
            remove_heartbeat(self._jobs.database, self._name)

    def _heartbeat(self) -> None:
        with self._lock:
            if not self._ended.is_set():
                with self._jobs.database.begin() as connection:
                    heartbeat(connection, self._name, "worker", self._state)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._do_chores()
            except (*DATABASE_ERRORS, BrokerError, StorageError, OSError) as error:
                _log.warning("maintenance is repeated later: %s", error)
            self._ended.wait(_LOOK_S)

    def _do_chores(self) -> None:
        database = self._jobs.database
        self._heartbeat()
        self._jobs.requeue_expired()
        if self._jobs.messages:
            self._jobs.send_missing()
        if take_turn(database, "expire", _EXPIRE_S):
            remove_expired(self._jobs, self._files, self._expire_hours)
        if take_turn(database, "orphans", _ORPHANS_S):
            remove_orphans(self._jobs, self._files, self._expire_hours)
        self._files.sweep_incoming()
