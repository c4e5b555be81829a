"""What holds on one machine holds on several: the same tests on SQLite, local workers and local files, and on
PostgreSQL, Celery over Redis and S3. The servers of the second are real ones."""

import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from benchmarks.support.setups import CELERY_WORKER, Runner, shared_servers
from service.context.app_context import AppContext
from service.domain.job import Job, NewJob, new_job_id
from service.jobs.schema import jobs as jobs_table
from service.storage.backends import open_files
from service.storage.base import FileKind, StorageError
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.support.families import share_link
from tests.support.processes import until, workers_of
from tests.support.uploads import as_file, pixels_of, scene

PHOTO = as_file(scene(640, 400), quality=90)
WAIT = {"Prefer": "wait=60"}


@dataclass(frozen=True)
class Service:
    """An application under test: a client of its web process, which is this one, and its workers."""

    name: str
    client: FlaskClient
    runner: Runner | None = None

    @property
    def parts(self) -> AppContext:
        """What the web process works with."""
        return parts_of(self.client)

    def workers(self) -> list[int]:
        """Return the processes that colour."""
        return self.runner.children() if self.runner else workers_of(self.parts.settings.data_dir)

    def send(self, **headers: str) -> Any:
        """Send a photo; return what the answer says of it."""
        answer = self.client.post(
            "/v1/colorizations?name=p.jpg", data=PHOTO, content_type="image/jpeg", headers=headers
        )
        assert answer.status_code in (201, 202), answer.text
        return answer.get_json()

    def done(self) -> Any:
        """Send a photo; return what is said of it when it is done."""
        photo = self.send(**WAIT)
        assert photo["status"] == "done", photo
        return photo

    def queue(self, number: int, priority: int = 1) -> list[str]:
        """Put photos into the queue without a request each; return their ids."""
        new = []
        for _ in range(number):
            new.append(NewJob(new_job_id(), "p.jpg", "image/jpeg", 640, 400, priority=priority))
            upload = self.parts.files.receive(len(PHOTO))
            upload.write(PHOTO)
            self.parts.files.keep(upload, new[-1].id)
            upload.close()
        assert self.parts.jobs.add(new)
        self.parts.supervisor.ensure()
        return [job.id for job in new]

    def all_done(self, ids: list[str]) -> bool:
        """Return whether those jobs are done; that none has failed is for sure."""
        found = self.parts.jobs.get_many(ids)
        assert [job.failure for job in found.values() if job.failure] == []
        return len(found) == len(ids) and all(job.status == "done" for job in found.values())

    def result(self, job_id: str) -> bytes:
        """Return the result of a job."""
        with self.parts.files.open(job_id, "result") as file:
            return file.read()


def _age(service: Service, ids: list[str]) -> None:
    """Make jobs as old as time."""
    with service.parts.jobs.database.begin() as connection:
        connection.execute(sa.update(jobs_table).where(jobs_table.c.id.in_(ids)).values(kept_since=0.0))


@pytest.fixture(scope="module")
def one_machine(make_settings: MakeSettings) -> Iterator[Service]:
    """SQLite, local workers, local files."""
    with running_client(make_settings(wait_s=100)) as client:
        yield Service("one machine", client)


@pytest.fixture(scope="module")
def several_machines(make_settings: MakeSettings) -> Iterator[Service]:
    """PostgreSQL, Celery over Redis, S3."""
    with shared_servers() as (urls, environ, _, _):
        worker = Runner(CELERY_WORKER, make_settings(**urls), environ)
        worker.start()
        try:
            with running_client(make_settings(wait_s=100, **urls)) as client:
                yield Service("several machines", client, worker)
        finally:
            worker.stop()


SEVERAL = (pytest.mark.postgres, pytest.mark.redis)
"""The markers of tests of the set-up on several machines."""


@pytest.fixture(params=["one_machine", pytest.param("several_machines", marks=SEVERAL)])
def service(request: pytest.FixtureRequest) -> Service:
    """Each of the two set-ups."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Service)
    return found


def test_photo_is_coloured_and_both_files_are_served(service: Service) -> None:
    photo = service.done()
    assert service.client.get(photo["urls"]["original"]).data == PHOTO
    result = service.client.get(photo["urls"]["result"])
    assert result.mimetype == "image/jpeg"
    assert pixels_of(result.data).shape == (400, 640, 3)
    assert service.client.get(photo["urls"]["result_view"]).status_code == 200
    assert service.client.get(photo["urls"]["recipe"]).get_json()["model"] == "default"


def test_readiness_names_what_there_is(service: Service) -> None:
    until(lambda: service.client.get("/readyz").status_code == 200)
    answer = service.client.get("/readyz")
    wanted = {"database", "storage", "worker", "model"} | ({"broker"} if service.runner else set())
    assert answer.get_json()["checks"] == dict.fromkeys(wanted, True)


@pytest.mark.postgres
@pytest.mark.redis
def test_result_is_the_same_on_both(one_machine: Service, several_machines: Service) -> None:
    results = [service.client.get(service.done()["urls"]["result"]).data for service in (one_machine, several_machines)]
    assert results[0] == results[1]


def test_renders_and_previews_of_a_photo(service: Service) -> None:
    photo = service.done()
    answer = service.client.post(photo["urls"]["renders"], json={"saturation": 0.5, "format": "png"}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    file = service.client.get(answer.get_json()["urls"]["file"])
    assert (file.mimetype, pixels_of(file.data).shape) == ("image/png", (400, 640, 3))
    hint = {"x": 0.5, "y": 0.5, "radius": 0.2, "a": 60.0, "b": 20.0}
    answer = service.client.post(photo["urls"]["previews"], json={"hints": [hint]}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    assert service.client.get(answer.get_json()["urls"]["view"]).status_code == 200
    spots = service.client.get(f"{photo['urls']['suggestions']}?x=0.5&y=0.5").get_json()["suggestions"]
    assert 1 <= len(spots) <= 9


def test_preview_overtakes_a_box_of_photographs(service: Service) -> None:
    photo = service.done()
    box = service.queue(6, priority=2)
    answer = service.client.post(photo["urls"]["previews"], json={}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    assert not service.all_done(box)
    until(lambda: service.all_done(box))


def test_version_has_the_original_of_the_first_on_its_own(service: Service) -> None:
    photo = service.done()
    answer = service.client.post("/v1/colorizations", json={"source": photo["id"], "warmth": 0.5}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    version = answer.get_json()
    assert service.client.get(version["urls"]["original"]).data == PHOTO
    assert service.client.delete(version["urls"]["self"]).status_code == 204
    assert service.client.get(photo["urls"]["original"]).data == PHOTO


def test_delete_leaves_no_file_and_no_row(service: Service) -> None:
    photo = service.done()
    child = service.client.post(photo["urls"]["renders"], json={"saturation": 2}, headers=WAIT).get_json()["id"]
    assert service.client.delete(photo["urls"]["self"]).status_code == 204
    for job_id in (photo["id"], child):
        assert service.parts.jobs.get(job_id) is None
        for kind in get_args(FileKind):
            with pytest.raises(FileNotFoundError):
                service.parts.files.stat(job_id, kind)
    assert service.client.get(photo["urls"]["result"]).status_code == 404


def test_photo_deleted_while_it_is_worked_on_leaves_nothing(service: Service) -> None:
    until(lambda: service.client.get("/readyz").status_code == 200)
    job_id = _caught_at_work(service)
    assert service.client.delete(f"/v1/colorizations/{job_id}").status_code == 204
    service.done()
    with pytest.raises(FileNotFoundError):
        service.parts.files.stat(job_id, "result")


def test_worker_sweeps_what_has_expired(service: Service) -> None:
    photo = service.done()
    _age(service, [photo["id"]])
    assert service.client.get(photo["urls"]["self"]).status_code == 404, "nobody sees it even before"
    _make_due(service)
    # The row is out of sight before the files are gone.
    until(lambda: not _has_file(service, photo["id"], "original"))
    assert service.parts.jobs.get(photo["id"]) is None


def test_killed_worker_loses_no_photo(service: Service) -> None:
    expected = service.result(service.done()["id"])
    ids = service.queue(5)
    until(lambda: any(_status(service, job_id) == "running" for job_id in ids))
    (worker,) = service.workers()
    os.kill(worker, signal.SIGKILL)
    until(lambda: service.all_done(ids))
    assert {service.result(job_id) for job_id in ids} == {expected}
    assert service.workers() != [worker]


def test_job_done_twice_is_done_once(service: Service) -> None:
    job_id = service.done()["id"]
    first = service.result(job_id), _finished(service, job_id)
    if service.parts.jobs.messages:
        assert not service.parts.jobs.messages.send([(job_id, 1)] * 3)
    service.done()
    assert (service.result(job_id), _finished(service, job_id)) == first, "what is done is not claimed"
    with service.parts.jobs.database.begin() as connection:
        row = sa.update(jobs_table).where(jobs_table.c.id == job_id)
        connection.execute(row.values(status="queued", finished_at=None, sent_at=None))
    until(lambda: service.all_done([job_id]))
    assert service.result(job_id) == first[0]


def test_shared_link_says_nothing_of_the_id_and_gives_no_right_but_to_look(service: Service) -> None:
    photo = service.done()
    version = service.client.post("/v1/colorizations", json={"source": photo["id"]}, headers=WAIT).get_json()
    for one in (photo, version):
        link = share_link(service.client.get(one["urls"]["page"]).text)
        token = link.rsplit("/", 1)[-1]
        guest = service.client.application.test_client()
        found = _named_below(guest, link)
        assert {f"{link}/{name}" for name in ("original-view", "result-view", "ab", "result", "original")} <= found
        for of in (photo["id"], version["id"]):
            assert not [told for told in _told(guest, found | {link}) if of[:12] in told or of[-12:] in told]
        for rule in service.client.application.url_map.iter_rules():
            if rule.arguments and rule.endpoint != "static" and not rule.endpoint.startswith("results.shared"):
                for method in {"GET", "POST", "DELETE"} & (rule.methods or set()):
                    _, address = rule.build(dict.fromkeys(rule.arguments, token)) or ("", "")
                    assert service.client.open(address, method=method).status_code == 404, (method, address)
        assert [service.client.open(link, method=method).status_code for method in ("POST", "DELETE")] == [405, 405]
    assert service.client.get(photo["urls"]["result"]).status_code == 200


def test_parts_of_a_file(service: Service) -> None:
    url = service.done()["urls"]["result"]
    whole = service.client.get(url)
    part = service.client.get(url, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.data) == (206, whole.data[100:300])
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(whole.data)}"
    end = service.client.get(url, headers={"Range": "bytes=-50"})
    assert (end.status_code, end.data) == (206, whole.data[-50:])
    assert service.client.get(url, headers={"Range": f"bytes={len(whole.data)}-"}).status_code == 416
    unchanged = service.client.get(url, headers={"If-None-Match": whole.headers["ETag"]})
    assert (unchanged.status_code, unchanged.data) == (304, b"")


def test_batch_as_an_archive(service: Service) -> None:
    photos = [service.done()["id"] for _ in range(2)]
    batch = service.client.post("/v1/batches", json={"colorizations": photos})
    assert batch.status_code in (200, 201), batch.text
    archive = service.client.get(f"/v1/batches/{batch.get_json()['id']}/archive")
    assert archive.data.startswith(b"PK")


def test_same_idempotency_key_makes_one_photo(service: Service) -> None:
    key = {"Idempotency-Key": new_job_id()}
    assert service.send(**key)["id"] == service.send(**key)["id"]


def test_others_photos_do_not_exist(service: Service) -> None:
    mine, other = (service.client.application.test_client() for _ in range(2))
    token = re.findall(r'<meta name="csrf-token" content="(\w+)">', mine.get("/").text)[0]
    other.get("/")
    headers = {"X-CSRF-Token": token, **WAIT}
    answer = mine.post("/v1/colorizations?name=p", data=PHOTO, content_type="image/jpeg", headers=headers)
    assert answer.status_code == 201, answer.text
    urls = answer.get_json()["urls"]
    assert mine.get(urls["self"]).status_code == 200
    for stranger in (other, service.client):
        assert [stranger.get(urls[name]).status_code for name in ("self", "original", "result")] == [404] * 3


def test_secret_is_the_same_for_every_web_process(service: Service, make_settings: MakeSettings) -> None:
    settings = service.parts.settings
    shared = {name: getattr(settings, name) for name in ("database_url", "broker_url", "storage_url")}
    folder = settings.data_dir if not service.runner else make_settings().data_dir
    with running_client(make_settings(**shared, data_dir=folder)) as second:
        browser, elsewhere = service.client.application.test_client(), second.application.test_client()
        browser.get("/")
        cookie = browser.get_cookie("photo_colorizer")
        assert cookie is not None
        elsewhere.set_cookie("photo_colorizer", cookie.value)
        assert elsewhere.get("/").headers["Set-Cookie"].split(";")[0] == f"photo_colorizer={cookie.value}"


def test_files_are_found_again_by_a_process_that_starts(service: Service, tmp_path: Path) -> None:
    job_id = service.done()["id"]
    again = open_files(service.parts.settings)
    assert again.stat(job_id, "result") == service.parts.files.stat(job_id, "result")
    assert tmp_path.exists()


def test_photo_whose_files_are_gone_is_not_found(service: Service) -> None:
    photo = service.done()
    service.parts.files.remove(photo["id"])
    for name in ("original", "result", "result_view", "recipe", "ab"):
        assert service.client.get(photo["urls"][name]).status_code == 404
    version = service.client.post("/v1/colorizations", json={"source": photo["id"]})
    assert (version.status_code, version.get_json()["code"]) == (404, "not_found")
    render = service.client.post(photo["urls"]["renders"], json={"warmth": 1}, headers=WAIT)
    assert (render.status_code, render.get_json()["code"]) == (404, "not_found")


@pytest.mark.postgres
@pytest.mark.redis
def test_storage_without_its_bucket_is_out_of_order(several_machines: Service) -> None:
    files = open_files(replace(several_machines.parts.settings, storage_url="s3://nowhere/all"))
    upload = files.receive(len(PHOTO))
    upload.write(PHOTO)
    with pytest.raises(StorageError):
        files.keep(upload, new_job_id())
    upload.close()


def _named_below(guest: FlaskClient, link: str) -> set[str]:
    """Return the addresses below the link that its page names, in attributes of any kind."""
    page = guest.get(link)
    assert page.status_code == 200
    return {address for address in re.findall(r'="(/[^"#?]*)', page.text) if address.startswith(f"{link}/")}


def _told(guest: FlaskClient, addresses: set[str]) -> Iterator[str]:
    """Yield all that a guest is told at those addresses: lines of headers, and bodies."""
    for address in addresses:
        answer = guest.get(address)
        assert answer.status_code == 200, address
        yield from (f"{name}: {value}" for name, value in answer.headers)
        yield answer.data.decode("latin-1")


def _caught_at_work(service: Service) -> str:
    """Return a photo that is being worked on; that takes a moment only, so several are tried."""
    for _ in range(20):
        (job_id,) = service.queue(1)
        while (status := _status(service, job_id)) == "queued":
            time.sleep(0.002)
        if status == "running":
            return job_id
    raise AssertionError("every photo was done before it could be seen running")


def _has_file(service: Service, job_id: str, kind: FileKind) -> bool:
    try:
        service.parts.files.stat(job_id, kind)
    except FileNotFoundError:
        return False
    return True


def _status(service: Service, job_id: str) -> str | None:
    job = service.parts.jobs.get(job_id)
    return job.status if job else None


def _finished(service: Service, job_id: str) -> float | None:
    job = service.parts.jobs.get(job_id)
    assert isinstance(job, Job)
    return job.finished_at


def _make_due(service: Service) -> None:
    """Make the workers' chores due now."""
    with service.parts.jobs.database.begin() as connection:
        connection.exec_driver_sql("UPDATE chores SET done_at = 0")
