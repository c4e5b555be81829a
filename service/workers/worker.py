"""Worker process: claims queued jobs one after the other and colorizes them. The only process that imports torch.

The supervisor starts `python -m service.workers.worker NAME`. The process ends on SIGTERM, or when its standard input
closes because the supervisor is gone; the job in progress goes back to the queue. A Celery child uses `Worker` too.
"""

import logging
import os
import signal
import sys
import threading
import time

from service.jobs.store import open_jobs
from service.logging_setup import configure_logging
from service.settings import Settings, load_settings
from service.shutdown_signals import exit_on
from service.storage.backends import open_files
from service.workers.maintenance import Maintenance
from service.workers.run_job import JobRunner, pause_s, retry_on_db_error
from service.workers.warm_up import WarmUp

_POLL_S = 0.1
_END_WITHIN_S = 5.0

_log = logging.getLogger("service.workers.worker")


class Worker:
    """The job runner, painter and maintenance thread of one process, under one name."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._name = name
        self._jobs = retry_on_db_error(lambda: open_jobs(settings))
        # A Celery child has the name of the one that it replaces.
        retry_on_db_error(lambda: self._jobs.requeue_abandoned(name))
        files = open_files(settings)
        self._maintenance = Maintenance(name, self._jobs, files, settings.expire_hours)
        self._maintenance.start()
        # Imported here because torch must not be loaded before Celery's fork, and numba and torch take seconds to load,
        # in which the supervisor may already be gone.
        from colorizers.kernels.compile_all import compile_kernels

        compile_kernels(_log.info)
        from service.coloring.painter import Painter

        self._painter = Painter.of(settings, files)
        self._runner = JobRunner(name, self._jobs, files, self._painter)
        self._warm_up = WarmUp(self._painter, self._maintenance)

    def run(self) -> None:
        """Work until the process is told to end. A waiting photo takes the place of the warm-up."""
        postponed = 0
        while True:
            job = retry_on_db_error(lambda: self._jobs.claim(self._name))
            if job is None:
                self._warm_up.attempt()
                time.sleep(_POLL_S)
                continue
            postponed = postponed + 1 if self._runner.do(job) == "postponed" else 0
            self._warm_up.note()
            time.sleep(pause_s(postponed))

    def warm_up(self) -> None:
        """Do what the first photo would otherwise wait for."""
        self._warm_up.attempt()

    def do_one(self, job_id: str) -> float | None:
        """Do that job if it waits; return the seconds after which to try again, None where that is not needed."""
        job = retry_on_db_error(lambda: self._jobs.claim_one(job_id, self._name))
        if job is None:
            return None
        end = self._runner.do(job)
        self._warm_up.note()
        return None if end == "ended" else pause_s(job.postponed + 1)

    def close(self) -> None:
        """Put the job in progress back, end the decoding process, and remove the heartbeat."""
        self._jobs.release(self._name)
        self._painter.close()
        self._maintenance.end()


def _end_with_supervisor() -> None:
    """Wait for the end of standard input, then end this process, by force if it takes long."""
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_END_WITHIN_S)
    os._exit(1)


def main(name: str) -> None:
    """Work under `name` until SIGTERM or the end of standard input."""
    configure_logging()
    exit_on(signal.SIGTERM)
    # Ctrl-C in a terminal reaches the whole process group; the supervisor decides what it means for workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_supervisor, name="supervisor-watch", daemon=True).start()
    worker = Worker(load_settings(), name)
    try:
        worker.run()
    finally:
        worker.close()


if __name__ == "__main__":
    main(sys.argv[1])
