"""Every route says what browsers may not do with its answer, whatever the answer is; names and files do no harm."""

import json
import re
import socket

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from service.web.security_headers import SECURITY_HEADERS
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.support.families import addresses, make_family
from tests.support.uploads import as_file, field, scene

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NAMES = [
    "../../etc/passwd.jpg",
    "..\\..\\boot.jpg",
    "/etc/shadow",
    "a\x00b.jpg",
    "line\ttab\x1b[31m.jpg",
    "\u202egpj.exe",
    "\u200f\u2066photo.jpg",
    "x" * 4096 + ".jpg",
    "📷🏞️.jpg",
    "<script>alert(1)<\u2215script>.jpg",
    '"><img src=x onerror=alert(1)>.jpg',
    "...",
    "",
]


def address(rule: Rule) -> str:
    """Return an address of the route, with ids that nothing has."""
    values = dict.fromkeys(rule.arguments, "0" * 32) | {"filename": "nothing.css"}
    built = rule.build(values)
    assert built is not None
    return built[1]


def test_every_route_and_every_error_carries_the_headers(make_settings: MakeSettings) -> None:
    with running_client(make_settings(base_dir="/studio", wait_s=0)) as client:
        rules = list(client.application.url_map.iter_rules())
        assert len(rules) > 20
        for rule in rules:
            for method in (rule.methods or set()) | {"PATCH"}:
                answer = client.open(address(rule), method=method)
                assert answer.status_code < 500 or answer.status_code == 503, (method, rule)
                missing = SECURITY_HEADERS.items() - dict(answer.headers).items()
                assert not missing, (method, rule, missing)
        refused = client.post("/studio/colorization", headers={"Origin": "https://evil.example"})
        assert SECURITY_HEADERS.items() <= dict(refused.headers).items()


def test_answers_about_a_photo_are_kept_by_nobody_else(client: FlaskClient) -> None:
    photo, version, _ = make_family(client)
    deciding = {"cookie", "authorization", "x-api-key"}
    kinds = set()
    for member in (photo, version):
        for path in addresses(client, member):
            answer = client.get(path)
            kinds.add(answer.mimetype)
            assert answer.vary.as_set() >= deciding, path
            said = set(answer.headers["Cache-Control"].split(", "))
            if answer.mimetype in ("application/json", "application/problem+json", "text/html"):
                assert said >= {"private", "no-store"}, path
                assert "Accept-Language" in answer.vary
            else:
                assert "private" in said, path
                assert said & {"no-cache", "no-store"}, path
                again = client.get(path, headers={"If-None-Match": answer.headers.get("ETag", "")})
                assert again.vary.as_set() == answer.vary.as_set()
    assert kinds >= {"application/json", "text/html", "image/jpeg", "image/png", "application/zip", "text/event-stream"}
    sent = client.post("/v1/index", data={"photo": field(as_file(scene()))})
    refused = client.post("/v1/index", data={"photo": field(b"no photo")})
    for answer in (sent, refused, client.get("/v1/colorizations"), client.get("/v1/nothing")):
        assert {"private", "no-store"} <= set(answer.headers["Cache-Control"].split(", ")), answer.status
        assert answer.vary.as_set() >= deciding
    assert "Cookie" not in client.get("/static/style.css").vary


def test_policy_leaves_nothing_to_inline_code_or_other_sites() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"unsafe-|\*|https?:|data:", policy)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_name_is_shown_escaped_and_goes_nowhere_else(client: FlaskClient, name: str) -> None:
    answer = client.post("/v1/index", data={"photo": field(as_file(scene(60, 40)), name)})
    if not name:
        # A file without a name is what browsers send for an empty field; its bytes are a photo all the same.
        assert answer.status_code in (200, 400)
        return
    document = answer.get_json()
    assert answer.status_code == 200, document
    shown = document["name"]
    assert 0 < len(shown) <= 120
    assert not re.search(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]", shown)
    page = client.get(document["urls"]["page"])
    assert page.status_code == 200
    assert not re.search(r"<script>alert|<img src=x", page.text)
    result = client.get(document["urls"]["result"])
    disposition = result.headers["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert disposition.isascii()
    assert not re.search(r"[\r\n\x00]", disposition)
    stem = json.dumps(name)[1:12]
    assert not [path for path in parts_of(client).settings.data_dir.rglob("*") if stem and path.name.startswith(stem)]


def test_original_is_served_as_what_it_is(client: FlaskClient) -> None:
    photo = as_file(scene(60, 40), "PNG")
    urls = client.post("/v1/index", data={"photo": field(photo, "page.html")}).get_json()["urls"]
    original = client.get(urls["original"])
    assert (original.mimetype, original.data) == ("image/png", photo)
    assert original.headers["X-Content-Type-Options"] == "nosniff"
    assert original.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("data", [SVG, b"<?xml version='1.0'?>" + SVG, b"<!doctype html><script>alert(1)</script>"])
def test_svg_and_html_are_no_photos(client: FlaskClient, data: bytes) -> None:
    answer = client.post("/v1/index", data={"photo": field(data, "picture.jpg")})
    assert (answer.status_code, answer.get_json()["code"]) == (415, "not_a_picture")


@pytest.mark.parametrize(
    "value", ["..%2f..%2fsecret-key", "0" * 31, "%00", "' or 1=1 --", "*", "%0d%0aX: y", "a" * 4096]
)
def test_ids_that_are_none_are_not_found(client: FlaskClient, value: str) -> None:
    """In every route that takes one, whatever it is called there."""
    rules = [
        rule for rule in client.application.url_map.iter_rules() if rule.arguments and "GET" in (rule.methods or ())
    ]
    assert len(rules) > 15
    for rule in rules:
        path = re.sub(r"<[^>]+>", value, rule.rule)
        answer = client.get(path)
        assert answer.status_code in (400, 404), (rule, answer.status_code)
        assert "X" not in answer.headers
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("path", ["/static/../service/settings.py", "/static/..%2fserver.py", "/static/%2fetc/passwd"])
def test_static_files_lead_nowhere_else(client: FlaskClient, path: str) -> None:
    assert client.get(path, follow_redirects=True).status_code == 404


def test_addresses_with_markup_come_back_escaped(client: FlaskClient) -> None:
    for path in (
        "/<script>alert(1)</script>",
        "/colorization/<script>alert(1)</script>",
        "/?lang=<script>alert(1)</script>",
    ):
        answer = client.get(path, headers={"Accept": "text/html"})
        assert "<script>alert" not in answer.text


def test_no_address_that_is_sent_is_ever_asked(client: FlaskClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/photo.jpg"
        fields = dict.fromkeys(("photo", "url", "source", "src", "image"), address)
        for path in ("/v1/index", "/colorization", "/v1/colorizations", "/v1/batches"):
            for sent in ({"data": fields}, {"json": fields}, {"query_string": fields}):
                assert 400 <= client.post(path, **sent).status_code < 500
        photo = client.post("/v1/index", data={"photo": field(as_file(scene(60, 40)), address), "url": address})
        assert photo.status_code in (200, 400, 422)
        with pytest.raises(TimeoutError):
            server.accept()
