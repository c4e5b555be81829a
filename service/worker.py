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

from colorizers.errors import ColorizerError
from service.files import PhotoFiles
from service.jobs import LEASE_S, Failure, Job, JobStore
from service.logs import configure_logging
from service.settings import load_settings
from service.signals import exit_on

if TYPE_CHECKING:
    from service.coloring import Painter

_POLL_S = 0.1
_RENEW_S = LEASE_S / 3
_END_WITHIN_S = 5.0

_log = logging.getLogger("service.worker")


class Worker:
    """Works on the jobs of one table, under one name."""

    def __init__(self, name: str, jobs: JobStore, painter: "Painter") -> None:
        self._name = name
        self._jobs = jobs
        self._painter = painter

    def run(self) -> None:
        """Work until the process is told to end."""
        self._warm_up()
        try:
            while True:
                job = self._jobs.claim(self._name)
                if job is None:
                    time.sleep(_POLL_S)
                else:
                    self._work_on(job)
        finally:
            self._jobs.release(self._name)

    def _warm_up(self) -> None:
        """Load the network before the first job; where that cannot be, the jobs will say so."""
        try:
            self._painter.colorizer()
        except ColorizerError as error:
            _log.error("%s", error.message)

    def _work_on(self, job: Job) -> None:
        with self._kept_lease(job):
            try:
                outcome = self._painter.paint(job)
            except Exception as error:
                self._jobs.fail(job.id, self._name, _failure(job, error))
            else:
                self._jobs.finish(job.id, self._name, outcome)

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
        _log.warning("photo %s failed: %s", job.id, error.message)
        return Failure(error.code, error.status, error.message, error.data)
    if isinstance(error, MemoryError):
        _log.warning("photo %s failed: out of memory", job.id)
        return Failure("out_of_memory", 422, "There is not enough memory here for a picture of that size.")
    _log.error("photo %s failed", job.id, exc_info=error)
    return Failure("internal_error", 500, "", {"request_id": job.id[:12]})


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
    files = PhotoFiles(settings.data_dir)
    files.sweep_incoming()
    Worker(name, JobStore(settings.data_dir), Painter(settings, files)).run()


if __name__ == "__main__":
    main(sys.argv[1])
