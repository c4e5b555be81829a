"""Batches: ordered groups of photos, sent together or gathered later. A photo may be in several."""

import time
from collections.abc import Sequence

import sqlalchemy as sa

from service.jobs.schema import CHANGING, batch_photos, batches, jobs, wait_for_turn


def keep_batch(batch: str, owner: str | None, job_ids: Sequence[str], connection: sa.Connection) -> None:
    """Insert a batch of those of `job_ids` that exist, in the transaction of `connection`."""
    wait_for_turn(connection, CHANGING)
    connection.execute(batches.insert().values(id=batch, owner=owner, created_at=time.time()))
    there = set(connection.execute(sa.select(jobs.c.id).where(jobs.c.id.in_(job_ids))).scalars())
    rows = [{"batch": batch, "position": at, "job_id": job_id} for at, job_id in enumerate(job_ids) if job_id in there]
    if rows:
        connection.execute(batch_photos.insert(), rows)


def find_batch(batch: str, viewer: str | None, created_after: float, database: sa.Engine) -> list[str]:
    """Return the ids of a batch's photos in order; none where there is no batch that `viewer` may see."""
    may_see = sa.or_(batches.c.owner.is_(None), batches.c.owner == viewer)
    there = sa.and_(batches.c.id == batch, batches.c.created_at > created_after, may_see)
    photos = sa.select(batch_photos.c.job_id).join(batches, batches.c.id == batch_photos.c.batch).where(there)
    with database.connect() as connection:
        return list(connection.execute(photos.order_by(batch_photos.c.position)).scalars())
