"""What a worker does beside its work: says that it lives, sees to jobs that others lost, and removes what has expired.

It does so in a thread, whatever the work takes. Of what is to be done once for all workers, one does it each time.
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
# Looks at every file that there is.
_ORPHANS_S = 900.0

_log = logging.getLogger(__name__)


class Maintenance:
    """The chores of one worker, under its name."""

    def __init__(self, name: str, jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
        self._name = name
        self._jobs = jobs
        self._files = files
        self._expire_hours = expire_hours
        self._state: WorkerState = "starting"
        # What the thread says must not follow what is said here, and be older.
        self._saying = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        """Begin with them."""
        self._thread.start()

    def say(self, state: WorkerState) -> None:
        """Say how far the worker is, now and from now on."""
        self._state = state
        try:
            self._say_alive()
        except DATABASE_ERRORS as error:
            _log.warning("said later: %s", error.orig)

    def end(self) -> None:
        """Leave them to others, and say goodbye."""
        with self._saying, self._jobs.database.begin() as connection:
            self._ended.set()
            remove_heartbeat(connection, self._name)

    def _say_alive(self) -> None:
        with self._saying:
            if not self._ended.is_set():
                with self._jobs.database.begin() as connection:
                    heartbeat(connection, self._name, "worker", self._state)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._do()
            except (*DATABASE_ERRORS, BrokerError, StorageError, OSError) as error:
                _log.warning("put off: %s", error)
            self._ended.wait(_LOOK_S)

    def _do(self) -> None:
        database = self._jobs.database
        self._say_alive()
        self._jobs.requeue_expired()
        if self._jobs.messages:
            self._jobs.send_missing()
        if take_turn(database, "expire", _EXPIRE_S):
            remove_expired(self._jobs, self._files, self._expire_hours)
        if take_turn(database, "orphans", _ORPHANS_S):
            remove_orphans(self._jobs, self._files, self._expire_hours)
        self._files.sweep_incoming()
