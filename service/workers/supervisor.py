"""Keeps the worker processes of a data folder alive: takes settings, starts workers, restarts what dies.

`run.sh` runs this module as a process of its own; an application that was started without it runs the same loops in
threads, from the first time it needs a worker. A file lock lets one of them at a time have the workers; the others
stand by and take over. A worker holds the read end of a pipe from its supervisor: it ends with it, however that ends.
"""

import atexit
import fcntl
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import sqlalchemy as sa

from service.jobs.counters import announce_worker, forget_workers, remove_heartbeat
from service.jobs.database import DATABASE_ERRORS
from service.jobs.store import JobStore, open_jobs
from service.logging_setup import configure_logging
from service.settings import ROOT, Settings, load_settings
from service.shutdown_signals import exit_on
from service.storage.private_files import create_private
from service.workers.capacity import worker_count, worker_environ

_POLL_S = 0.1
_STANDBY_POLL_S = 1.0
_STOP_WITHIN_S = 5.0
_LIVED_WELL_S = 30.0
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_AFTER_SIGNAL_S = 1.0
# A worker that fails by itself at its start (a broken installation) will mostly do so again.
_LONGEST_DELAY_AFTER_EXIT_S = 30.0

_log = logging.getLogger("service.workers.supervisor")


class Supervisor:
    """Owns the workers of one data folder, or stands by while another supervisor does."""

    def __init__(self, settings: Settings, jobs: JobStore) -> None:
        self._settings = settings
        self._jobs = jobs
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ensure(self) -> None:
        """Make sure that someone looks after the workers; returns at once. The first call starts the thread.

        Where a broker carries the work elsewhere, there are no local workers.
        """
        if self._settings.broker_url:
            return
        with self._starting:
            if self._stop.is_set() or (self._thread and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
            self._thread.start()
            atexit.register(self.stop)

    def forget_dead_workers(self) -> None:
        """Remove what workers recorded that were killed together with their supervisor: it would pass for true.

        To be called before anybody is told about workers; where there are some, or may be elsewhere, it does nothing.
        """
        if self._is_shared():
            return
        with self._lock_file() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._record(forget_workers)

    def _is_shared(self) -> bool:
        """Whether workers of other machines may be in the same database."""
        return bool(self._settings.database_url or self._settings.broker_url)

    def stop(self) -> None:
        """End the workers and the threads, if this supervisor has them; a second call does nothing."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        atexit.unregister(self.stop)

    def _run(self) -> None:
        with self._worker_lock() as mine:
            if mine:
                # What is running in a database that other machines share may well be theirs: leases tell.
                if not self._is_shared():
                    self._jobs.requeue_all()
                    self._record(forget_workers)
                self._keep_all_alive()

    @contextmanager
    def _worker_lock(self) -> Iterator[bool]:
        with self._lock_file() as lock:
            yield self._wait_for(lock.fileno())

    def _lock_file(self) -> TextIO:
        path = self._settings.data_dir / "worker.lock"
        create_private(path)
        return path.open("w")

    def _wait_for(self, lock: int) -> bool:
        while not self._stop.is_set():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._stop.wait(_STANDBY_POLL_S)
            else:
                return True
        return False

    def _keep_all_alive(self) -> None:
        count = worker_count(self._settings)
        _log.info("starting %d workers", count)
        keepers = [
            threading.Thread(target=self._keep_alive, args=(slot,), name=f"keeper-{slot}", daemon=True)
            for slot in range(count)
        ]
        for keeper in keepers:
            keeper.start()
        for keeper in keepers:
            keeper.join()

    def _keep_alive(self, slot: int) -> None:
        deaths = 0
        while not self._stop.is_set():
            started = time.monotonic()
            status = self._run_worker(worker_environ(self._settings, slot))
            if self._stop.is_set():
                return
            deaths = 1 if time.monotonic() - started > _LIVED_WELL_S else deaths + 1
            delay = restart_delay(status, deaths)
            _log.warning("a worker ended with status %s; starting another in %.1f s", status, delay)
            self._stop.wait(delay)

    def _run_worker(self, share: dict[str, str]) -> int:
        """Run one worker to its end, and give its jobs back; returns its exit status (negative: the signal).

        `share` are the environment variables that say how much of the machine is for it.
        """
        name = f"worker-{secrets.token_hex(4)}"
        environ = {**os.environ, **self._settings.to_environ(), **share}
        command = [sys.executable, "-m", "service.workers.worker", name]
        self._record(lambda connection: announce_worker(connection, name))
        worker = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.PIPE)
        try:
            while worker.poll() is None and not self._stop.is_set():
                self._stop.wait(_POLL_S)
            return self._end(worker)
        finally:
            self._record(lambda connection: remove_heartbeat(connection, name))
            self._give_back(name)

    def _record(self, what: Callable[[sa.Connection], None]) -> None:
        """Record something about workers; a database that does not answer keeps none of them from working."""
        try:
            with self._jobs.database.begin() as connection:
                what(connection)
        except DATABASE_ERRORS as error:
            _log.warning("the database does not answer: %s", error.orig)

    def _give_back(self, name: str) -> None:
        """Give back the jobs of a worker that has ended; without the database, their leases do."""
        try:
            self._jobs.requeue_abandoned(name)
        except DATABASE_ERRORS as error:
            _log.warning("the database does not answer: %s", error.orig)

    @staticmethod
    def _end(worker: "subprocess.Popen[bytes]") -> int:
        worker.terminate()
        try:
            worker.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            worker.kill()
        if worker.stdin:
            worker.stdin.close()
        return worker.wait()


def restart_delay(status: int, deaths: int) -> float:
    """Return the seconds to wait after the `deaths`-th early death in a row; `status` as subprocess gives it."""
    longest = _LONGEST_DELAY_AFTER_SIGNAL_S if status < 0 else _LONGEST_DELAY_AFTER_EXIT_S
    return float(min(_FIRST_DELAY_S * 2 ** min(deaths - 1, 16), longest))


def main() -> None:
    """Supervise until SIGTERM or SIGINT."""
    configure_logging()
    settings = load_settings()
    supervisor = Supervisor(settings, open_jobs(settings))
    exit_on(signal.SIGTERM, signal.SIGINT)
    try:
        while True:
            supervisor.ensure()
            time.sleep(_STANDBY_POLL_S)
    finally:
        supervisor.stop()


if __name__ == "__main__":
    main()
