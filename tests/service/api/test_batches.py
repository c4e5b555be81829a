"""Photos that belong together: how they fare, and all results as one ZIP file with safe, different names."""

import io
import json
import zipfile
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.api.zip_archive import file_names, zip_of
from service.domain.job import Job, Outcome
from tests.service.conftest import MakeSettings, running_client
from tests.support.uploads import as_file, field, pixels_of, scene

WAIT = {"Prefer": "wait=90"}


def photos(*names: str) -> dict[str, Any]:
    return {"photo": [field(b"nothing" if name == "bad.jpg" else as_file(scene()), name) for name in names]}


@pytest.mark.parametrize("route", ["/v1/colorizations", "/v1/batches"])
def test_several_photos_make_a_batch(client: FlaskClient, route: str) -> None:
    answer = client.post(route, data={**photos("a.jpg", "bad.jpg", "A.JPG"), "saturation": "2"}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    batch = answer.get_json()
    assert answer.headers["Location"] == batch["urls"]["self"]
    assert batch["counts"] == {"done": 2}
    assert [result["status"] for result in batch["results"]] == ["done", 415, "done"]
    assert batch["results"][1]["name"] == "bad.jpg"
    assert {result.get("batch") for result in batch["results"][::2]} == {batch["id"]}
    assert [result["options"] for result in batch["results"][::2]] == [{"saturation": 2}] * 2
    now = client.get(batch["urls"]["self"]).get_json()
    assert [result["id"] for result in now["results"]] == [result["id"] for result in batch["results"][::2]]
    archive = client.get(batch["urls"]["archive"])
    assert archive.headers["Content-Disposition"] == f"attachment; filename=colorized_{batch['id'][:8]}.zip"
    with zipfile.ZipFile(io.BytesIO(archive.data)) as file:
        assert file.testzip() is None
        assert file.namelist() == ["colorized_a.jpg", "colorized_A (2).JPG", "manifest.json"]
        first = file.read("colorized_a.jpg")
        told = json.loads(file.read("manifest.json"))["photos"]
    assert first == client.get(now["results"][0]["urls"]["result"]).data
    assert [entry["file"] for entry in told] == ["colorized_a.jpg", "colorized_A (2).JPG"]
    assert [entry["id"] for entry in told] == [result["id"] for result in now["results"]]


def test_one_photo_can_be_a_batch(client: FlaskClient) -> None:
    answer = client.post("/v1/batches", data=photos("a.jpg"))
    assert answer.status_code == 202
    assert len(client.get(answer.headers["Location"]).get_json()["results"]) == 1


def test_only_bad_photos_make_no_batch(client: FlaskClient) -> None:
    answer = client.post("/v1/batches", data=photos("bad.jpg", "bad.jpg"))
    assert answer.status_code == 415
    assert [result["code"] for result in answer.get_json()["results"]] == ["not_a_picture"] * 2


def test_photos_that_are_there_make_a_batch(client: FlaskClient) -> None:
    ids = [
        client.post("/v1/colorizations", data=photos(name), headers=WAIT).get_json()["id"]
        for name in ("b.jpg", "a.jpg")
    ]
    answer = client.post("/v1/batches", json={"colorizations": [*ids, ids[0]]})
    assert answer.status_code == 201, answer.text
    batch = answer.get_json()
    assert [result["id"] for result in batch["results"]] == ids
    client.delete(f"/v1/colorizations/{ids[0]}")
    assert [result["id"] for result in client.get(batch["urls"]["self"]).get_json()["results"]] == ids[1:]
    with zipfile.ZipFile(io.BytesIO(client.get(batch["urls"]["archive"]).data)) as file:
        assert file.namelist() == ["colorized_a.jpg", "manifest.json"]


@pytest.mark.parametrize("body", [{}, {"colorizations": []}, {"colorizations": ["x"]}, {"colorizations": [1]}])
def test_wrong_batches(client: FlaskClient, body: object) -> None:
    assert client.post("/v1/batches", json=body).status_code == 422


def test_batch_of_strangers_photos(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0, api_keys="a-long-key,another-key")) as client:
        mine, other = {"X-API-Key": "a-long-key"}, {"X-API-Key": "another-key"}
        photo = client.post("/v1/colorizations", data=photos("a.jpg"), headers=other).get_json()
        assert client.post("/v1/batches", json={"colorizations": [photo["id"]]}, headers=mine).status_code == 404
        batch = client.post("/v1/batches", json={"colorizations": [photo["id"]]}, headers=other).get_json()
        assert client.get(batch["urls"]["self"], headers=mine).status_code == 404
        assert client.get(batch["urls"]["archive"], headers=mine).status_code == 404
        assert client.get(batch["urls"]["self"], headers=other).status_code == 200


def job(number: int, name: str, status: str = "done") -> Job:
    outcome = Outcome(1, 1, "image/png", ".png", "image/jpeg", "default", "Stand-in", "00", False, False)
    ended = outcome if status == "done" else None
    return Job(f"{number:032}", status, name, "image/png", 1, 1, 0.0, 0.0, outcome=ended)  # type: ignore[arg-type]


def test_names_are_safe_and_different() -> None:
    names = ["a.png", "A.PNG", "a (2).png", 'q:"u|o<t>e?*.png', "manifest.json", "b.jpg", "c.png"]
    jobs = [job(number, name) for number, name in enumerate(names)] + [job(9, "d.png", "failed")]
    made = file_names(jobs)
    assert made[:3] == ["colorized_a.png", "colorized_A (2).PNG", "colorized_a (2) (2).png"]
    assert made[3] == "colorized_q__u_o_t_e__.png"
    assert made[5:] == ["colorized_b.png", "colorized_c.png", None]
    assert len({name.casefold() for name in made if name}) == len(names)


def test_photo_that_is_deleted_meanwhile_is_said_to_be(pixels: int = 1000) -> None:
    def open_result(job_id: str) -> io.BytesIO:
        if job_id.endswith("1"):
            raise FileNotFoundError
        return io.BytesIO(as_file(scene(pixels, pixels), "PNG"))

    jobs = [job(0, "a.png"), job(1, "b.png"), job(2, "c.png", "failed"), job(3, "老.png")]
    stream = zip_of(jobs, open_result, lambda job: {"status": job.status})
    chunks = list(stream)
    assert max(map(len, chunks)) < 200_000, "it is streamed"
    with zipfile.ZipFile(io.BytesIO(b"".join(chunks))) as file:
        assert file.testzip() is None
        assert file.namelist() == ["colorized_a.png", "colorized_老.png", "manifest.json"]
        assert pixels_of(file.read("colorized_老.png")).shape == (pixels, pixels)
        told = json.loads(file.read("manifest.json"))["photos"]
    assert [(entry["file"], entry["status"]) for entry in told] == [
        ("colorized_a.png", "done"),
        (None, "deleted"),
        (None, "failed"),
        ("colorized_老.png", "done"),
    ]
