"""A data folder or the URL of a server in, its database out: the tables, and how every process opens them.

SQLite in WAL mode, so that web processes read while a worker writes; or PostgreSQL, which several machines share. The
same statements serve both.
"""

import fcntl
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateColumn, CreateTable

_BUSY_TIMEOUT_MS = 15_000
_CONNECT_WITHIN_S = 10
# Any numbers that nobody else locks in this database.
_CREATING, ADDING = 7_146_001, 7_146_002

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
    sa.Index("jobs_in_turn", "status", "priority", "queued_at"),
    sa.Index("jobs_by_parent", "parent"),
    sa.Index("jobs_by_source", "source"),
    sa.Index("jobs_by_batch", "batch"),
    sa.Index("jobs_by_owner", "owner", "created_at"),
    sa.Index("jobs_by_age", "created_at"),
    sa.Index("jobs_by_end", "finished_at"),
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
    sa.Column("job_ids", sa.String, nullable=False),
    sa.Column("batch", sa.String),
    sa.Column("created_at", sa.Float, nullable=False),
)
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("owner", sa.String),
    sa.Column("job_ids", sa.String, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
)


def open_database(data_dir: Path, url: str = "") -> sa.Engine:
    """Return the database at `url`, without one that of `data_dir`; creates tables, and columns of newer versions."""
    return _open_postgresql(url) if url else _open_sqlite(data_dir)


def _open_sqlite(data_dir: Path) -> sa.Engine:
    data_dir.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{data_dir / 'jobs.sqlite3'}")
    sa.event.listen(engine, "connect", _set_pragmas)
    # Web processes start together, and the switch to WAL does not wait for others: one at a time.
    with (data_dir / "jobs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            for table in metadata.sorted_tables:
                _create(table, connection)
            connection.commit()
    return engine


def _open_postgresql(url: str) -> sa.Engine:
    _, _, rest = url.partition("://")
    # A connection that the server has closed meanwhile is replaced, not reported.
    engine = sa.create_engine(
        f"postgresql+psycopg://{rest}", pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_WITHIN_S}
    )
    with engine.begin() as connection:
        wait_for_turn(connection, _CREATING)
        for table in metadata.sorted_tables:
            _create(table, connection)
    return engine


def wait_for_turn(connection: sa.Connection, number: int) -> None:
    """Let one transaction at a time go on from here; SQLite does so from the first statement that writes."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def shared_secret(database: sa.Engine, name: str, value: str) -> str:
    """Return the secret of that name, `value` where there is none yet: the same for all processes on all machines."""
    with database.begin() as connection:
        row = upsert(connection, secrets).values(name=name, value=value)
        connection.execute(row.on_conflict_do_nothing(index_elements=["name"]))
        return str(connection.execute(sa.select(secrets.c.value).where(secrets.c.name == name)).scalar_one())


def upsert(connection: sa.Connection, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an insertion into `table` that knows what to do with a row that is there (`on_conflict_do_...`)."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _create(table: sa.Table, connection: sa.Connection) -> None:
    connection.execute(CreateTable(table, if_not_exists=True))
    there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            described = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {described}")
    for index in table.indexes:
        index.create(connection, checkfirst=True)


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous=NORMAL")
