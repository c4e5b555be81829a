"""The one process that owns torch: takes queued jobs from the table one after the other and colours them.

`python -m service.workers.worker NAME` is what the supervisor starts. The process ends with SIGTERM, or when its
standard input closes, which it does when the supervisor is gone; the job under way then goes back to the queue.
"""

import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from service.jobs.store import JobStore, open_jobs
from service.logging_setup import configure_logging
from service.settings import load_settings
from service.shutdown_signals import exit_on
from service.storage.backends import open_files
from service.storage.local import PhotoFiles
from service.workers.maintenance import Maintenance
from service.workers.run_job import JobRunner, pause_s, retry_on_db_error
from service.workers.warm_up import WarmUp

if TYPE_CHECKING:
    from service.coloring.painter import Painter

_POLL_S = 0.1
_END_WITHIN_S = 5.0

_log = logging.getLogger("service.workers.worker")


class Worker:
    """Works on the jobs of one table, under one name."""

    def __init__(self, name: str, jobs: JobStore, files: PhotoFiles, painter: "Painter", chores: Maintenance) -> None:
        self._name = name
        self._jobs = jobs
        self._runner = JobRunner(name, jobs, files, painter)
        self._warm_up = WarmUp(painter, chores)

    def run(self) -> None:
        """Work until the process is told to end. A photo that waits already warms up as well as any."""
        postponed = 0
        try:
            while True:
                job = retry_on_db_error(lambda: self._jobs.claim(self._name))
                if job is None:
                    self._warm_up.attempt()
                    time.sleep(_POLL_S)
                    continue
                postponed = postponed + 1 if self._runner.do(job) == "postponed" else 0
                self._warm_up.note()
                time.sleep(pause_s(postponed))
        finally:
            self._jobs.release(self._name)


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
    settings = load_settings()
    jobs, files = retry_on_db_error(lambda: open_jobs(settings)), open_files(settings)
    chores = Maintenance(name, jobs, files, settings.expire_hours)
    chores.start()
    try:
        # Imported here because numba and torch take seconds to load, in which the supervisor may already be gone.
        from colorizers.kernels.compile_all import compile_kernels

        compile_kernels(_log.info)
        from service.coloring.painter import Painter

        painter = Painter.of(settings, files)
        try:
            Worker(name, jobs, files, painter, chores).run()
        finally:
            painter.close()
    finally:
        chores.end()


if __name__ == "__main__":
    main(sys.argv[1])
