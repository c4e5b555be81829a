"""Database connections: SQLite in the data folder, or PostgreSQL, which several machines can share.

SQLite is in WAL mode, so that web processes can read while a worker writes.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import InterfaceError, OperationalError

from service.jobs.migrations import bring_up_to_date
from service.jobs.schema import CREATING, secrets, upsert, wait_for_turn
from service.settings import LEAST_SECRET_BYTES
from service.storage.private_files import create_private, locked, make_private, make_private_folder

DATABASE_ERRORS = (OperationalError, InterfaceError)

_BUSY_TIMEOUT_MS = 15_000
_CONNECT_WITHIN_S = 10
_SQLITE = "jobs.sqlite3"


def open_database(data_dir: Path, url: str = "") -> sa.Engine:
    """Return the database at `url`, or SQLite in `data_dir` if empty, migrated to the current schema."""
    return _open_postgresql(url) if url else _open_sqlite(data_dir)


def _open_sqlite(data_dir: Path) -> sa.Engine:
    make_private_folder(data_dir)
    engine = sa.create_engine(f"sqlite:///{data_dir / _SQLITE}")
    sa.event.listen(engine, "connect", _set_pragmas)
    # Web processes start together, and the switch to WAL mode fails rather than waits: one at a time.
    lock = data_dir / "jobs.lock"
    create_private(lock)
    with locked(lock):
        # SQLite gives the new files -wal and -shm the permissions of the database.
        create_private(data_dir / _SQLITE)
        make_private(*(data_dir / f"{_SQLITE}-{suffix}" for suffix in ("wal", "shm")))
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            bring_up_to_date(connection)
            connection.commit()
    return engine


def _open_postgresql(url: str) -> sa.Engine:
    _, _, rest = url.partition("://")
    # Replaces connections that the server has closed, instead of raising.
    engine = sa.create_engine(
        f"postgresql+psycopg://{rest}", pool_pre_ping=True, connect_args={"connect_timeout": _CONNECT_WITHIN_S}
    )
    with engine.begin() as connection:
        wait_for_turn(connection, CREATING)
        bring_up_to_date(connection)
    return engine


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous=NORMAL")


def shared_secret(database: sa.Engine, name: str, value: str) -> str:
    """Return the secret of that name, which all processes on all machines share.

    `value` is stored first where there is none, or one that is too short.
    """
    row_of_name = secrets.c.name == name
    with database.begin() as connection:
        row = upsert(connection, secrets).values(name=name, value=value)
        too_short = sa.func.length(secrets.c.value) < LEAST_SECRET_BYTES
        renewed = row.on_conflict_do_update(index_elements=["name"], set_={"value": value}, where=too_short)
        connection.execute(renewed)
        return str(connection.execute(sa.select(secrets.c.value).where(row_of_name)).scalar_one())
