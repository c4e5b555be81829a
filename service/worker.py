"""The one process that owns torch: takes queued jobs from the table one after the other and colours them.

`python -m service.worker NAME` is what the supervisor starts. The process ends with SIGTERM, or when its standard
input closes, which it does when the supervisor is gone; the job under way then goes back to the queue.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from colorizers.errors import ColorizerError
from service.files import PhotoFiles, open_files
from service.jobs import LEASE_S, Failure, Job, JobStore, open_jobs
from service.logs import REQUEST_ID, configure_logging
from service.privacy import sweep
from service.settings import load_settings
from service.signals import exit_on
from service.tallies import say_alive, say_goodbye

if TYPE_CHECKING:
    from service.coloring import Painter

_POLL_S = 0.1
_SWEEP_S = 60.0
_SAY_ALIVE_S = 5.0
_RENEW_S = LEASE_S / 3
_END_WITHIN_S = 5.0

_log = logging.getLogger("service.worker")


class Worker:
    """Works on the jobs of one table, under one name."""

    def __init__(self, name: str, jobs: JobStore, files: PhotoFiles, painter: "Painter", expire_hours: float) -> None:
        self._name = name
        self._jobs = jobs
        self._files = files
        self._painter = painter
        self._expire_hours = expire_hours
        self._next_sweep = 0.0
        self._ended = threading.Event()

    def run(self) -> None:
        """Work until the process is told to end."""
        self._warm_up()
        threading.Thread(target=self._say_alive, name="alive", daemon=True).start()
        try:
            while True:
                self._sweep_now_and_then()
                job = self._jobs.claim(self._name)
                if job is None:
                    time.sleep(_POLL_S)
                else:
                    self._work_on(job)
        finally:
            self._ended.set()
            self._jobs.release(self._name)
            with self._jobs.database.begin() as connection:
                say_goodbye(connection, self._name)

    def _say_alive(self) -> None:
        while not self._ended.is_set():
            try:
                with self._jobs.database.begin() as connection:
                    say_alive(connection, self._name, "worker")
            except OperationalError as error:
                _log.warning("the database did not answer: %s", error.orig)
            self._ended.wait(_SAY_ALIVE_S)

    def _warm_up(self) -> None:
        """Load the network before the first job; where that cannot be, the jobs will say so."""
        try:
            self._painter.colorizer()
        except ColorizerError as error:
            _log.error("%s", error.message)

    def _sweep_now_and_then(self) -> None:
        if time.monotonic() >= self._next_sweep:
            sweep(self._jobs, self._files, self._expire_hours)
            self._next_sweep = time.monotonic() + _SWEEP_S

    def _work_on(self, job: Job) -> None:
        REQUEST_ID.set(job.request_id)
        with self._kept_lease(job):
            try:
                outcome = self._painter.paint(job)
            except Exception as error:
                if self._jobs.get(job.id) is None:
                    _log.info("photo %s was deleted while it was coloured", job.id[:8])
                else:
                    self._jobs.fail(job.id, self._name, _failure(job, error))
            else:
                self._jobs.finish(job.id, self._name, outcome)
                _log.info("photo %s done in %.2f s", job.id[:8], sum(outcome.timings.values()))
        REQUEST_ID.set(None)

    @contextmanager
    def _kept_lease(self, job: Job) -> Iterator[None]:
        """Renew the lease of `job` from a thread while the block runs."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(_RENEW_S):
                self._jobs.renew(job.id, self._name)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _failure(job: Job, error: Exception) -> Failure:
    """Return what the user is told about `error`; what nobody expected is logged in full."""
    if isinstance(error, ColorizerError):
        _log.warning("photo %s failed: %s", job.id[:8], error.message)
        return Failure(error.code, error.status, error.message, error.data)
    if isinstance(error, MemoryError):
        _log.warning("photo %s failed: out of memory", job.id[:8])
        return Failure("out_of_memory", 422, "There is not enough memory here for a picture of that size.")
    _log.error("photo %s failed", job.id[:8], exc_info=error)
    return Failure("internal_error", 500, "", {"request_id": job.request_id or job.id[:8]})


def _end_with_supervisor() -> None:
    """Wait for the end of standard input, then end this process, in good order if that is soon enough."""
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_END_WITHIN_S)
    os._exit(1)


def main(name: str) -> None:
    """Work under `name` until SIGTERM or the end of standard input."""
    configure_logging()
    exit_on(signal.SIGTERM)
    # Ctrl-C in a terminal reaches the whole group; the supervisor decides what it means for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_supervisor, name="supervisor-watch", daemon=True).start()
    # Imported here because torch takes seconds to load, in which the supervisor may already be gone.
    from service.coloring import Painter

    settings = load_settings()
    files = open_files(settings)
    painter = Painter(settings, files)
    Worker(name, open_jobs(settings), files, painter, settings.expire_hours).run()


if __name__ == "__main__":
    main(sys.argv[1])
