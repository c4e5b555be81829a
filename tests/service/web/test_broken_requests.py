"""Requests that break off, are malformed, or consist of thousands of parts, at the application as it is deployed."""

import fcntl
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from service.jobs.store import open_jobs
from service.settings import Settings
from service.web.security_headers import SECURITY_HEADERS
from tests.service.conftest import MakeSettings
from tests.service.test_gunicorn import COMMANDS, web_processes
from tests.support.processes import answers, free_port, kill, running, until
from tests.support.raw_http import BOUNDARY, FORM_TYPE, Answer, ask, form, head, part
from tests.support.uploads import as_file, scene

PHOTO = as_file(scene(640, 400), "PNG")
RAW, INDEX = "/v1/colorizations?name=a.png", "/v1/index"
# What many systems give a process.
DESCRIPTORS = 1024


@dataclass(frozen=True)
class Server:
    """A running application of which nothing is coloured."""

    settings: Settings

    @property
    def port(self) -> int:
        """Where it answers."""
        return self.settings.port

    def kept(self) -> int:
        """Return how many photos are known, of which there are as many files, and none that is still arriving."""
        until(lambda: not any((self.settings.data_dir / "incoming").iterdir()))
        jobs = open_jobs(self.settings)
        try:
            rows = jobs.load()[0]
        finally:
            jobs.close()
        assert len(list((self.settings.data_dir / "photos").glob("*/*/original"))) == rows
        return rows


@pytest.fixture(scope="module")
def server(make_settings: MakeSettings) -> Iterator[Server]:
    settings = make_settings(port=free_port(), wait_s=0, rate_limit="none")
    limited = ["sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$0" "$@"', *COMMANDS["gunicorn"]]
    # No worker starts: what is queued stays so.
    with (settings.data_dir / "worker.lock").open("w") as lock, running(limited, settings):
        fcntl.flock(lock, fcntl.LOCK_EX)
        until(lambda: answers(f"http://127.0.0.1:{settings.port}/healthz"))
        yield Server(settings)


def is_refused(answer: Answer, status: int, code: str) -> None:
    """Check that `answer` is that problem, with all that every answer has."""
    assert answer.status == status, (answer.status, answer.body)
    assert {name.lower(): value for name, value in SECURITY_HEADERS.items()}.items() <= answer.headers.items()
    if answer.headers["content-type"] == "application/problem+json":
        assert json.loads(answer.body)["code"] == code


def test_whole_upload_is_kept(server: Server) -> None:
    before = server.kept()
    for data in (
        head(RAW, "image/png", len(PHOTO)) + PHOTO,
        head(RAW, "image/png", more=["Transfer-Encoding: chunked"]) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(PHOTO), PHOTO),
    ):
        assert ask(server.port, data).status == 202
    body = form([part("photo", PHOTO, "a.png")])
    assert ask(server.port, head(INDEX, FORM_TYPE, len(body)) + body).status == 202
    assert server.kept() == before + 3


@pytest.mark.parametrize("percent", [0, 10, 60, 95])
@pytest.mark.parametrize("path", [RAW, INDEX, "/v1/colorizations", "/v1/batches", "/colorization"])
def test_upload_that_breaks_off_is_refused_and_leaves_nothing(server: Server, path: str, percent: int) -> None:
    before = server.kept()
    kind, body = ("image/png", PHOTO) if path == RAW else (FORM_TYPE, form([part("photo", PHOTO, "a.png")]))
    sent = head(path, kind, len(body)) + body[: len(body) * percent // 100]
    is_refused(ask(server.port, sent, ends=True), 400, "incomplete_request")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(sent)
    assert server.kept() == before


def test_killed_web_process_leaves_no_half_upload(server: Server) -> None:
    before, incoming = server.kept(), server.settings.data_dir / "incoming"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head(RAW, "image/png", len(PHOTO)) + PHOTO[:100])
        until(lambda: any(incoming.iterdir()))
        for pid in web_processes(server.port):
            kill(pid)
    assert server.kept() == before
    until(lambda: answers(f"http://127.0.0.1:{server.port}/healthz"))


CHUNKS = {
    "ends in a chunk": b"ffff\r\n" + PHOTO[:200],
    "ends after a chunk": b"c8\r\n" + PHOTO[:200] + b"\r\n",
    "ends in the last chunk": b"c8\r\n" + PHOTO[:200] + b"\r\n0\r\n",
    "no size": b"\r\n" + PHOTO[:200] + b"\r\n0\r\n\r\n",
    "size is no number": b"xyz\r\n" + PHOTO[:200] + b"\r\n0\r\n\r\n",
    "negative size": b"-1\r\n" + PHOTO[:200] + b"\r\n0\r\n\r\n",
    "size without end": b"1" * 20_000,
    "longer than its size": b"10\r\n" + PHOTO[:200] + b"\r\n0\r\n\r\n",
    "bad extension": b"c8;\r\r\r\n" + PHOTO[:200] + b"\r\n0\r\n\r\n",
    "bad trailer": b"c8\r\n" + PHOTO[:200] + b"\r\n0\r\nnot a header\r\n\r\n",
    "endless trailer": b"c8\r\n" + PHOTO[:200] + b"\r\n0\r\n" + b"a: b\r\n" * 100_000 + b"\r\n",
}


@pytest.mark.parametrize("case", CHUNKS)
def test_malformed_chunks_are_refused(server: Server, case: str) -> None:
    before = server.kept()
    for path, kind in ((RAW, "image/png"), (INDEX, FORM_TYPE), ("/v1/batches", "application/json")):
        sent = head(path, kind, more=["Transfer-Encoding: chunked"]) + CHUNKS[case]
        is_refused(ask(server.port, sent, ends=True), 400, "incomplete_request")
    assert server.kept() == before


FORMS = {
    "no closing boundary": form([part("photo", PHOTO, "a.png")]).removesuffix(f"--{BOUNDARY}--\r\n".encode()),
    "cut in the photo": form([part("photo", PHOTO, "a.png")])[:1000],
    "cut in a head": part("photo", PHOTO, "a.png") + part("warmth", b"1")[:60],
    "another boundary": form([part("photo", PHOTO, "a.png")]).replace(BOUNDARY.encode(), b"undeclared"),
    "no disposition": f"--{BOUNDARY}\r\nContent-Type: image/png\r\n\r\n".encode() + form([]),
    "no name": form([part("photo", PHOTO, "a.png").replace(b'name="photo"; ', b"")]),
    "bytes that are no text in a head": form([part("photo", PHOTO, "a.png").replace(b"a.png", b"\xff\xfe")]),
    "empty": b"",
}


@pytest.mark.parametrize("case", FORMS)
def test_forms_that_end_too_early_or_are_damaged(server: Server, case: str) -> None:
    before = server.kept()
    body = FORMS[case]
    for path in (INDEX, "/v1/colorizations", "/v1/batches", "/colorization"):
        is_refused(ask(server.port, head(path, FORM_TYPE, len(body)) + body), 400, "incomplete_request")
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\xff"):
        whole = form([part("photo", PHOTO, "a.png")])
        is_refused(ask(server.port, head(INDEX, kind, len(whole)) + whole), 400, "incomplete_request")
    assert server.kept() == before


def test_damaged_form_makes_no_version(server: Server) -> None:
    sent = ask(server.port, head(RAW, "image/png", len(PHOTO)) + PHOTO)
    photo, before = json.loads(sent.body)["id"], server.kept()
    body = form([part("warmth", b"0.5")])[:-10]
    is_refused(
        ask(server.port, head(f"/colorization/{photo}/revise", FORM_TYPE, len(body)) + body), 400, "incomplete_request"
    )
    assert server.kept() == before


LARGE_FORMS = {
    "files": ([part("photo", b"x", "a.png")] * 2000, "too_many_files"),
    "files in other fields": ([part(f"file{number}", b"x", "a.png") for number in range(2000)], "too_many_files"),
    "files without a name": ([part("photo", b"x", "")] * 2000, "too_many_files"),
    "empty files": ([part("photo", b"", "a.png")] * 2000, "too_many_files"),
    "fields": ([part("warmth", b"1")] * 2000, "form_too_large"),
    "empty fields": ([part("photo", b"", "")] * 2000, "form_too_large"),
    "long fields": ([part("warmth", bytes(400_000))] * 3, "form_too_large"),
    "a long name": ([part("w" * 300_000, b"1")], "form_too_large"),
    "a long preamble": ([b"x" * 1_000_000, part("warmth", b"1")], "form_too_large"),
}


@pytest.mark.parametrize("case", LARGE_FORMS)
def test_parts_are_counted_before_files_are_opened(server: Server, case: str) -> None:
    parts, code = LARGE_FORMS[case]
    body, before, processes = form(parts), server.kept(), web_processes(server.port)
    sent = head(INDEX, FORM_TYPE, len(body)) + body
    with ThreadPoolExecutor(30) as pool:
        for answer in pool.map(lambda _: ask(server.port, sent), range(30)):
            is_refused(answer, 413, code)
    assert web_processes(server.port) == processes
    assert server.kept() == before


def test_as_many_files_as_may_be_are_taken_beside_an_empty_field(server: Server) -> None:
    most = server.settings.max_files
    # The form of the page has two fields for files, of which browsers send one empty.
    body = form([*[part("photo", PHOTO, "a.png")] * most, part("photo", b"", "")])
    before = server.kept()
    assert ask(server.port, head(INDEX, FORM_TYPE, len(body)) + body).status == 202
    assert server.kept() == before + most


def test_short_forms_are_limited_too(server: Server) -> None:
    kind = "application/x-www-form-urlencoded"
    for body in (b"&".join([b"back=album"] * 2000), b"back=" + b"a" * 2_000_000):
        is_refused(ask(server.port, head(INDEX, kind, len(body)) + body), 413, "form_too_large")


def test_idle_connections_keep_nobody_else_out_for_long(server: Server) -> None:
    processes = web_processes(server.port)
    connections = []
    try:
        for _ in range(3 * DESCRIPTORS):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", server.port))
            connections.append(connection)
        assert until(lambda: answers(f"http://127.0.0.1:{server.port}/healthz"))
    finally:
        for connection in connections:
            connection.close()
    assert web_processes(server.port) == processes


HOSTS = ["..", "a..b", ".a", "a" * 64, "a" * 64 + ".org", "a." * 200, "", " ", "a b", "a,b", "a/b", "a@b", "é.org"]
HOSTS += ["[::1", "::1", "[]", "[a]", "a:b", "a:", "a:0", "a:99999", "a:" + "1" * 400, "-a", "a%00", "<a>", "a:1:2"]


@pytest.mark.parametrize("host", HOSTS)
def test_hosts_that_are_none_are_refused(server: Server, host: str) -> None:
    for path in ("/", "/v1/index", "/nowhere", "/healthz", "/static/style.css"):
        is_refused(ask(server.port, head(path, method="GET", host=host)), 400, "invalid_host")
    is_refused(ask(server.port, head("/v1/index", FORM_TYPE, 0, host=host)), 400, "invalid_host")


def test_host_has_to_be_there_since_http_1_1(server: Server) -> None:
    is_refused(ask(server.port, head("/", method="GET", host=None)), 400, "invalid_host")
    assert ask(server.port, head("/", method="GET", more=["Host: other.org"])).status == 400
    assert ask(server.port, head("/", method="GET", host=None, version="1.0")).status == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "[::1]:5000", "photo_web", "Example.ORG.", "a" * 63])
def test_other_hosts_are_answered(server: Server, host: str) -> None:
    assert ask(server.port, head("/", method="GET", host=host)).status == 200


NOT_HTTP = {
    "nonsense": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "another version": (b"GET / HTTP/7.1\r\nHost: a\r\n\r\n", 400),
    "long address": (head("/" + "a" * 9000, method="GET"), 414),
    "long header": (head("/", method="GET", more=["X: " + "a" * 9000]), 431),
    "many headers": (head("/", method="GET", more=["X: a"] * 500), 431),
    "two hosts": (head("/", method="GET", more=["Host: other.org"]), 400),
    "no header": (head("/", method="GET", more=["nonsense"]), 400),
    "NUL in a header": (head("/", method="GET", more=["X: \0"]), 400),
    "two lengths": (head("/", length=1, more=["Content-Length: 2"]), 400),
    "negative length": (head("/", length=-1), 400),
    "length of 5000 digits": (head("/", more=["Content-Length: " + "1" * 5000]), 400),
    "unknown coding": (head("/", more=["Transfer-Encoding: nothing"]), 501),
    "unknown expectation": (head("/", more=["Expect: nothing"]), 417),
    "length and chunks": (head("/", length=1, more=["Transfer-Encoding: chunked"]), 400),
}


@pytest.mark.parametrize("case", NOT_HTTP)
def test_what_is_not_http_is_refused_with_the_headers_too(server: Server, case: str) -> None:
    sent, status = NOT_HTTP[case]
    is_refused(ask(server.port, sent, ends=True), status, "")


@pytest.mark.parametrize("is_there", [False, True])
def test_folder_that_is_missing_or_takes_no_files_is_the_servers_fault(server: Server, is_there: bool) -> None:
    data = server.settings.data_dir
    body = form([part("photo", PHOTO, "a.png")])
    before = server.kept()
    (data / "incoming").rename(data / "elsewhere")
    if is_there:
        (data / "incoming").touch()
    try:
        for sent in (head(RAW, "image/png", len(PHOTO)) + PHOTO, head(INDEX, FORM_TYPE, len(body)) + body):
            answer = ask(server.port, sent)
            is_refused(answer, 503, "storage_unavailable")
            assert int(answer.headers["retry-after"]) > 0
    finally:
        (data / "incoming").unlink(missing_ok=True)
        (data / "elsewhere").rename(data / "incoming")
    assert ask(server.port, head(RAW, "image/png", len(PHOTO)) + PHOTO).status == 202
    assert server.kept() == before + 1
