"""`Idempotency-Key`: a request that is sent again makes nothing new, also when both come at the same time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from service.jobs.retention import forget_requests
from service.jobs.schema import batches, jobs, requests
from service.jobs.store import JobStore
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.test_gunicorn import serving
from tests.support.processes import free_port
from tests.support.uploads import as_file, field, scene

PHOTOS = "/v1/colorizations"


def photo(width: int = 60) -> dict[str, Any]:
    return {"photo": field(as_file(scene(width, 40)), "a.jpg")}


def test_same_request_makes_one_photo(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "same-request"}
    first, second = (client.post(PHOTOS, data=photo(), headers=headers) for _ in range(2))
    assert first.status_code == 202
    assert first.get_json()["id"] == second.get_json()["id"]
    third = client.post(PHOTOS, data=photo(), headers={**headers, "Prefer": "wait=90"})
    assert (third.status_code, third.get_json()["id"]) == (201, first.get_json()["id"])
    for data in (photo(70), {**photo(), "warmth": "1"}, {"photo": field(as_file(scene(60, 40)), "b.jpg")}):
        other = client.post(PHOTOS, data=data, headers=headers)
        assert (other.status_code, other.get_json()["code"]) == (422, "key_reused")


def test_batches_and_versions_are_made_once_too(client: FlaskClient) -> None:
    def batch() -> dict[str, Any]:
        several = {"photo": [field(as_file(scene(60, 40)), "a.jpg"), field(as_file(scene(70, 40)), "b.jpg")]}
        return client.post("/v1/batches", data=several, headers={"Idempotency-Key": "a batch"}).get_json()

    first, second = batch(), batch()
    assert first["id"] == second["id"]
    assert [one["id"] for one in first["results"]] == [one["id"] for one in second["results"]]
    version = {"json": {"source": first["results"][0]["id"]}, "headers": {"Idempotency-Key": "a version"}}
    assert client.post(PHOTOS, **version).get_json()["id"] == client.post(PHOTOS, **version).get_json()["id"]


def test_key_lives_as_long_as_its_photo(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "a life"}
    first = client.post(PHOTOS, data=photo(), headers=headers).get_json()
    client.delete(first["urls"]["self"])
    assert client.post(PHOTOS, data=photo(80), headers=headers).get_json()["id"] != first["id"]


def test_refused_photo_uses_no_key(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "refused"}
    assert client.post(PHOTOS, data={"photo": field(b"no", "a.jpg")}, headers=headers).status_code == 415
    assert client.post(PHOTOS, data=photo(), headers=headers).status_code == 202


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_keys_of_no_use(client: FlaskClient, key: str) -> None:
    answer = client.post(PHOTOS, data=photo(), headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.get_json()["field"]) == (422, "Idempotency-Key")


def test_key_belongs_to_its_owner(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0, api_keys="one-long-key,two-long-key")) as client:
        made = {
            client.post(PHOTOS, data=photo(), headers={"X-API-Key": key, "Idempotency-Key": "k"}).get_json()["id"]
            for key in ("one-long-key", "two-long-key")
        }
    assert len(made) == 2


def test_requests_at_the_same_time_make_one_photo(make_settings: MakeSettings) -> None:
    settings = make_settings(port=free_port())
    with serving("gunicorn", settings) as (client, _), ThreadPoolExecutor(12) as pool:
        file = as_file(scene())

        def send(_: int) -> httpx.Response:
            return client.post(PHOTOS, files={"photo": ("a.jpg", file)}, headers={"Idempotency-Key": "at once"})

        answers = list(pool.map(send, range(12)))
    assert {answer.status_code for answer in answers} <= {201, 202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    store = JobStore(settings.data_dir)
    with store.database.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(jobs)).scalar_one() == 1
    store.close()
    folders = [path for path in (settings.data_dir / "photos").glob("*/*") if path.is_dir()]
    assert len(folders) == 1, "what the others sent is gone"


def test_old_requests_and_batches_are_forgotten(client: FlaskClient) -> None:
    client.post("/v1/batches", data=photo(), headers={"Idempotency-Key": "old"})
    database = parts_of(client).jobs.database
    forget_requests(database, 0.0)
    with database.connect() as connection:
        ages = [
            connection.execute(sa.select(sa.func.max(table.c.created_at))).scalar_one() for table in (batches, requests)
        ]
    assert all(ages)
    forget_requests(database, max(ages))
    with database.connect() as connection:
        assert not any(connection.execute(sa.select(table)).all() for table in (batches, requests))
