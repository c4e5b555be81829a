"""Whatever goes wrong: the right status, problem JSON for programs, a readable page for people, never a trace."""

import logging
import resource
import sqlite3
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from colorizers import errors
from service.domain.problems import TEXTS, status_of
from service.storage.base import StorageError, Upload
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.support.uploads import as_file, field, post_form, scene


def noise(width: int, height: int) -> bytes:
    return as_file(np.random.default_rng(1).integers(0, 255, (height, width), np.uint8), "PNG")


CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing": ({}, 400, "no_file"),
    "empty file field": ({"photo": (b"", "")}, 400, "no_file"),
    "text instead of a file": ({"photo": "hello"}, 400, "no_file"),
    "wrong field": ({"image": (as_file(scene()), "a.jpg")}, 400, "no_file"),
    "empty file": ({"photo": (b"", "empty.jpg")}, 415, "not_a_picture"),
    "not a picture": ({"photo": (b"%PDF-1.7 and so on", "a.jpg")}, 415, "not_a_picture"),
    "truncated": ({"photo": (noise(300, 200)[:5000], "a.png")}, 422, "undecodable"),
    "broken header": ({"photo": (b"\xff\xd8\xff\xe0 nonsense", "a.jpg")}, 422, "undecodable"),
    "too many pixels": ({"photo": (as_file(scene(2000, 1200)), "a.jpg")}, 422, "too_many_pixels"),
    "too large": ({"photo": (noise(1200, 1000), "a.png")}, 413, "upload_too_large"),
    "too many files": ({"photo": [(as_file(scene()), "a.jpg")] * 4}, 413, "too_many_files"),
    "far too large": ({"photo": (bytes(6_000_000), "a.jpg")}, 413, "request_too_large"),
}


def form(data: dict[str, Any]) -> dict[str, Any]:
    """Return `data` with fresh streams for one request."""

    def fresh(value: Any) -> Any:
        if isinstance(value, list):
            return [fresh(item) for item in value]
        return field(*value) if isinstance(value, tuple) else value

    return {name: fresh(value) for name, value in data.items()}


@pytest.mark.parametrize("case", CASES)
def test_json_endpoint(client: FlaskClient, case: str) -> None:
    data, status, code = CASES[case]
    answer = post_form(client, "/v1/index", form(data))
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    problem = answer.get_json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["title"]
    assert len(problem["detail"]) > 10


@pytest.mark.parametrize("case", CASES)
def test_form(client: FlaskClient, case: str) -> None:
    data, status, code = CASES[case]
    answer = post_form(client, "/colorization", form(data))
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "text/html"
    assert str(TEXTS[code][0]) in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "mimetype"),
    [
        ("GET", "/nowhere", 404, "text/html"),
        ("GET", "/v1/nowhere", 404, "application/problem+json"),
        ("GET", "/v1/colorizations/" + "0" * 32, 404, "application/problem+json"),
        ("GET", "/v1/colorizations/" + "0" * 32 + "/result", 404, "application/problem+json"),
        ("GET", "/colorization/" + "0" * 32, 404, "text/html"),
        ("GET", "/colorization/..%2f..%2fetc", 404, "text/html"),
        ("PUT", "/v1/index", 405, "application/problem+json"),
        ("DELETE", "/", 405, "text/html"),
    ],
)
def test_wrong_addresses(client: FlaskClient, method: str, path: str, status: int, mimetype: str) -> None:
    answer = client.open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (status, mimetype)
    assert (status == 405) == ("Allow" in answer.headers)


def test_page_or_json_follows_what_the_client_accepts(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.get_json()["code"] == "not_found"


def test_page_that_failed_says_why(client: FlaskClient) -> None:
    truncated = client.post("/v1/index", data={"photo": field(noise(300, 200)[:5000], "half.png")})
    assert truncated.status_code == 422
    jobs = [job for job in _all_jobs(client) if job.endswith("half.png")]
    page = client.get(f"/colorization/{jobs[0].split()[0]}")
    assert page.status_code == 200
    assert "cannot be decoded" in page.text
    document = client.get(f"/v1/colorizations/{jobs[0].split()[0]}").get_json()
    assert document["status"] == "failed"
    assert document["problem"]["code"] == "undecodable"


def _all_jobs(client: FlaskClient) -> list[str]:
    with sqlite3.connect(parts_of(client).settings.data_dir / "jobs.sqlite3") as connection:
        rows = connection.execute("SELECT id || ' ' || name FROM jobs").fetchall()
    connection.close()
    return [row[0] for row in rows]


def test_other_languages_get_their_own_words(client: FlaskClient) -> None:
    answer = client.get("/nowhere", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert answer.status_code == 404
    assert '<html lang="zh' in answer.text
    assert "Nothing here" not in answer.text


def test_unexpected_error_shows_a_number_only(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(parts_of(client).jobs, "find", broken)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/v1/colorizations/" + "0" * 32)
    assert answer.status_code == 500
    problem = answer.get_json()
    assert "secret" not in answer.text
    assert problem["code"] == "internal_error"
    assert problem["request_id"] in problem["detail"]
    assert problem["request_id"] in caplog.text
    assert "secret detail" in caplog.text
    page = client.get("/colorization/" + "0" * 32)
    assert page.status_code == 500
    assert "secret" not in page.text


def test_full_disk_is_told_and_when_to_try_again(client: FlaskClient) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        answer = client.post("/v1/index", data={"photo": field(noise(300, 200), "a.png")})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_storage_that_fails_between_two_photos_keeps_neither(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, kept = parts_of(client).files, list[str]()
    keep = files.keep

    def keep_one(upload: Upload, job_id: str) -> None:
        if kept:
            raise StorageError("full", retry_after_s=1)
        kept.append(job_id)
        keep(upload, job_id)

    monkeypatch.setattr(files, "keep", keep_one)
    answer = client.post("/v1/index", data={"photo": [field(as_file(scene())), field(as_file(scene()))]})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_unavailable")
    with pytest.raises(FileNotFoundError):
        files.stat(kept[0], "original")


def test_database_that_does_not_answer_is_told_without_what_was_asked(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def locked(*_: object) -> None:
        raise OperationalError("SELECT 'grandmother.jpg'", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(parts_of(client).jobs, "find", locked)
    for path in ("/v1/colorizations/", "/colorization/"):
        answer = client.get(path + "0" * 32)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "grandmother" not in answer.text
    assert "database is locked" in caplog.text
    assert "grandmother" not in caplog.text


def test_unknown_network_is_the_servers_fault(make_settings: MakeSettings) -> None:
    with running_client(make_settings(model="nonsense", wait_s=60)) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.post("/v1/index", data={"photo": field(as_file(scene()))})
        assert answer.status_code == 503
        assert answer.get_json()["code"] == "unknown_model"


def test_every_error_of_the_library_has_words_and_a_status() -> None:
    def leaves(kind: type[errors.ColorizerError]) -> set[str]:
        below = kind.__subclasses__()
        return set().union(*(leaves(sub) for sub in below)) if below else {kind.code}

    # The service checks hints and temperatures itself, before the library does.
    checked_before = {"invalid_hint", "invalid_temperature"}
    shown_by_commands_only = {"download_failed", "invalid_recipe", "other_weights"} | checked_before
    codes = leaves(errors.ColorizerError)
    assert codes - shown_by_commands_only <= TEXTS.keys()
    assert {code for code in codes if status_of(code) == 500} <= {"broken_prediction"}


def test_security_headers(client: FlaskClient) -> None:
    for path in ("/", "/v1/index", "/healthz", "/nowhere", "/static/style.css"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert ("Set-Cookie" in headers) == (path in ("/", "/v1/index")), "only the home page gives the cookie"
