"""Who sends too much is told to wait; who the client is, behind proxies too."""

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.settings import SettingsError
from service.web.rate_limit import client_address, trust_proxies
from tests.service.conftest import MakeSettings, running_client

NOBODY = "/v1/colorizations/" + "0" * 32


def send(client: FlaskClient, address: str = "192.0.2.1", **headers: str) -> TestResponse:
    """Send a request that changes something, from that network address."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.delete(NOBODY, headers=named, environ_overrides={"REMOTE_ADDR": address})


def test_client_in_excess_waits_and_others_do_not(make_settings: MakeSettings) -> None:
    with running_client(make_settings(rate_limit="2/minute")) as client:
        first, second, third = (send(client) for _ in range(3))
        assert [first.status_code, second.status_code, third.status_code] == [404, 404, 429]
        assert [answer.headers["RateLimit-Remaining"] for answer in (first, second, third)] == ["1", "0", "0"]
        assert third.headers["RateLimit-Limit"] == "2"
        assert "Retry-After" not in first.headers
        assert 1 <= int(third.headers["Retry-After"]) <= 61
        assert int(third.headers["RateLimit-Reset"]) <= 61
        assert (third.mimetype, third.get_json()["code"]) == ("application/problem+json", "too_many_requests")
        assert third.get_json()["retry_after_s"] == int(third.headers["Retry-After"])
        assert send(client, "192.0.2.2").status_code == 404
        page = client.post("/colorization", environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
        assert (page.status_code, page.mimetype) == (429, "text/html")
        chinese = send(client, Accept_Language="zh")
        assert "秒后再试" in chinese.get_json()["detail"]
        looking = [client.get("/", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}) for _ in range(4)]
        assert {answer.status_code for answer in looking} == {200}
        assert "RateLimit-Limit" not in looking[0].headers


def test_key_is_a_client_wherever_it_comes_from(make_settings: MakeSettings) -> None:
    with running_client(make_settings(rate_limit="1/minute", api_keys="long-random-key")) as client:
        assert send(client, X_API_Key="long-random-key").status_code == 404
        assert send(client, "192.0.2.2", X_API_Key="long-random-key").status_code == 429
        assert [send(client).status_code, send(client).status_code] == [401, 429]


def test_limit_can_be_lifted_and_must_make_sense(make_settings: MakeSettings) -> None:
    with running_client(make_settings(rate_limit="none")) as client:
        assert "RateLimit-Limit" not in send(client).headers
    with pytest.raises(SettingsError, match="RATE_LIMIT"):
        create_app(make_settings(rate_limit="a lot"))


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_client_is_an_address_or_the_network_behind_it(address: str | None, client: str) -> None:
    assert client_address(address) == client


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1 http"), (1, "203.0.113.9 https"), (2, "6.6.6.6 http")])
def test_only_what_our_own_proxies_wrote_is_believed(proxies: int, seen: str) -> None:
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: f"{request.remote_addr} {request.scheme}")
    trust_proxies(app, proxies)
    headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"}
    assert app.test_client().get("/", headers=headers).text == seen
