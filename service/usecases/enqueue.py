"""The one way into the queue, for uploads, versions, renders and previews.

Whoever adds jobs has put their files in place before; where they are not accepted, the files are removed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from service.context.app_context import AppContext
from service.domain.job import Job, NewJob
from service.domain.problems import JobNotFoundError, QueueFullError
from service.jobs.batches import keep_batch
from service.jobs.counters import live_processes
from service.jobs.idempotency import RequestKey, remember
from service.jobs.queue import PhotoGoneError


@dataclass(frozen=True)
class Origin:
    """Where new jobs come from: who sent them, the batch that they make, and the idempotency key of the request."""

    owner: str | None
    batch: str | None = None
    key: RequestKey | None = None

    def insert(self, connection: sa.Connection, new: Sequence[NewJob]) -> None:
        """Insert the batch and the key of `new`, if any. Raises `IntegrityError` where the key is taken."""
        if self.batch and new:
            keep_batch(self.batch, self.owner, [job.id for job in new], connection)
        if self.key and new:
            remember(self.key, new, self.batch, connection)


def enqueue(new: Sequence[NewJob], parts: AppContext, origin: Origin | None = None) -> dict[str, Job]:
    """Queue `new`, all or none, in one transaction with what is kept of their `origin`; return them by id.

    Raises `QueueFullError`, `JobNotFoundError` where the photo that they are made of is deleted meanwhile, and what
    `Origin.insert` and the database do; nothing is left of the jobs then.
    """
    queued = None
    try:
        queued = parts.jobs.add(new, parts.settings.max_queue, origin.insert if origin else None)
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
