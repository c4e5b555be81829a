"""Refusal of results that are too large for their format, on every route, before any work is done."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.jobs.schema import jobs
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.support.uploads import as_file, field, pixels_of

WIDE = as_file(np.zeros((2, 65502), np.uint8), "PNG")
MOST_PX = {"webp": 16383, "jpeg": 65500}
WAIT = {"Prefer": "wait=100"}


@pytest.fixture(scope="module")
def client(make_settings: MakeSettings) -> Iterator[FlaskClient]:
    with running_client(make_settings(wait_s=100)) as client:
        yield client


@pytest.fixture(scope="module")
def photo(client: FlaskClient) -> dict[str, Any]:
    """A photo that is done, wider than any JPEG file."""
    answer = client.post("/v1/colorizations?name=wide.png", data=WIDE, content_type="image/png", headers=WAIT)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


WAYS = {
    "a file": ("/v1/colorizations", "file"),
    "a form": ("/v1/colorizations", "form with file"),
    "one call": ("/v1/index", "form with file"),
    "a batch": ("/v1/batches", "form with file"),
    "a version": ("/v1/colorizations", "json"),
    "a render": ("/v1/colorizations/{}/renders", "json"),
    "the page's version": ("/colorization/{}/revise", "form"),
    "the page's file": ("/colorization/{}/download", "form"),
}


def ask(client: FlaskClient, photo: dict[str, Any], way: str, options: dict[str, Any]) -> TestResponse:
    """Ask for a result of the wide picture with `options`."""
    path, body = WAYS[way]
    source = {"source": photo["id"]} if way == "a version" else {}
    bodies: dict[str, dict[str, Any]] = {
        "file": {"query_string": options, "data": WIDE, "content_type": "image/png"},
        "form with file": {"data": {"photo": field(WIDE), **options}},
        "form": {"data": options},
        "json": {"json": {**source, **options}},
    }
    return client.post(path.format(photo["id"]), **bodies[body])


def rows(client: FlaskClient) -> int:
    """Return how many photos, versions and renders are known."""
    with parts_of(client).jobs.database.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(jobs)).scalar_one()


@pytest.mark.parametrize("format_", MOST_PX)
@pytest.mark.parametrize("way", WAYS)
def test_too_large_for_its_format(client: FlaskClient, photo: dict[str, Any], way: str, format_: str) -> None:
    before = rows(client)
    for size in ({}, {"size_px": MOST_PX[format_] + 1}):
        answer = ask(client, photo, way, {"format": format_, **size})
        assert answer.status_code == 422, answer.text
        if answer.mimetype == "application/problem+json":
            problem = answer.get_json()
            assert (problem["code"], problem["limit_px"]) == ("too_large_for_format", MOST_PX[format_])
        else:
            assert "Too large for this kind of file" in answer.text
    assert rows(client) == before, "nothing is queued"
    fitting = ask(client, photo, way, {"format": format_, "size_px": 64})
    assert fitting.status_code < 400, fitting.text


def test_size_may_not_grow_beyond_the_format_later(client: FlaskClient, photo: dict[str, Any]) -> None:
    options = {"source": photo["id"], "format": "webp", "size_px": 1000}
    version = client.post("/v1/colorizations", json=options, headers=WAIT).get_json()
    assert pixels_of(client.get(version["urls"]["result"]).data).shape[1] == 1000
    refused = client.post(version["urls"]["renders"], json={"size_px": 20000})
    assert (refused.status_code, refused.get_json()["code"]) == (422, "too_large_for_format")
    render = client.post(version["urls"]["renders"], json={"size_px": 20000, "format": "jpeg"}, headers=WAIT)
    assert render.status_code == 201, render.text
    assert pixels_of(client.get(render.get_json()["urls"]["file"]).data).shape[1] == 20000


def test_one_photo_that_is_too_large_does_not_spoil_the_others(client: FlaskClient) -> None:
    photos = [field(WIDE, "wide.png"), field(as_file(np.zeros((16, 16), np.uint8), "PNG"), "small.png")]
    answer = client.post("/v1/batches", data={"photo": photos, "format": "jpeg"})
    assert answer.status_code == 202, answer.text
    codes = [result.get("code") for result in answer.get_json()["results"]]
    assert codes == ["too_large_for_format", None]


def test_page_says_so_in_the_readers_language(client: FlaskClient, photo: dict[str, Any]) -> None:
    headers = {"Accept-Language": "zh"}
    answer = client.post(f"/colorization/{photo['id']}/download", data={"format": "webp"}, headers=headers)
    assert "WebP 每边最多 16383 像素" in answer.text
