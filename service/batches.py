"""Photos that belong together, as one thing with an address: ids in, a batch out, and back.

Every batch is a row that names its photos, be they sent at once or gathered later; a photo may be in several.
"""

import json
import time
from collections.abc import Sequence

import sqlalchemy as sa

from service.tables import batches


def keep_batch(batch: str, owner: str | None, job_ids: Sequence[str], connection: sa.Connection) -> None:
    """Record that those photos make a batch, in the transaction of `connection`."""
    values = {"id": batch, "owner": owner, "job_ids": json.dumps(list(job_ids)), "created_at": time.time()}
    connection.execute(batches.insert().values(values))


def find_batch(batch: str, viewer: str | None, created_after: float, database: sa.Engine) -> list[str] | None:
    """Return the ids of the photos of a batch, in their order; None where `viewer` may see no such batch."""
    may_see = sa.or_(batches.c.owner.is_(None), batches.c.owner == viewer)
    there = sa.and_(batches.c.id == batch, batches.c.created_at > created_after, may_see)
    with database.connect() as connection:
        found = connection.execute(sa.select(batches.c.job_ids).where(there)).scalar_one_or_none()
    return None if found is None else [str(job_id) for job_id in json.loads(found)]
