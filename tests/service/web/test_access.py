"""Requests from other sites, forms without their token, programs without a key: turned away, and nobody else."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.service.conftest import MakeSettings, running_client
from tests.support.uploads import as_file, field, scene

NOBODY = "0" * 32
KEYS = {"Authorization": "Bearer long-random-key-1"}, {"X-API-Key": "long-random-key-2"}


def send(client: FlaskClient, path: str = "/v1/index", token: str | None = None, **headers: str) -> TestResponse:
    """Send a photo, with headers by their names in snake case."""
    data = {"photo": field(as_file(scene())), **({"csrf_token": token} if token is not None else {})}
    return client.post(path, data=data, headers={name.replace("_", "-"): value for name, value in headers.items()})


def browser_of(client: FlaskClient) -> tuple[FlaskClient, str]:
    """Return another client that has been to the home page, and the token of its form."""
    other = client.application.test_client()
    page = other.get(f"{base(client)}/").text
    field_token, *_ = re.findall(r'<input type="hidden" name="csrf_token" value="(\w{128})">', page)
    (meta_token,) = re.findall(r'<meta name="csrf-token" content="(\w+)">', page)
    assert field_token != meta_token, "never the same twice"
    return other, field_token


def base(client: FlaskClient) -> str:
    return client.application.static_url_path.removesuffix("/static")  # type: ignore[union-attr]


CROSS_SITE = [
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "null"},
    {"Origin": "http://[bad"},
    {"Sec_Fetch_Site": "cross-site", "Origin": "http://localhost"},
]
OWN_SITE = [{}, {"Sec_Fetch_Site": "same-origin"}, {"Sec_Fetch_Site": "none"}, {"Origin": "http://localhost"}]


@pytest.mark.parametrize("headers", CROSS_SITE)
def test_request_of_another_site_is_refused(hasty_client: FlaskClient, headers: dict[str, str]) -> None:
    answer = send(hasty_client, "/prefix/v1/index", **headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "cross_site")
    assert answer.mimetype == "application/problem+json"
    page = send(hasty_client, "/prefix/colorization", Accept="text/html", **headers)
    assert (page.status_code, page.mimetype) == (403, "text/html")
    assert "another site" in page.text
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    assert hasty_client.delete(f"/prefix/v1/colorizations/{NOBODY}", headers=names).status_code == 403
    assert hasty_client.get("/prefix/", headers=names).status_code == 200, "links from elsewhere work"


@pytest.mark.parametrize("headers", OWN_SITE)
def test_request_of_our_own_pages_or_of_a_program_passes(hasty_client: FlaskClient, headers: dict[str, str]) -> None:
    assert send(hasty_client, "/prefix/colorization", **headers).status_code == 202
    assert send(hasty_client, "/prefix/v1/index", **headers).status_code == 202


def test_scheme_and_port_that_a_proxy_changes_do_not_matter(hasty_client: FlaskClient) -> None:
    for origin, host in (("https://a.example", "a.example"), ("https://a.example:8443", "a.example:8443")):
        assert send(hasty_client, "/prefix/v1/index", Origin=origin, Host=host).status_code == 202


def test_browser_with_our_cookie_must_send_its_token(hasty_client: FlaskClient) -> None:
    mine, token = browser_of(hasty_client)
    _, token_of_another = browser_of(hasty_client)
    for path in ("/prefix/colorization", "/prefix/v1/index"):
        assert send(mine, path, token).status_code == 202
        assert send(mine, path, X_CSRF_Token=token).status_code == 202
        for wrong in ("", "x", "é", token_of_another, token[:-1], token[:-2], token + "00", "0" * 128):
            assert send(mine, path, wrong).status_code == 403
        refused = send(mine, path, Accept="application/json", Sec_Fetch_Site="same-origin")
        assert (refused.status_code, refused.get_json()["code"]) == (403, "form_token")
    address = send(mine, "/prefix/v1/index", token).get_json()["urls"]["self"]
    assert mine.delete(address).status_code == 403
    assert mine.get(address).status_code == 200
    assert mine.delete(address, headers={"X-CSRF-Token": token}).status_code == 204


def test_page_for_who_has_no_cookie_gives_none_and_has_no_token(hasty_client: FlaskClient) -> None:
    answer = send(hasty_client, "/prefix/colorization")
    assert "Set-Cookie" not in answer.headers
    assert '<meta name="csrf-token" content="">' in answer.text


def test_with_keys_programs_need_one(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0, api_keys="long-random-key-1, long-random-key-2,")) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"X-API-Key": "long-random-key"}, {"X-API-Key": "é"}):
            answer = client.post("/v1/index", data={"photo": field(as_file(scene()))}, headers=headers)
            assert (answer.status_code, answer.get_json()["code"]) == (401, "key_required")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert client.get(f"/v1/colorizations/{NOBODY}", headers=headers).status_code == 401
        assert client.get("/v1/nowhere").status_code == 401
        assert client.get("/v1/index").status_code == 200, "the page by its other address"
        assert client.get("/healthz").status_code == 200


def test_photo_of_a_key_is_answered_to_that_key_alone(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0, api_keys="long-random-key-1,long-random-key-2")) as client:
        data = {"photo": field(as_file(scene()))}
        sent = client.post("/v1/index", data=data, headers=KEYS[0])
        assert sent.status_code == 202
        address = sent.get_json()["urls"]["self"]
        assert client.get(address, headers=KEYS[0]).status_code == 200
        other, unknown = (client.get(a, headers=KEYS[1]) for a in (address, f"/v1/colorizations/{NOBODY}"))
        assert (other.status_code, other.data) == (404, unknown.data)
        mine, _ = browser_of(client)
        assert mine.get(address).status_code == 404
        assert client.delete(address, headers=KEYS[0]).status_code == 204


def test_with_keys_the_pages_go_on_working(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0, api_keys="long-random-key-1")) as client:
        mine, token = browser_of(client)
        assert send(mine).status_code == 403
        answer = send(mine, X_CSRF_Token=token)
        assert answer.status_code == 202
        assert mine.get(answer.get_json()["urls"]["original"]).status_code == 200
        assert send(mine, "/colorization", token).status_code == 202
