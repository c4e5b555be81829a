"""Table definitions, and the two statements that differ between SQLite and PostgreSQL."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

# Keys of PostgreSQL advisory locks: arbitrary numbers. Transactions that add or remove jobs hold `CHANGING`.
CREATING, CHANGING = 7_146_001, 7_146_002

metadata = sa.MetaData()
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("status", sa.String, nullable=False, default="queued"),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("mimetype", sa.String, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("queued_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("lease_owner", sa.String),
    sa.Column("lease_until", sa.Float),
    sa.Column("losses", sa.Integer, nullable=False, default=0),
    sa.Column("outcome", sa.String),
    sa.Column("failure", sa.String),
    sa.Column("owner", sa.String),
    sa.Column("request_id", sa.String),
    sa.Column("kind", sa.String, nullable=False, server_default="colorization"),
    sa.Column("options", sa.String, nullable=False, server_default="{}"),
    sa.Column("priority", sa.Integer, nullable=False, server_default="1"),
    sa.Column("parent", sa.String),
    sa.Column("source", sa.String),
    sa.Column("batch", sa.String),
    sa.Column("progress", sa.String),
    sa.Column("postponed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("sent_at", sa.Float),
    sa.Column("kept_since", sa.Float),
    sa.Column("share_token", sa.String),
    sa.Index("jobs_in_turn", "status", "priority", "queued_at"),
    sa.Index("jobs_by_parent", "parent"),
    sa.Index("jobs_by_source", "source"),
    sa.Index("jobs_by_owner", "owner", "created_at"),
    sa.Index("jobs_by_expiry", "kept_since"),
    sa.Index("jobs_by_end", "finished_at"),
    sa.Index("jobs_by_share_token", "share_token", unique=True),
)
# Deleted jobs whose files are still to be removed; `until` (seconds since the epoch) no worker writes new ones.
leaving = sa.Table(
    "leaving",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("until", sa.Float, nullable=False),
)
totals = sa.Table(
    "totals",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("labels", sa.String, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
)
processes = sa.Table(
    "processes",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("state", sa.String),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("resident_bytes", sa.BigInteger, nullable=False),
)
chores = sa.Table(
    "chores",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("done_at", sa.Float, nullable=False),
)
secrets = sa.Table(
    "secrets",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
requests = sa.Table(
    "requests",
    metadata,
    sa.Column("owner", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.Column("job_id", sa.String),
    sa.Column("batch", sa.String),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Index("requests_by_job", "job_id"),
    sa.Index("requests_by_batch", "batch"),
)
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("owner", sa.String),
    sa.Column("created_at", sa.Float, nullable=False),
)
batch_photos = sa.Table(
    "batch_photos",
    metadata,
    sa.Column("batch", sa.String, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("job_id", sa.String, nullable=False),
    sa.Index("batch_photos_by_job", "job_id"),
)


def wait_for_turn(connection: sa.Connection, number: int) -> None:
    """Block until this transaction holds the lock `number`; SQLite locks with the first statement that writes."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def upsert(connection: sa.Connection, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT into `table` of the dialect that has `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
