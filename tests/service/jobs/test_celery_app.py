"""What Celery is told: a message comes back unless the work is done, and no worker keeps more than it works on."""

from colorizers.photo.sandbox import WALL_S
from service.jobs.celery_app import CeleryMessages, make_celery
from tests.support.processes import free_port


def test_messages_outlive_workers() -> None:
    conf = make_celery("redis://127.0.0.1/0").conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    # The longest a photo can take is a matter of its decoding, which has a limit, and of as much again for the rest.
    assert conf.broker_transport_options["visibility_timeout"] > 10 * WALL_S
    assert not conf.worker_cancel_long_running_tasks_on_connection_loss


def test_jobs_whose_messages_cannot_be_sent_are_named() -> None:
    messages = CeleryMessages(f"redis://127.0.0.1:{free_port()}/0")
    jobs = [("a" * 32, 1), ("b" * 32, 2)]
    assert messages.send(jobs) == jobs
