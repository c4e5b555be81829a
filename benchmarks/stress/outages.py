"""Outages of what a set-up needs, each as a context manager: the disk, the database, the broker, the storage."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from benchmarks.support.setups import SetUp

# Less than any result, and less than the database.
_FULL_AT_BYTES = 4096


@contextmanager
def full_disk(setup: SetUp) -> Iterator[None]:
    """Let no process of a local set-up write more than a few kilobytes to any file, the database included."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        _limit_files(setup, (_FULL_AT_BYTES, hard))
        yield
    finally:
        _limit_files(setup, (hard, hard))


def _limit_files(setup: SetUp, limits: tuple[int, int]) -> None:
    """Set how large files may be that the processes of a set-up write."""
    for runner in (*setup.webs, *setup.workers):
        for pid in (runner.pid, *runner.children()):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def locked_database(setup: SetUp) -> Iterator[None]:
    """Keep everybody else from writing to the database of a local set-up."""
    path = setup.settings.data_dir / "jobs.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def broker_down(setup: SetUp) -> Iterator[None]:
    """Kill the broker of a cluster, which keeps nothing; start it again, empty."""
    assert setup.broker
    setup.broker.stop()
    yield
    setup.broker.start()


@contextmanager
def storage_down(setup: SetUp) -> Iterator[None]:
    """Cut all connections to the storage of a cluster, and refuse new ones."""
    assert setup.storage
    setup.storage.refuse()
    try:
        yield
    finally:
        setup.storage.admit()
