"""Cascading deletion of jobs: all rows in one transaction, files after it.

An uploaded photo is deleted with its versions, and each version with its renders and previews. Ids stay in the table
`leaving` until their files are removed for good, even if the process that removes them is killed.
"""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from service.jobs.counters import add_to_totals, labels
from service.jobs.schema import CHANGING, batch_photos, batches, jobs, leaving, requests, upsert, wait_for_turn

# A worker may write files for so long after its job was deleted; they are removed once more then.
_LATE_FILES_S = 1800.0
_AT_A_TIME = 500
_GONE = sa.select(leaving.c.id)


@dataclass(frozen=True)
class Deleted:
    """Deleted jobs, whose files are to be removed; numbers of uploaded photos, and of versions deleted on their own."""

    job_ids: tuple[str, ...] = ()
    photos: int = 0
    versions: int = 0


def delete_rows(connection: sa.Connection, which: sa.ColumnElement[bool], outcome: str) -> Deleted:
    """Delete the jobs that match `which` and all made of them, and count them in the totals under `outcome`."""
    wait_for_turn(connection, CHANGING)
    if not _mark(connection, which):
        return Deleted()
    # Versions first, as they have renders and previews too.
    for of_above in (jobs.c.source, jobs.c.parent):
        _mark(connection, of_above.in_(_GONE))
    gone = jobs.delete().where(jobs.c.id.in_(_GONE)).returning(jobs.c.id, jobs.c.kind, jobs.c.source)
    rows = connection.execute(gone).all()
    _delete_mentions(connection)
    job_ids = {row.id for row in rows}
    sent = [row for row in rows if row.kind == "colorization" and row.source is None]
    alone = [row for row in rows if row.kind == "colorization" and row.source and row.source not in job_ids]
    counted = len(sent) + len(alone)
    add_to_totals(connection, {("finished", labels(outcome=outcome)): counted} if counted else {})
    return Deleted(tuple(job_ids), len(sent), len(alone))


def _mark(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    """Insert the jobs that match into `leaving`; return how many are new there."""
    now = time.time()
    # A worker that has lost its lease may still write files.
    at_work = sa.or_(jobs.c.status == "running", sa.and_(jobs.c.status == "queued", jobs.c.losses > 0))
    until = sa.case((at_work, now + _LATE_FILES_S), else_=now)
    # The row locks keep workers from claiming them.
    those = sa.select(jobs.c.id, until).where(which).order_by(jobs.c.id).with_for_update()
    entered = upsert(connection, leaving).from_select(["id", "until"], those).on_conflict_do_nothing()
    return connection.execute(entered).rowcount


def _delete_mentions(connection: sa.Connection) -> None:
    """Delete the leaving jobs from batches and idempotency keys, and batches and keys that become empty."""
    others = batch_photos.alias("others")
    touched = sa.select(batch_photos.c.batch).where(batch_photos.c.job_id.in_(_GONE))
    left = sa.exists().where(others.c.batch == batch_photos.c.batch, others.c.job_id.not_in(_GONE))
    emptied = touched.where(~left)
    named = sa.or_(requests.c.job_id.in_(_GONE), requests.c.batch.in_(emptied))
    connection.execute(requests.delete().where(named))
    connection.execute(batches.delete().where(batches.c.id.in_(emptied)))
    connection.execute(batch_photos.delete().where(batch_photos.c.job_id.in_(_GONE)))


def files_to_remove(database: sa.Engine) -> list[str]:
    """Return the ids of deleted jobs that may still, or again, have files."""
    with database.connect() as connection:
        return list(connection.execute(_GONE).scalars())


def forget_removed(database: sa.Engine, removed: list[str]) -> None:
    """Delete those of `removed` from `leaving` for which no worker can write a file any more."""
    over = leaving.c.until <= time.time()
    for start in range(0, len(removed), _AT_A_TIME):
        these = leaving.c.id.in_(removed[start : start + _AT_A_TIME])
        with database.begin() as connection:
            connection.execute(leaving.delete().where(over, these))
