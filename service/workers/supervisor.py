"""Supervisor of the worker processes of a data folder: starts them and restarts those that die.

`run.sh` runs this module as a process; an application started without it runs the same loops in threads, from the first
time it needs a worker. A file lock makes one supervisor active, and the others stand by to take over. A worker's
standard input is a pipe from its supervisor, so that it ends with it in any case.
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
from collections.abc import Callable
from typing import TextIO

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
# A worker that exits by itself at its start (a broken installation) will mostly do so again.
_LONGEST_DELAY_AFTER_EXIT_S = 30.0

_log = logging.getLogger("service.workers.supervisor")


class Supervisor:
    """Supervisor of the workers of one data folder; stands by while another one holds the lock."""

    def __init__(self, settings: Settings, jobs: JobStore) -> None:
        self._settings = settings
        self._jobs = jobs
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ensure(self) -> None:
        """Start the supervising thread unless it runs, and return at once. With a broker there are no local workers."""
        if self._settings.broker_url:
            return
        with self._starting:
            if self._stop.is_set() or (self._thread and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
            self._thread.start()
            atexit.register(self.stop)

    def forget_dead_workers(self) -> None:
        """Remove the heartbeats of workers that were killed together with their supervisor.

        To be called before readiness is reported; does nothing where another supervisor or machine has workers.
        """
        if self._is_shared():
            return
        with self._lock_file() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._attempt(lambda: forget_workers(self._jobs.database))

    def _is_shared(self) -> bool:
        """Return whether workers of other machines may use the same database."""
        return bool(self._settings.database_url or self._settings.broker_url)

    def stop(self) -> None:
        """End the workers and threads of this supervisor, if any; a second call does nothing."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        atexit.unregister(self.stop)

    def _run(self) -> None:
        with self._lock_file() as lock:
            if not self._wait_for(lock):
                return
            # In a database that other machines share, running jobs may be theirs; leases decide there.
            if not self._is_shared():
                self._jobs.requeue_all()
                self._attempt(lambda: forget_workers(self._jobs.database))
            self._keep_all_alive()

    def _lock_file(self) -> TextIO:
        path = self._settings.data_dir / "worker.lock"
        create_private(path)
        return path.open("w")

    def _wait_for(self, lock: TextIO) -> bool:
        """Return whether the lock was acquired; False where the supervisor is stopped before."""
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
        """Run one worker to its end, and requeue its jobs; return its exit status (negative: the signal).

        `share` are the environment variables that limit its threads and choose its GPU.
        """
        name = f"worker-{secrets.token_hex(4)}"
        environ = {**os.environ, **self._settings.to_environ(), **share}
        command = [sys.executable, "-m", "service.workers.worker", name]
        self._attempt(lambda: announce_worker(self._jobs.database, name))
        worker = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=subprocess.PIPE)
        try:
            while worker.poll() is None and not self._stop.is_set():
                self._stop.wait(_POLL_S)
            return self._end(worker)
        finally:
            self._attempt(lambda: remove_heartbeat(self._jobs.database, name))
            self._attempt(lambda: self._jobs.requeue_abandoned(name))

    def _attempt(self, write: Callable[[], object]) -> None:
        """Write to the database; workers go on without it, and leases requeue what they lose."""
        try:
            write()
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
