"""Cascading deletion of photos and of versions alone, on one machine and on several."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from service.domain.job import NewJob, new_job_id
from service.jobs.retention import remove_expired
from service.jobs.schema import jobs as jobs_table
from service.jobs.schema import leaving
from tests.service import test_setups
from tests.service.jobs.test_retention import browser
from tests.service.test_setups import Service
from tests.support.families import (
    PHOTOS,
    SHARED,
    Member,
    make,
    make_family,
    mentions,
    reached,
    remembered,
    send,
    stored,
    tries_to_change,
)
from tests.support.processes import until
from tests.support.uploads import as_file, scene

one_machine, several_machines, service = test_setups.one_machine, test_setups.several_machines, test_setups.service

LARGE = as_file(scene(3000, 2000))

Delete = Callable[[Service, FlaskClient, Member], None]


def by_api(_: Service, client: FlaskClient, photo: Member) -> None:
    answer = client.delete(f"{PHOTOS}/{photo.id}")
    assert (answer.status_code, answer.data) == (204, b"")


def by_page(_: Service, client: FlaskClient, photo: Member) -> None:
    answer = client.post(f"/colorization/{photo.id}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?deleted=1#earlier")


def by_album(_: Service, client: FlaskClient, photo: Member) -> None:
    answer = client.post("/photographs/delete", data={"back": "album"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/photographs?deleted=1#earlier")
    assert photo.id not in client.get("/photographs").text


def by_time(service: Service, _: FlaskClient, photo: Member) -> None:
    """Let the photo that was sent become too old; its versions are younger."""
    job = service.parts.jobs.get(photo.id)
    assert job
    parts = service.parts
    remove_expired(parts.jobs, parts.files, (time.time() - job.created_at) / 3600)


@pytest.mark.parametrize(
    ("delete", "has_cookie"), [(by_api, False), (by_page, False), (by_page, True), (by_album, True), (by_time, False)]
)
def test_a_deleted_photo_leaves_nothing(service: Service, delete: Delete, has_cookie: bool) -> None:
    client = browser(service.client) if has_cookie else service.client
    bystander = send(service.client)
    before = stored(service.parts)
    key = {"Idempotency-Key": f"{delete.__name__} {has_cookie}"}
    family = make_family(client, **key)
    together = make(client, "/v1/batches", colorizations=[member.id for member in family])["urls"]
    found = {address for member in family for address in reached(client, member)}
    assert {f"/shared/{member.token}{kind}" for member in family for kind in SHARED} <= found
    assert len(found) > 3 * 25, found
    assert len(stored(service.parts) - before) > 3 * 10

    delete(service, client, family[0])

    assert client.delete(f"{PHOTOS}/{family[0].id}").status_code == 404
    assert {address for member in family for address in reached(client, member)} == set()
    assert {status for member in family for status in tries_to_change(client, member)} == {404}
    assert client.get(together["self"]).status_code == client.get(together["archive"]).status_code == 404
    assert not stored(service.parts) - before
    assert mentions(service.parts, tuple(text for member in family for text in member.ids)) == set()
    assert send(client, name="another.jpg", **key), "what the request with that key made is forgotten"
    assert service.client.get(bystander["urls"]["result"]).status_code == (404 if delete is by_time else 200)


def test_a_deleted_version_goes_alone_and_the_page_says_so(service: Service) -> None:
    client = browser(service.client)
    photo, version, second = make_family(client)
    others = reached(client, photo) | reached(client, second)
    answer = client.post(f"/colorization/{version.id}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?deleted=0&versions=1#earlier")
    assert (
        "1 version deleted; the photograph and its other versions stay." in client.get(answer.headers["Location"]).text
    )
    assert reached(client, version) == set()
    assert reached(client, photo) | reached(client, second) == others, "also what was made of that version"
    assert not [name for name in stored(service.parts) if version.id in name or version.children[0] in name]
    assert mentions(service.parts, version.ids) == set()
    assert client.delete(f"{PHOTOS}/{second.id}").status_code == 204
    assert reached(client, photo)


def test_pages_say_what_goes_with_what(service: Service) -> None:
    client = browser(service.client)
    photo, version, _ = make_family(client)
    of_photo, of_version = (client.get(f"/colorization/{member.id}").text for member in (photo, version))
    assert "With the photograph go its versions" in of_photo
    assert f'action="/colorization/{photo.id}/delete"' in of_photo
    assert "A version is deleted alone" in of_version
    for member, label in ((version, "Delete this version"), (photo, "Delete the photograph and all its versions")):
        assert f'action="/colorization/{member.id}/delete"' in of_version
        assert label in of_version
    album = client.get("/photographs").text
    assert album.count(f'data-source="{photo.id}"') == 2
    assert "With a photograph go all its versions; a version is deleted alone." in album


def test_versions_expire_with_their_photo(service: Service) -> None:
    photo = send(service.client)
    version = make(service.client, PHOTOS, source=photo["id"])
    assert version["created_at"] > photo["created_at"]
    assert version["expires_at"] == photo["expires_at"]


def test_a_family_that_is_worked_on_is_not_written_back(service: Service) -> None:
    """Neither the version that is being coloured nor the render of another one that waits."""
    before = stored(service.parts)
    sent = {"data": LARGE, "content_type": "image/jpeg", "headers": {"Prefer": "wait=90"}}
    photo = service.client.post(PHOTOS, **sent).get_json()
    version = service.client.post(PHOTOS, json={"source": photo["id"], "warmth": 0.5}).get_json()
    until(lambda: service.client.get(version["urls"]["self"]).get_json()["status"] == "running")
    render = service.client.post(photo["urls"]["renders"], json={"saturation": 2}).get_json()
    assert service.client.delete(photo["urls"]["self"]).status_code == 204
    assert remembered(service.parts)[version["id"]] > time.time() + 60, "a worker was at it"
    after = send(service.client)  # The one worker is done with everything before this one.
    assert service.client.delete(after["urls"]["self"]).status_code == 204
    assert not stored(service.parts) - before
    assert mentions(service.parts, (photo["id"], version["id"], render["id"])) == set()


def test_what_is_asked_for_while_a_photo_is_deleted_leaves_nothing(service: Service) -> None:
    before = stored(service.parts)
    photo = send(service.client)

    def ask_until_it_is_gone(number: int) -> set[int]:
        client, statuses = service.client.application.test_client(use_cookies=False), set()
        while 404 not in statuses:
            of = {"json": {"source": photo["id"]}}, {"json": {"saturation": 2}}
            address = (PHOTOS, photo["urls"]["renders"])[number % 2]
            statuses.add(client.post(address, **of[number % 2]).status_code)
        return statuses

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask_until_it_is_gone, number) for number in range(4)]
        until(lambda: len(service.client.get(f"{photo['urls']['self']}/versions").get_json()["results"]) > 4)
        assert service.client.delete(photo["urls"]["self"]).status_code == 204
        assert set().union(*(one.result() for one in asked)) == {202, 404}
    after = send(service.client)
    assert service.client.delete(after["urls"]["self"]).status_code == 204
    assert not stored(service.parts) - before
    assert mentions(service.parts, (photo["id"],)) == set()


def test_files_that_a_lost_worker_left_after_the_deletion_go_too(service: Service) -> None:
    parts, now = service.parts, time.time()
    job = NewJob(new_job_id(), "lost.jpg", "image/jpeg", 300, 200)
    at_work = {"status": "running", "started_at": now, "lease_owner": "lost", "lease_until": now + 3600}
    with parts.jobs.database.begin() as connection:
        connection.execute(jobs_table.insert().values({**job.as_row(now), **at_work}))
    assert service.client.delete(f"{PHOTOS}/{job.id}").status_code == 204
    parts.files.make_room(job.id)
    with parts.files.replace(job.id, "result") as path:
        path.write_bytes(b"late")
    test_setups._make_due(service)
    until(lambda: not any(job.id in name for name in stored(parts)))
    assert job.id in remembered(parts), "the worker may still be there"
    with parts.jobs.database.begin() as connection:
        connection.execute(leaving.update().values(until=now))
    test_setups._make_due(service)
    until(lambda: remembered(parts) == {})
