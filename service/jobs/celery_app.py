"""Celery application, and the sender of messages that carry the ids of jobs to its workers.

A message is acknowledged when its job has ended, and delivered again if the worker is lost. As the job's row is
authoritative, a surplus message finds nothing to claim.
"""

import logging
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from service.domain.job import AT_ONCE, MANY, SINGLE
from service.jobs.queue import BrokerError, Sending

TASK = "photo-colorizer.work"
QUEUE = "photos"
# Longer than any photo takes; the message of a machine that was lost is delivered again after that time.
_VISIBILITY_S = 1800
# With one retry, a request waits for the broker twice as long at most.
_CONNECT_WITHIN_S = 2.0

_log = logging.getLogger(__name__)


def make_celery(broker_url: str) -> Celery:
    """Return a Celery application for the broker, which connects on first use."""
    app = Celery("photo-colorizer", broker=broker_url, set_as_current=False)
    app.conf.update(
        task_default_queue=QUEUE,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": _VISIBILITY_S,
            # One Redis list for each priority, polled in this order: interactive jobs before batches.
            "priority_steps": [AT_ONCE, SINGLE, MANY],
            "queue_order_strategy": "priority",
            "socket_connect_timeout": _CONNECT_WITHIN_S,
            "socket_timeout": 30.0,
            "socket_keepalive": True,
        },
    )
    return app


class CeleryMessages:
    """The `Messages` of one broker."""

    def __init__(self, broker_url: str) -> None:
        self._app = make_celery(broker_url)

    def send(self, jobs: Sequence[Sending]) -> Sequence[Sending]:
        """Send a message for each of `jobs`; return those that could not be sent."""
        retry = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.2, "interval_max": 0.2}
        for number, (job_id, priority) in enumerate(jobs):
            try:
                self._app.send_task(TASK, (job_id,), queue=QUEUE, priority=priority, retry=True, retry_policy=retry)
            except OperationalError as error:
                _log.warning("the broker does not answer; %d messages are sent later: %s", len(jobs) - number, error)
                return jobs[number:]
        return []

    def count(self) -> int:
        """Return the number of waiting and unacknowledged messages. Raises `BrokerError`."""
        try:
            with self._app.connection_for_read() as connection:
                connection.ensure_connection(max_retries=1, interval_start=0)
                channel = connection.default_channel
                waiting = channel.queue_declare(QUEUE, passive=False).message_count
                return int(waiting) + int(channel.client.hlen(channel.unacked_key))
        except (OperationalError, OSError, *self._app.connection().connection_errors) as error:
            raise BrokerError(str(error)) from error
