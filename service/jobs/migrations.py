"""Schema migrations, which also create the tables of an empty database."""

import json

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateTable

from service.domain.job import new_share_token
from service.jobs.deletion import delete_rows
from service.jobs.schema import batch_photos, batches, jobs, metadata, requests

# Column in which earlier versions kept a row's photos, as a JSON list of ids.
_LIST = "job_ids"


def bring_up_to_date(connection: sa.Connection) -> None:
    """Create missing tables, columns and indexes, and fill new columns from old ones."""
    for table in metadata.sorted_tables:
        _create(table, connection)
    _date_families(connection)
    _make_share_tokens(connection)
    if _LIST in _columns_of(batches, connection):
        _split_lists(connection)
    _finish_deletions(connection)


def _create(table: sa.Table, connection: sa.Connection) -> None:
    connection.execute(CreateTable(table, if_not_exists=True))
    there = _columns_of(table, connection)
    for column in table.columns:
        if column.name not in there:
            described = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {described}")
    for index in table.indexes:
        index.create(connection, checkfirst=True)


def _columns_of(table: sa.Table, connection: sa.Connection) -> set[str]:
    return {column["name"] for column in sa.inspect(connection).get_columns(table.name)}


def _date_families(connection: sa.Connection) -> None:
    """Fill `kept_since`: of uploaded photos from their own rows, then of versions, renders and previews from those."""
    undated = jobs.c.kept_since.is_(None)
    sent = sa.and_(undated, jobs.c.source.is_(None), jobs.c.parent.is_(None))
    connection.execute(jobs.update().where(sent).values(kept_since=jobs.c.created_at))
    above = jobs.alias("above")
    for of_above in (jobs.c.source, jobs.c.parent):
        since = sa.select(above.c.kept_since).where(above.c.id == of_above).scalar_subquery()
        made = jobs.update().where(undated, of_above.is_not(None))
        connection.execute(made.values(kept_since=sa.func.coalesce(since, jobs.c.created_at)))


def _make_share_tokens(connection: sa.Connection) -> None:
    without = sa.select(jobs.c.id).where(jobs.c.share_token.is_(None))
    for job_id in connection.execute(without).scalars().all():
        connection.execute(jobs.update().where(jobs.c.id == job_id).values(share_token=new_share_token()))


def _finish_deletions(connection: sa.Connection) -> None:
    """Delete rows that earlier versions marked as deleted, and versions without their photo."""
    photos = jobs.alias("photos")
    orphaned = sa.and_(jobs.c.source.is_not(None), ~sa.exists().where(photos.c.id == jobs.c.source))
    delete_rows(connection, sa.or_(jobs.c.status.in_(("cancelled", "expired")), orphaned), "cancelled")


def _split_lists(connection: sa.Connection) -> None:
    """Turn the lists of ids into rows of `batch_photos`, and into `job_id` for requests without a batch."""
    for batch, listed in connection.execute(sa.select(batches.c.id, sa.column(_LIST)).select_from(batches)).all():
        rows = [{"batch": batch, "position": at, "job_id": id_} for at, id_ in enumerate(json.loads(listed))]
        connection.execute(batch_photos.insert(), rows)
    for owner, key, listed in connection.execute(sa.select(requests.c.owner, requests.c.key, sa.column(_LIST))).all():
        same = sa.and_(requests.c.owner == owner, requests.c.key == key, requests.c.batch.is_(None))
        connection.execute(requests.update().where(same).values(job_id=json.loads(listed)[0]))
    for table in (batches, requests):
        connection.exec_driver_sql(f"ALTER TABLE {table.name} DROP COLUMN {_LIST}")
