"""Ids of jobs from the broker in, their work done: what `./run.sh worker` runs on a machine that only works.

Celery's parent process takes messages and watches over its children, one for each `WORKERS`. A child owns torch,
imported after the fork, and does what a local worker does.
"""

import logging
import os
import socket
import warnings
from typing import Any

from billiard import current_process
from celery import Celery, Task, signals
from celery.exceptions import CPendingDeprecationWarning

from service.jobs.celery_app import QUEUE, TASK, make_celery
from service.jobs.store import open_jobs
from service.logging_setup import configure_logging
from service.settings import Settings, load_settings
from service.storage.backends import open_files
from service.workers.capacity import worker_count, worker_environ
from service.workers.maintenance import Maintenance
from service.workers.run_job import JobRunner, pause_s, retry_on_db_error
from service.workers.warm_up import WarmUp

# Loading torch on a machine that has much to do.
_START_WITHIN_S = 300.0

_log = logging.getLogger("service.workers.worker")


class CeleryChild:
    """What one child process works with."""

    def __init__(self, settings: Settings, name: str) -> None:
        """Come in the place of the child that had that name before, if any: what it had begun goes back."""
        self._name = name
        self._jobs = retry_on_db_error(lambda: open_jobs(settings))
        retry_on_db_error(lambda: self._jobs.requeue_abandoned(name))
        files = open_files(settings)
        self._maintenance = Maintenance(name, self._jobs, files, settings.expire_hours)
        self._maintenance.start()
        # Imported here because torch must not be loaded before the fork.
        from colorizers.kernels.compile_all import compile_kernels

        compile_kernels(_log.info)
        from service.coloring.painter import Painter

        painter = Painter.of(settings, files)
        self._runner = JobRunner(name, self._jobs, files, painter)
        self._warm_up = WarmUp(painter, self._maintenance)
        self._warm_up.attempt()

    def do(self, job_id: str) -> float | None:
        """Do that job, if it waits; returns after how many seconds to try again where that is needed."""
        job = retry_on_db_error(lambda: self._jobs.claim_one(job_id, self._name))
        if job is None:
            return None
        end = self._runner.do(job)
        self._warm_up.note()
        return None if end == "ended" else pause_s(job.postponed + 1)

    def end(self) -> None:
        """Put back what is not done, and say goodbye."""
        self._jobs.release(self._name)
        self._maintenance.end()


def make_worker(settings: Settings) -> Celery:
    """Return the Celery application with the one task that there is."""
    app = make_celery(settings.broker_url)
    app.conf.worker_proc_alive_timeout = _START_WITHIN_S
    children: dict[int, CeleryChild] = {}

    def child() -> CeleryChild:
        # By process, so that a child never has the hand of the parent.
        if os.getpid() not in children:
            slot = getattr(current_process(), "index", 0)
            os.environ.update(worker_environ(settings, slot))
            # The parent's number is in it: of two workers on a machine each has names of its own.
            children[os.getpid()] = CeleryChild(settings, f"{socket.gethostname()}-{os.getppid()}-{slot}")
        return children[os.getpid()]

    def begin(**_: Any) -> None:
        child()

    def end(**_: Any) -> None:
        if os.getpid() in children:
            child().end()

    @app.task(name=TASK, bind=True, max_retries=None)  # type: ignore[untyped-decorator]
    def work(task: Task, job_id: str) -> None:
        again_s = child().do(job_id)
        if again_s is not None:
            raise task.retry(countdown=again_s, priority=task.request.delivery_info["priority"])

    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)
    return app


def main() -> None:
    """Work until SIGTERM or SIGINT; a job under way is brought to its end first."""
    configure_logging()
    # It says that a job under way goes on while the broker is away: that is wanted.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    signals.setup_logging.connect(lambda **_: None, weak=False)
    settings = load_settings()
    make_worker(settings).worker_main(
        [
            "--quiet",
            "worker",
            f"--queues={QUEUE}",
            f"--concurrency={worker_count(settings)}",
            f"--hostname=worker-{os.getpid()}@{socket.gethostname()}",
            "--without-gossip",
            "--without-mingle",
        ]
    )


if __name__ == "__main__":
    main()
