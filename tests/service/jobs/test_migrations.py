"""Migration of databases of earlier versions with their content."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.support.servers import postgresql
from service.domain.job import NewJob, new_job_id
from service.jobs.batches import find_batch
from service.jobs.deletion import files_to_remove
from service.jobs.schema import batches, jobs, requests
from service.jobs.store import JobStore

PHOTO, VERSION, RENDER, ORPHAN, MARKED, DELETED = (new_job_id() for _ in range(6))
BATCH = new_job_id()


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database that is empty."""
    if request.param == "SQLite":
        yield ""
    else:
        with postgresql() as address:
            yield address


def make_old(store: JobStore) -> None:
    """Make a database of what is there today as the version before families had it."""
    store.add([NewJob(id_, "a", "image/jpeg", 1, 1) for id_ in (PHOTO, MARKED, DELETED)])
    store.add([NewJob(id_, "a", "image/jpeg", 1, 1, source=of) for id_, of in ((VERSION, PHOTO), (ORPHAN, DELETED))])
    store.add([NewJob(RENDER, "a", "image/jpeg", 1, 1, kind="render", parent=VERSION)])
    with store.database.begin() as connection:
        for index in ("jobs_by_expiry", "jobs_by_owner", "jobs_by_share_token", "requests_by_job"):
            connection.exec_driver_sql(f"DROP INDEX {index}")
        for column in ("kept_since", "owner", "share_token"):
            connection.exec_driver_sql(f"ALTER TABLE jobs DROP COLUMN {column}")
        connection.exec_driver_sql("ALTER TABLE requests DROP COLUMN job_id")
        for table in ("batches", "requests"):
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN job_ids VARCHAR DEFAULT '' NOT NULL")
        for table in ("batch_photos", "leaving"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.execute(jobs.delete().where(jobs.c.id == DELETED))
        connection.execute(jobs.update().where(jobs.c.id == MARKED).values(status="cancelled"))
        connection.execute(jobs.update().values(created_at=sa.case((jobs.c.id == PHOTO, 1000.0), else_=2000.0)))
        of_batch = json.dumps([VERSION, PHOTO])
        old = sa.table("batches", *map(sa.column, ("id", "created_at", "job_ids")))
        connection.execute(old.insert().values(id=BATCH, created_at=1500.0, job_ids=of_batch))
        old = sa.table("requests", *map(sa.column, ("owner", "key", "fingerprint", "batch", "created_at", "job_ids")))
        same = {"owner": "", "fingerprint": "f", "created_at": 1500.0}
        connection.execute(old.insert().values(key="one", batch=None, job_ids=json.dumps([PHOTO]), **same))
        connection.execute(old.insert().values(key="two", batch=BATCH, job_ids=of_batch, **same))


def test_database_of_an_earlier_version(url: str, tmp_path: Path) -> None:
    store = JobStore(tmp_path, url)
    make_old(store)
    store.close()
    for _ in range(2):
        store = JobStore(tmp_path, url)
        found = store.get_many([PHOTO, VERSION, RENDER, ORPHAN, MARKED])
        assert {id_: job.kept_since for id_, job in found.items()} == dict.fromkeys((PHOTO, VERSION, RENDER), 1000.0)
        assert len({job.share_token for job in found.values()}) == 3
        assert set(files_to_remove(store.database)) == {ORPHAN, MARKED}
        assert find_batch(BATCH, None, 0.0, store.database) == [VERSION, PHOTO]
        with store.database.connect() as connection:
            made = connection.execute(sa.select(requests.c.key, requests.c.job_id, requests.c.batch)).all()
        assert sorted(tuple(row) for row in made) == [("one", PHOTO, None), ("two", None, BATCH)]
        store.close()
    store = JobStore(tmp_path, url)
    assert set(store.expire(1000.0).job_ids) == {PHOTO, VERSION, RENDER}
    with store.database.connect() as connection:
        assert [connection.execute(sa.select(table)).all() for table in (jobs, batches, requests)] == [[], [], []]
    store.close()
