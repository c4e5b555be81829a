"""Celery worker for machines without a web server, started by `./run.sh worker`.

Celery's parent process receives messages and supervises its children, `WORKERS` of them. A child imports torch after
the fork, and works as a local worker does.
"""

import os
import socket
import warnings
from typing import Any

from billiard import current_process
from celery import Celery, Task, signals
from celery.exceptions import CPendingDeprecationWarning

from service.jobs.celery_app import QUEUE, TASK, make_celery
from service.logging_setup import configure_logging
from service.settings import Settings, load_settings
from service.workers.capacity import worker_count, worker_environ
from service.workers.worker import Worker

# Importing torch takes long on a busy machine.
_START_WITHIN_S = 300.0


def make_worker(settings: Settings) -> Celery:
    """Return the Celery application with its one task."""
    app = make_celery(settings.broker_url)
    app.conf.worker_proc_alive_timeout = _START_WITHIN_S
    # By process id, as each child of a fork needs its own.
    workers: dict[int, Worker] = {}

    def worker() -> Worker:
        if os.getpid() not in workers:
            slot = getattr(current_process(), "index", 0)
            os.environ.update(worker_environ(settings, slot))
            # The parent's process id tells apart two workers on one machine.
            workers[os.getpid()] = Worker(settings, f"{socket.gethostname()}-{os.getppid()}-{slot}")
            workers[os.getpid()].warm_up()
        return workers[os.getpid()]

    def begin(**_: Any) -> None:
        worker()

    def end(**_: Any) -> None:
        if os.getpid() in workers:
            worker().close()

    @app.task(name=TASK, bind=True, max_retries=None)  # type: ignore[untyped-decorator]
    def work(task: Task, job_id: str) -> None:
        again_s = worker().do_one(job_id)
        if again_s is not None:
            raise task.retry(countdown=again_s, priority=task.request.delivery_info["priority"])

    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)
    return app


def main() -> None:
    """Work until SIGTERM or SIGINT; finish the job in progress first."""
    configure_logging()
    # Celery warns that a job in progress continues while the broker is away, which is intended.
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
