"""Every route with ids, queries, headers and bodies that nobody should send: never the program's fault, on SQLite and
on PostgreSQL, and every answer has the security headers."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from benchmarks.support.servers import postgresql
from service.api.schema.openapi import description_of
from service.web.security_headers import SECURITY_HEADERS
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.support.processes import until
from tests.support.raw_http import BOUNDARY, FORM_TYPE, form, part
from tests.support.uploads import as_file, scene

PHOTO = as_file(scene(), quality=90)
DEEP = "[" * 3000
DIGITS = "1" * 5000
HUGE = "1" + "0" * 400

IDS = ["\0", "0" * 31 + "\0", "0" * 32, "0" * 33, "F" * 32, "٣" * 32, "\ud7ff", "0" * 31 + "\n", " ", "..", "a" * 4000]
IDS += ["0" * 32 + ",\0", ",", "," * 3000, "' or 1=1 --", "%", "%00", "-1", "<script>", "é" * 32, "../" * 10]

VALUES = ["", "\0", "\ud7ff", "nan", "1e400", HUGE, DIGITS, "-" + DIGITS, DEEP, "{}", "٣"]
NAMES = ["hints", "model", "warmth", "quality", "name", "limit", "after", "x", "y", "lang", "view", "deleted", "\0"]

HEADERS = {
    "Accept": ["", ";", "text/html;q=nan", "*/*;q=" + DIGITS, "application/json", ",".join(["a/b"] * 1000)],
    "Accept-Language": ["", "zh;q=x", "\xff", "a" * 4000, ",".join(["zh"] * 1000)],
    "Accept-Encoding": ["", "br;q=nan", "gzip;q=" + DIGITS, "\xff"],
    "Authorization": ["", "Bearer", "Bearer \xff", "Basic !!!", "Basic " + "=" * 100, 'Digest a="', "\0"],
    "Content-Type": ["", "\xff", "multipart/form-data", "application/json; charset=nothing", "image/\0", "a" * 4000],
    "Content-Length": ["", "-1", "a", "1e9", DIGITS, "٣"],
    "Cookie": ["photo_colorizer", "photo_colorizer=\xff", "photo_colorizer=a.b", "=; =", "photo_colorizer_language=\0"],
    "Host": ["..", "a" * 64, "", "[::1", "a:b", "\xff"],
    "Idempotency-Key": ["", "\0", "\xff", "a" * 256],
    "If-Match": ["\xff", '"'],
    "If-Modified-Since": ["never", "Mon, 01 Jan 99999 00:00:00 GMT", DIGITS],
    "If-None-Match": ["", '"', "*", "W/", "\0"],
    "If-Range": ["", '"', "Mon, 01 Jan 99999 00:00:00 GMT"],
    "Origin": ["", "null", "http://[", "http://a:b", "\0", "//"],
    "Prefer": ["", "wait=" + DIGITS, "wait=-1", "wait=٣", "wait=nan", ",;=" * 500],
    "Range": ["", "bytes=", "bytes=-", "bytes=5-1", f"bytes={DIGITS}-", f"bytes=0-{DIGITS}", "bytes=a-b", "lines=1-2"],
    "Referer": ["\0", "http://["],
    "Sec-Fetch-Site": ["", "cross-site", "\0"],
    "X-API-Key": ["", "\xff", "\0"],
    "X-CSRF-Token": ["", "\xff", "00", "é"],
    "X-Forwarded-For": ["", "\0", "a" * 1000],
    "X-Request-ID": ["", "\0", "a" * 1000, "\xff"],
}

# Each of them within the time of one test.
PARTS = 4
# They read their queries without a description.
PAGES = {"pages.home", "pages.show", "album.show"}
# With these, others are not looked at.
DECIDE_ALONE = {"Host", "Content-Length", "Content-Type", "Origin", "Sec-Fetch-Site"}
# A route of each kind: a page, a form, JSON, uploads, a stored file, a made picture, a stream, a static file.
EXAMPLES = {"pages.show", "results.revise", "api.read", "api.create", "api.original", "api.ab", "api.events", "static"}
JSON, SHORT = "application/json", "application/x-www-form-urlencoded"


def bodies(photo_id: str) -> Iterator[tuple[str, bytes]]:
    """Yield media types and bodies, some of them about a photo that there is."""
    source = f'"source": "{photo_id}"'
    for value in (DEEP, DEEP + "]" * 3000, "NaN", HUGE, DIGITS, '"\\u0000"', '"\\ud800"'):
        for name in ("hints", "saturation", "quality", "model", "source", "colorizations"):
            members = f'"{name}": {value}' if name == "source" else f'{source}, "{name}": {value}'
            yield JSON, f"{{{members}}}".encode()
        yield JSON, value.encode()
        yield JSON, f'{{{source}, "hints": [{{"x": {value}, "y": 0, "radius": 0, "a": 0, "b": 0}}]}}'.encode()
        yield JSON, f'{{"colorizations": [{value}]}}'.encode()
        for name in ("hints", "quality", "model", "bits"):
            yield FORM_TYPE, form([part("photo", b"no photo", "a.png"), part(name, value.encode())])
            yield SHORT, urlencode({name: value}).encode()
    for text in (b"", b"\xff", b"\0", b"{"):
        for kind in (JSON, SHORT, FORM_TYPE, "multipart/form-data", "image/png", ""):
            yield kind, text
    yield FORM_TYPE, form([part("photo", b"no photo", "\0/\xff")])
    yield FORM_TYPE, form([part("photo", b"no photo", "a" * 100_000)])
    yield FORM_TYPE, form([part("photo", b"no photo", "a.png")] * 200)
    yield FORM_TYPE, form([part("photo", b"no photo", "a.png")])[:-5]
    yield FORM_TYPE, form([part("photo", PHOTO, "a.png"), part("hints", DEEP.encode())])
    yield f"multipart/mixed; boundary={BOUNDARY}", form([part("photo", PHOTO, "a.png")])


@dataclass(frozen=True)
class Target:
    """An application, what there is in it, and what it has answered amiss."""

    client: FlaskClient
    photo: dict[str, Any]
    render: str
    preview: str
    batch: str
    token: str

    def routes(self, part: int = 0, parts: int = 1) -> list[tuple[Rule, str]]:
        """Return every route, or a part of them, with each of its methods but for those that all have alike."""
        rules = self.client.application.url_map.iter_rules()
        found = [(rule, method) for rule in rules for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}]
        assert len(found) > 40
        return found[part::parts]

    def path(self, rule: Rule, **values: str) -> str:
        """Return an address of `rule`: of what there is, but for `values`."""
        child = self.render if "/renders" in rule.rule else self.preview
        there = {"job_id": self.photo["id"], "ids": self.photo["id"], "child_id": child, "render_id": self.render}
        there |= {"batch_id": self.batch, "token": self.token, "kind": "result", "filename": "style.css"}
        if "delete" in rule.endpoint:
            there = dict.fromkeys(there, "0" * 32)  # Of others it would leave nothing.
        return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: quote({**there, **values}[match[1]], safe=","), rule.rule)

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request; check what holds for every answer."""
        answer = self.client.open(path, method=method, **options)
        told = method, path[:200], str(options)[:300], answer.status_code, answer.data[:300]
        assert answer.status_code < 500 or (answer.status_code == 503 and answer.headers.get("Retry-After")), told
        assert SECURITY_HEADERS.items() <= dict(answer.headers).items(), told
        return answer


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest, make_settings: MakeSettings) -> Iterator[Target]:
    """An application on each of the two databases, with a photo that is done and everything that is made of one."""
    with ExitStack() as stack:
        url = stack.enter_context(postgresql()) if request.param == "postgresql" else ""
        # What is accepted by mistake fills the queue soon, and 503 is an answer too.
        settings = make_settings(wait_s=0, max_queue=4, rate_limit="none", database_url=url)
        yield filled(stack.enter_context(running_client(settings)))


def filled(client: FlaskClient) -> Target:
    """Return the application of `client` with something in it."""

    def done(path: str, **sent: Any) -> Any:
        address = until(lambda: client.post(path, **sent).get_json().get("urls", {}).get("self"))
        return until(lambda: (found := client.get(address).get_json()).get("status") == "done" and found)

    photo = done("/v1/colorizations?name=a.jpg", data=PHOTO, content_type="image/jpeg")
    made = [done(photo["urls"][name], json={}) for name in ("renders", "previews")]
    batch = client.post("/v1/batches", json={"colorizations": [photo["id"]]}).get_json()
    job = parts_of(client).jobs.get(photo["id"])
    assert job is not None
    return Target(client, photo, made[0]["id"], made[1]["id"], batch["id"], job.share_token)


def test_ids(target: Target) -> None:
    for rule, method in target.routes():
        for name in rule.arguments:
            for value in IDS:
                answer = target.ask(method, target.path(rule, **{name: value}))
                assert answer.status_code >= 400 or name == "ids", (rule, value)


def test_ids_in_bodies_and_queries(target: Target) -> None:
    for value in IDS:
        for path, sent in (("/v1/colorizations", {"source": value}), ("/v1/batches", {"colorizations": [value]})):
            answer = target.client.post(path, json=sent)
            assert answer.status_code in (404, 422), (path, value, answer.text)
        after = target.client.get("/v1/colorizations", query_string={"after": f"1-{value}"})
        assert after.status_code in (200, 422), value


@pytest.mark.parametrize("part", range(PARTS))
def test_queries(target: Target, part: int) -> None:
    for rule, method in target.routes(part, PARTS):
        path, described = target.path(rule), description_of(target.client.application.view_functions[rule.endpoint])
        is_read = rule.endpoint in PAGES or (described and described.query)
        for value in VALUES:
            target.ask(method, path, query_string=dict.fromkeys(NAMES, value))
            for name in NAMES if is_read else ():
                target.ask(method, path, query_string={name: value})
        target.ask(method, path, query_string="%ff=%00&%zz&&&=" + "&a" * 1000)


@pytest.mark.parametrize("part", range(PARTS))
def test_headers(target: Target, part: int) -> None:
    singly = [{name: value} for name, values in HEADERS.items() for value in values]
    harmless = {name: cycle(values) for name, values in HEADERS.items() if name not in DECIDE_ALONE}
    together = [{name: next(values) for name, values in harmless.items()} for _ in range(7)]
    for rule, method in target.routes(part, PARTS):
        for headers in singly if rule.endpoint in EXAMPLES else together:
            target.ask(method, target.path(rule), headers=headers)


def test_methods(target: Target) -> None:
    for rule, _ in target.routes():
        for method in ("HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "PROPFIND", "get", "A" * 200, "\xff"):
            target.ask(method, target.path(rule))


@pytest.mark.parametrize("part", range(PARTS))
def test_bodies(target: Target, part: int) -> None:
    for rule, method in target.routes(part, PARTS):
        for kind, body in bodies(target.photo["id"]) if method != "GET" else ():
            target.ask(method, target.path(rule), data=body, content_type=kind)


@pytest.mark.parametrize("value", [DEEP, DEEP + "]" * 3000, HUGE, DIGITS, "NaN", "[NaN]", "Infinity"])
def test_hints_that_are_none(target: Target, value: str) -> None:
    client, photo = target.client, target.photo
    body = form([part("photo", PHOTO, "a.jpg"), part("hints", value.encode())])
    source = f'{{"source": "{photo["id"]}", "hints": {value}}}'.encode()
    raw = client.post("/v1/colorizations", query_string={"hints": value}, data=PHOTO, content_type="image/jpeg")
    answers = [raw, client.post("/v1/colorizations", data=source, content_type=JSON)]
    answers += [client.post(path, data=body, content_type=FORM_TYPE) for path in ("/v1/index", "/v1/batches")]
    answers.append(client.post(f"/colorization/{photo['id']}/revise", data={"hints": value}))
    answers.append(client.post(photo["urls"]["previews"], data=f'{{"hints": {value}}}'.encode(), content_type=JSON))
    if value.startswith(("NaN", "[NaN", "Infinity")):
        answers.append(client.post(photo["urls"]["renders"], data=b'{"warmth": NaN}', content_type=JSON))
    assert [answer.status_code for answer in answers] == [422] * len(answers), [answer.text for answer in answers]


def test_photo_whose_files_are_gone(target: Target) -> None:
    """What should not be: rows without files, as a disk that was restored from a backup leaves them."""
    client, parts = target.client, parts_of(target.client)
    lost = filled(client)
    for job_id in (lost.photo["id"], lost.render, lost.preview):
        parts.files.remove(job_id)
    for rule, method in lost.routes():
        sent: dict[str, Any] = {"json": {}} if rule.rule.startswith("/v1/") and method == "POST" else {}
        answer = lost.ask(method, lost.path(rule), **sent)
        if answer.status_code == 404 and rule.rule.startswith("/v1/"):
            assert answer.get_json()["code"] == "not_found"
    for name in ("original", "result", "original_view", "result_view", "recipe", "ab", "uncertainty"):
        assert client.get(lost.photo["urls"][name]).status_code == 404
    for path in ("thumbnail", "revise", "versions"):
        method = "GET" if path == "thumbnail" else "POST"
        assert client.open(f"/colorization/{lost.photo['id']}/{path}", method=method).status_code == 404
    for kind in ("original", "result", "original-view", "result-view", "ab"):
        assert client.get(f"/shared/{lost.token}/{kind}").status_code == 404
    manifest = client.get(f"/v1/batches/{lost.batch}/archive").data
    assert b"manifest.json" in manifest
    version = client.post("/v1/colorizations", json={"source": lost.photo["id"]})
    assert (version.status_code, version.get_json()["code"]) == (404, "not_found")
    until(lambda: all(job.is_final for job in parts.jobs.children(lost.photo["id"], "render", None, 0.0)))
    failed = [job.failure for job in parts.jobs.children(lost.photo["id"], "render", None, 0.0) if job.failure]
    assert {failure.code for failure in failed if failure} == {"not_found"}


def test_answers_are_json_where_programs_ask(target: Target) -> None:
    answer = target.client.get("/v1/colorizations/" + quote("\0"))
    assert answer.mimetype == "application/problem+json"
    assert json.loads(answer.data)["code"] == "not_found"
