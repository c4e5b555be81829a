"""Sending photos as programs do: every kind of body, how long the answer waits, lists, versions, retries, deletion."""

import io
import json
import re
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from service.api.prefer_header import preference_of
from service.domain.job import WORKER_LOST, Failure, NewJob, new_job_id
from service.jobs.schema import batch_photos, batches, requests
from service.workers.run_job import GONE, NO_STORAGE
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.support.uploads import as_file, chroma, field, pixels_of, scene

WAIT = {"Prefer": "wait=90"}
PHOTOS = "/v1/colorizations"


def send(client: FlaskClient, headers: dict[str, str] | None = None, **fields: Any) -> TestResponse:
    """Send a photo in a form."""
    return client.post(PHOTOS, data={"photo": field(as_file(scene(), "PNG"), "Oma.png"), **fields}, headers=headers)


@pytest.fixture(scope="module")
def done(client: FlaskClient) -> dict[str, Any]:
    """A photo that is done."""
    return send(client, WAIT).get_json()


def test_form_is_answered_by_the_finished_photo(client: FlaskClient) -> None:
    answer = send(client, WAIT, format="webp", size_px="60", saturation="1.5")
    assert answer.status_code == 201, answer.text
    photo = answer.get_json()
    assert answer.headers["Location"] == photo["urls"]["self"]
    assert answer.headers["Preference-Applied"] == "wait=90"
    assert (photo["status"], photo["name"], photo["mimetype"]) == ("done", "Oma.png", "image/webp")
    assert photo["options"] == {"format": "webp", "size_px": 60, "saturation": 1.5}
    assert photo["grays"]["pixels"] == 60 * 40
    assert photo["grays"]["changed_exact"] == 0
    assert photo["had_colour"] is False
    assert photo["created_at"] < photo["expires_at"]
    result = client.get(photo["urls"]["result"])
    assert pixels_of(result.data).shape == (40, 60, 3)
    assert client.get(answer.headers["Location"]).get_json() == photo


def test_file_as_it_is_with_options_in_the_address(client: FlaskClient) -> None:
    address = f"{PHOTOS}?name=Opa.jpg&format=png&warmth=0.5"
    for kind in ("image/jpeg", "application/octet-stream"):
        answer = client.post(address, data=as_file(scene()), content_type=kind, headers=WAIT)
        assert answer.status_code == 201, answer.text
        photo = answer.get_json()
        assert (photo["name"], photo["mimetype"]) == ("Opa.jpg", "image/png")
        assert photo["options"] == {"warmth": 0.5, "format": "png"}
        assert client.get(photo["urls"]["original"]).data == as_file(scene())


def test_without_preference_the_answer_comes_at_once(client: FlaskClient) -> None:
    for headers, applied in ((None, None), ({"Prefer": "respond-async"}, "respond-async")):
        answer = send(client, headers)
        assert answer.status_code == 202
        assert answer.headers.get("Preference-Applied") == applied
        assert answer.get_json()["status"] in ("queued", "running")
        assert client.get(answer.headers["Location"]).get_json()["id"] == answer.get_json()["id"]


@pytest.mark.parametrize(
    ("prefer", "wait_s", "applied"),
    [
        ("wait=10", 10, "wait=10"),
        ("WAIT = 10", 10, "wait=10"),
        ("respond-async, wait=5", 5, "wait=5, respond-async"),
        ("return=minimal; foo, wait=1000", 100, "wait=100"),
        ("wait=7, wait=8", 7, "wait=7"),
        ("wait=soon", 0, None),
        ("wait=-1", 0, None),
        ("", 0, None),
    ],
)
def test_preferences(client: FlaskClient, prefer: str, wait_s: float, applied: str | None) -> None:
    with client.application.test_request_context(headers={"Prefer": prefer}) as context:
        preference = preference_of(context.request, 100)
    assert preference.wait_s == wait_s
    assert preference.headers(is_done=False).get("Preference-Applied") == applied


def test_one_call_endpoint_follows_preferences_and_options(client: FlaskClient) -> None:
    photo = {"photo": field(as_file(scene())), "format": "png"}
    answer = client.post("/v1/index", data=photo, headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.get_json()["options"] == {"format": "png"}
    assert client.get(PHOTOS).get_json() == {"items": []}, "who has neither cookie nor key owns nothing"
    photo = {"photo": field(as_file(scene())), "format": "png"}
    assert client.post("/v1/index", data=photo).get_json()["mimetype"] == "image/png"


@pytest.mark.parametrize(
    ("sent", "status", "code", "field_"),
    [
        ({"data": b"x", "content_type": "text/plain"}, 415, "unsupported_media_type", None),
        ({"data": b"", "content_type": "image/png"}, 415, "not_a_picture", None),
        ({"data": b"{", "content_type": "application/json"}, 400, "bad_request", None),
        ({"data": b"\xff", "content_type": "application/json"}, 400, "bad_request", None),
        ({"json": {}}, 422, "invalid_value", "source"),
        ({"json": {"source": "0" * 32}}, 404, "not_found", None),
        ({"json": {"source": "0" * 32, "saturation": "2"}}, 422, "invalid_value", "saturation"),
        ({"data": {"photo": (b"x", "a.png"), "hints": "[1"}}, 422, "invalid_value", "hints"),
        ({"data": {"photo": (b"x", "a.png"), "model": "eccv16"}}, 422, "invalid_value", "model"),
        ({"data": {"photo": (b"no picture", "a.png")}}, 415, "not_a_picture", None),
        ({"data": {"warmth": "1"}}, 400, "no_file", None),
    ],
)
def test_wrong_requests(client: FlaskClient, sent: dict[str, Any], status: int, code: str, field_: str | None) -> None:
    form = sent.get("data")
    if isinstance(form, dict):
        sent = {
            "data": {name: field(*value) if isinstance(value, tuple) else value for name, value in form.items()},
            "content_type": "multipart/form-data",
        }
    answer = client.post(PHOTOS, **sent)
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json()
    assert problem["code"] == code
    assert problem.get("field") == field_


WRONG = {"warmth": 9, "format": "gif", "quality": 0, "bits": 12, "vividness": 1, "model": "nonsense"}
WRONG |= {"hints.0.x": [{"x": 2, "y": 0, "radius": 0, "a": 0, "b": 0}]}


@pytest.mark.parametrize("field_", WRONG)
def test_options_fail_in_the_same_words_wherever_they_are(
    client: FlaskClient, done: dict[str, Any], field_: str
) -> None:
    option = {field_.split(".")[0]: WRONG[field_]}
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in option.items()}
    answers = [
        client.post(PHOTOS, json={"source": done["id"], **option}),
        client.post(PHOTOS, query_string=texts, data=as_file(scene()), content_type="image/jpeg"),
        send(client, None, **texts),
        client.post(f"/colorization/{done['id']}/revise", data=texts, headers={"Accept": "application/json"}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    said = [(problem["field"], problem["detail"], problem["errors"]) for problem in map(TestResponse.get_json, answers)]
    assert said == said[:1] * 4
    assert said[0][0] == field_


def test_photo_that_fails_while_it_is_waited_for_is_its_problem(client: FlaskClient) -> None:
    whole = as_file(pixels_of(as_file(scene(300, 200))), "PNG")
    answer = client.post(PHOTOS, data=whole[: len(whole) // 2], content_type="image/png", headers=WAIT)
    assert answer.status_code == 422, answer.text
    problem = answer.get_json()
    assert problem["code"] == "undecodable"
    again = client.post(f"{PHOTOS}/{problem['id']}/retry")
    assert again.status_code == 202
    assert again.get_json()["status"] in ("queued", "running")


def test_only_what_failed_is_tried_again(client: FlaskClient, done: dict[str, Any]) -> None:
    answer = client.post(f"{PHOTOS}/{done['id']}/retry")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_failed")


def test_version_is_a_photo_of_its_own_with_the_same_original(client: FlaskClient) -> None:
    first = send(client, WAIT, saturation="0.5").get_json()
    answer = client.post(PHOTOS, json={"source": first["id"], "warmth": 1}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    second = answer.get_json()
    assert second["source"] == first["id"] != second["id"]
    assert second["options"] == {"saturation": 0.5, "warmth": 1}
    third = client.post(PHOTOS, json={"source": second["id"], "saturation": 1}, headers=WAIT).get_json()
    assert third["options"] == {"warmth": 1}
    listed = client.get(f"{PHOTOS}/{third['id']}/versions").get_json()["results"]
    assert [photo["id"] for photo in listed] == [first["id"], second["id"], third["id"]]
    assert client.get(second["urls"]["original"]).data == as_file(scene(), "PNG")
    assert client.delete(second["urls"]["self"]).status_code == 204
    listed = client.get(f"{PHOTOS}/{third['id']}/versions").get_json()["results"]
    assert [photo["id"] for photo in listed] == [first["id"], third["id"]], "a version goes alone"


def test_gone_means_gone(client: FlaskClient) -> None:
    photo = send(client, {**WAIT, "Idempotency-Key": "gone means gone"}).get_json()
    batch = client.post("/v1/batches", json={"colorizations": [photo["id"]]}).get_json()
    assert client.delete(photo["urls"]["self"]).status_code == 204
    for url in (*photo["urls"].values(), batch["urls"]["self"], batch["urls"]["archive"]):
        if url not in (photo["urls"]["renders"], photo["urls"]["previews"]):
            assert client.get(url).status_code == 404, url
    assert client.delete(photo["urls"]["self"]).status_code == 404
    with parts_of(client).jobs.database.connect() as connection:
        for table in (batch_photos, requests):
            assert photo["id"] not in connection.execute(sa.select(table.c.job_id)).scalars().all()
        assert batch["id"] not in connection.execute(sa.select(batches.c.id)).scalars().all()


def test_files_have_tags_and_parts(client: FlaskClient, done: dict[str, Any]) -> None:
    urls = done["urls"]
    for name in ("original", "result", "original_view", "result_view", "recipe"):
        whole = client.get(urls[name])
        assert whole.headers["Content-Length"] == str(len(whole.data))
        part = client.get(urls[name], headers={"Range": "bytes=3-9"})
        assert (part.status_code, part.data) == (206, whole.data[3:10])
        assert whole.cache_control.private
        assert client.get(urls[name], headers={"Range": "bytes=9999999-"}).status_code == 416
        assert client.get(urls[name], headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
        head = client.head(urls[name])
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == str(len(whole.data))
    assert json.loads(client.get(urls["recipe"]).data)


def test_list_of_ones_own_in_pages(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0, api_keys="a-long-key,another-key")) as client:
        mine, other = {"X-API-Key": "a-long-key"}, {"Authorization": "Bearer another-key"}
        assert client.get(PHOTOS).status_code == 401
        ids = [send(client, mine).get_json()["id"] for _ in range(5)]
        strange = send(client, other).get_json()["id"]
        seen: list[str] = []
        address: str | None = f"{PHOTOS}?limit=2"
        while address:
            page = client.get(address, headers=mine).get_json()
            assert len(page["items"]) <= 2
            seen += [photo["id"] for photo in page["items"]]
            address = page.get("next")
        assert seen == ids[::-1]
        assert client.get(f"{PHOTOS}/{strange}", headers=mine).status_code == 404
        assert client.get(PHOTOS, headers=other).get_json()["items"][0]["id"] == strange
        for query in ("limit=0", "limit=101", "limit=x", "after=x", "after=1-" + "0" * 31, "colour=red"):
            assert client.get(f"{PHOTOS}?{query}", headers=mine).status_code == 422, query


def test_children_are_no_photos(client: FlaskClient, done: dict[str, Any]) -> None:
    render = client.post(done["urls"]["renders"], json={}, headers=WAIT).get_json()
    for path in ("", "/result", "/original-view", "/events", "/ab"):
        assert client.get(f"{PHOTOS}/{render['id']}{path}").status_code == 404
    assert client.delete(f"{PHOTOS}/{render['id']}").status_code == 404


def test_of_several_frames_the_first_is_said_to_be_coloured(client: FlaskClient) -> None:
    frames = [Image.fromarray(np.roll(scene(), shift)) for shift in (0, 20, 40)]
    for format_, coloured in (("GIF", 1), ("TIFF", 3)):
        file = io.BytesIO()
        frames[0].save(file, format_, save_all=True, append_images=frames[1:])
        data = {"photo": field(file.getvalue(), "several")}
        photo = client.post("/v1/colorizations", data=data, headers={"Prefer": "wait=90"}).get_json()
        assert photo["frames"] == {"in_file": 3, "coloured": coloured}
        page = client.get(photo["urls"]["page"]).text
        assert ("The file holds 3 pictures. This is the first one." in page) == (coloured == 1)


def test_models(client: FlaskClient) -> None:
    networks = {network["name"]: network for network in client.get("/v1/models").get_json()["models"]}
    assert networks.keys() >= {"siggraph17", "eccv16", "default"}
    assert networks["default"]["title"] == "Stand-in"
    assert [name for name, network in networks.items() if network["is_default"]] == ["default"]
    assert not networks["siggraph17"]["installed"]
    assert networks["siggraph17"]["accepts_hints"]


def test_failure_of_the_program_keeps_its_number(make_settings: MakeSettings) -> None:
    with running_client(make_settings()) as client:
        jobs, job = parts_of(client).jobs, NewJob(new_job_id(), "a.jpg", "image/jpeg", 10, 10)
        jobs.add([job])
        jobs.claim_one(job.id, "somebody")
        jobs.fail(job.id, "somebody", Failure("internal_error", 500, "secret", {"request_id": "1234abcd"}))
        problem = client.get(f"{PHOTOS}/{job.id}").get_json()["problem"]
    assert (problem["status"], problem["request_id"]) == (500, "1234abcd")
    assert "1234abcd" in problem["detail"]
    assert not re.search("secret", problem["detail"])


@pytest.mark.parametrize("failure", [NO_STORAGE, GONE, WORKER_LOST], ids=lambda failure: failure.code)
def test_failure_of_the_server_is_told_in_both_languages(make_settings: MakeSettings, failure: Failure) -> None:
    with running_client(make_settings()) as client:
        jobs, job = parts_of(client).jobs, NewJob(new_job_id(), "a.jpg", "image/jpeg", 10, 10)
        jobs.add([job])
        jobs.claim_one(job.id, "somebody")
        jobs.fail(job.id, "somebody", failure)
        english, chinese = (
            client.get(f"{PHOTOS}/{job.id}", headers={"Accept-Language": language}).get_json()["problem"]["detail"]
            for language in ("en", "zh")
        )
        assert re.search("[a-z]{3} [a-z]", english)
        assert re.search("[\u4e00-\u9fff]{4}", chinese)
        assert client.get(f"/colorization/{job.id}").status_code == 200


def test_colours_are_those_of_the_result(client: FlaskClient) -> None:
    photo = send(client, WAIT).get_json()
    assert chroma(pixels_of(client.get(photo["urls"]["result"]).data)) > 5
