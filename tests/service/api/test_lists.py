"""Addresses and bodies that name many photos: checked by form, each photo once, not too many, one transaction."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from service.domain.job import NewJob, new_job_id
from service.usecases.submit import MOST_IDS
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.jobs.test_store import OUTCOME

NOT_IDS = [",", "x", "0" * 31, "0" * 33, "G" * 32, "A" * 32, " " + "0" * 31, "%00" * 11, "0" * 31 + "\n"]


@dataclass
class Work:
    """What one request asked of the database."""

    statements: list[str] = field(default_factory=list)
    commits: int = 0


@contextmanager
def counted(client: FlaskClient) -> Iterator[Work]:
    """Give what the requests of this thread ask of the database meanwhile; counting requests is another thread's."""
    work, mine = Work(), threading.get_ident()
    database = parts_of(client).jobs.database

    def see(*arguments: object) -> None:
        if threading.get_ident() == mine:
            work.statements.append(str(arguments[2]))

    def see_commit(_: object) -> None:
        if threading.get_ident() == mine:
            work.commits += 1

    listeners = ("before_cursor_execute", see), ("commit", see_commit)
    for name, listener in listeners:
        sa.event.listen(database, name, listener)
    try:
        yield work
    finally:
        for name, listener in listeners:
            sa.event.remove(database, name, listener)


@pytest.fixture(scope="module")
def quiet(make_settings: MakeSettings) -> Iterator[FlaskClient]:
    """A client of an application without workers: what is queued stays queued."""
    with running_client(make_settings(wait_s=0)) as client, pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts_of(client).supervisor, "ensure", lambda: None)
        yield client


def queue(client: FlaskClient, count: int) -> list[str]:
    new = [NewJob(new_job_id(), f"{number}.jpg", "image/jpeg", 8, 6) for number in range(count)]
    assert parts_of(client).jobs.add(new)
    for job in new:
        parts_of(client).files.make_room(job.id)
    return [job.id for job in new]


@pytest.mark.parametrize(("method", "address"), [("POST", "/delete"), ("GET", ""), ("GET", "/archive")])
@pytest.mark.parametrize("text", [*NOT_IDS, "," * 8000, ",".join(NOT_IDS)])
def test_what_is_no_id_never_reaches_the_database(quiet: FlaskClient, method: str, address: str, text: str) -> None:
    with counted(quiet) as work:
        answer = quiet.open(f"/colorization/{text}{address}", method=method)
    assert answer.status_code == 404
    assert work == Work()


@pytest.mark.parametrize(("method", "address"), [("POST", "/delete"), ("GET", ""), ("GET", "/archive")])
def test_too_many_ids_are_refused_unseen(quiet: FlaskClient, method: str, address: str) -> None:
    ids = [new_job_id() for _ in range(MOST_IDS + 1)]
    with counted(quiet) as work:
        answer = quiet.open(
            f"/colorization/{','.join(ids)}{address}", method=method, headers={"Accept": "application/json"}
        )
        assert work == Work()
        assert quiet.open(f"/colorization/{','.join(ids[1:])}{address}", method=method).status_code == 404
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["limit"]) == (
        422,
        "too_many_ids",
        MOST_IDS,
    )


def test_many_are_deleted_in_one_transaction(quiet: FlaskClient) -> None:
    def delete(ids: list[str]) -> Work:
        with counted(quiet) as work:
            answer = quiet.post(f"/colorization/{','.join(ids)}/delete")
        assert answer.headers["Location"] == f"/?deleted={len(set(ids))}#earlier"
        return work

    one = delete(queue(quiet, 1))
    many = delete(2 * queue(quiet, MOST_IDS))
    assert (one.commits, many.commits) == (1, 1)
    assert len(many.statements) == len(one.statements) < 15
    assert parts_of(quiet).jobs.load()[0] == 0


@pytest.mark.parametrize("address", ["/colorization/{}", "/colorization/{}/archive"])
def test_many_are_read_with_as_many_statements_as_one(quiet: FlaskClient, address: str) -> None:
    def read(ids: list[str]) -> int:
        with counted(quiet) as work:
            assert quiet.get(address.format(",".join(ids))).status_code == 200
        assert not work.commits
        return len(work.statements)

    assert read(2 * queue(quiet, 100)) == read(queue(quiet, 2)) < 5


def test_a_photo_that_is_named_twice_is_shown_once(quiet: FlaskClient) -> None:
    (photo,) = queue(quiet, 1)
    page = quiet.get(f"/colorization/{photo},{photo},x,x").text
    assert page.count(f'id="job-{photo}"') == 1
    assert page.count("No longer here") == 1


def test_batches_are_gathered_and_read_at_once(quiet: FlaskClient) -> None:
    def gather(ids: list[str]) -> tuple[Work, Work]:
        with counted(quiet) as made:
            answer = quiet.post("/v1/batches", json={"colorizations": ids})
        assert answer.status_code == 202, answer.text
        with counted(quiet) as read:
            batch = quiet.get(answer.headers["Location"]).get_json()
        assert [photo["id"] for photo in batch["results"]] == list(dict.fromkeys(ids))
        assert quiet.get(batch["urls"]["archive"]).status_code == 200
        return made, read

    few, many = gather(queue(quiet, 2)), gather(4 * queue(quiet, 250))
    assert [work.commits for work in (*few, *many)] == [1, 0, 1, 0]
    assert [len(work.statements) for work in many] == [len(work.statements) for work in few]
    for wrong in ([], ["x"], [new_job_id()] * 1001):
        with counted(quiet) as work:
            assert quiet.post("/v1/batches", json={"colorizations": wrong}).status_code == 422
        assert work == Work()


def test_ones_own_photos_are_listed_and_deleted_at_once(quiet: FlaskClient) -> None:
    keyed = {"X-API-Key": "a key"}

    def own(count: int) -> tuple[int, int]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(type(parts_of(quiet).owners), "of", lambda *_: "somebody")
            new = [NewJob(new_job_id(), "a.jpg", "image/jpeg", 8, 6, "somebody") for _ in range(count)]
            assert parts_of(quiet).jobs.add(new)
            with counted(quiet) as listed:
                assert len(quiet.get("/v1/colorizations?limit=100", headers=keyed).get_json()["items"]) == count
            with counted(quiet) as deleted:
                assert quiet.post("/photographs/delete").headers["Location"] == f"/?deleted={count}#earlier"
            assert deleted.commits == 1
        return len(listed.statements), len(deleted.statements)

    assert own(2) == own(100)


def test_versions_are_listed_at_once(quiet: FlaskClient) -> None:
    def listed(count: int) -> int:
        (photo,) = queue(quiet, 1)
        job = parts_of(quiet).jobs.get(photo)
        assert job
        new = [NewJob(new_job_id(), "a.jpg", "image/jpeg", 8, 6, source=photo) for _ in range(count)]
        assert parts_of(quiet).jobs.add(new)
        with counted(quiet) as work:
            assert len(quiet.get(f"/v1/colorizations/{photo}/versions").get_json()["results"]) == count + 1
        return len(work.statements)

    assert listed(1) == listed(50)


def test_page_of_a_photo_with_many_versions_leads_to_no_more_than_an_address_takes(quiet: FlaskClient) -> None:
    (photo,) = queue(quiet, 1)
    jobs = parts_of(quiet).jobs
    assert jobs.claim_one(photo, "w")
    assert jobs.finish(photo, "w", OUTCOME)
    assert jobs.add(NewJob(new_job_id(), "a.jpg", "image/jpeg", 8, 6, source=photo) for _ in range(MOST_IDS))
    (address,) = re.findall(r'<a href="([^"]+)">All of them side by side', quiet.get(f"/colorization/{photo}").text)
    assert address.count(",") == MOST_IDS - 1
    assert quiet.get(address).status_code == 200
