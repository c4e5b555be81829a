"""New jobs in, their rows out, or word when to come back: the one way into the queue.

Whoever adds jobs has put their files in place before; where they are not accepted, the files go again.
"""

import math
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from service.context.app_context import AppContext
from service.domain.job import Job, NewJob
from service.domain.problems import JobNotFoundError, QueueFullError
from service.jobs.counters import live_processes
from service.jobs.queue import PhotoGoneError

InTransaction = Callable[[sa.Connection, Sequence[NewJob]], object]


def enqueue(new: Sequence[NewJob], parts: AppContext, in_transaction: InTransaction | None = None) -> dict[str, Job]:
    """Queue `new`, all or none; return them by id. `in_transaction`, given the jobs, takes part in the transaction.

    Raises `QueueFullError`, `JobNotFoundError` where the photo that they are made of is deleted meanwhile, or what the
    database or `in_transaction` does; nothing is left of the jobs then.
    """
    queued = None
    try:
        queued = parts.jobs.add(new, parts.settings.max_queue, in_transaction)
    except PhotoGoneError as error:
        raise JobNotFoundError("There is no photo with that id any more.") from error
    finally:
        if queued is None:
            for job in new:
                parts.files.remove(job.id)
    if queued is None:
        seconds = _seconds_until_free(parts)
        raise QueueFullError(f"Too many photos wait; try again in {seconds} seconds.", retry_after_s=seconds)
    parts.supervisor.ensure()
    return {job.id: job for job in queued}


def _seconds_until_free(parts: AppContext) -> int:
    """Return after how many seconds somebody who is refused now may be accepted, by the time that photos took."""
    excess = parts.jobs.load()[0] - parts.settings.max_queue + 1
    workers = max(1, len(live_processes(parts.jobs.database, "worker")))
    return max(1, math.ceil(max(1, excess) * parts.jobs.service_time_s() / workers))
