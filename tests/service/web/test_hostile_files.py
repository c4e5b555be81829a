"""Files that keep parsers busy, at the application as it is deployed: they are refused, and nobody else notices."""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient

from benchmarks.stress.hostile_files import HOSTILE_FILES, REFUSALS
from colorizers.errors import TooSlowError
from service.context.app_context import AppContext
from service.domain.problems import problem_of
from tests.service.conftest import MakeSettings, parts_of
from tests.service.test_gunicorn import serving, web_processes
from tests.support.processes import children_of, free_port, is_decoding_server, until
from tests.support.uploads import as_file, chroma, field, pixels_of, scene

SIZE = 16_000_000


def test_hostile_files_are_refused_while_photos_are_coloured(make_settings: MakeSettings) -> None:
    settings = make_settings(port=free_port(), wait_s=100)
    with serving("gunicorn", settings) as (client, _), ThreadPoolExecutor(len(HOSTILE_FILES)) as pool:
        assert colour(client) > 5
        webs = web_processes(settings.port)
        servers = [server for web in webs for server in children_of(web) if is_decoding_server(server)]
        assert len(servers) == len(webs) == 2
        with health(client) as waited_s:
            answers = {name: pool.submit(send, client, make(SIZE)) for name, make in HOSTILE_FILES.items()}
            assert colour(client) > 5
            for name, answer in answers.items():
                assert answer.result().status_code == 422, name
                assert answer.result().json()["code"] in REFUSALS, name
        assert max(waited_s) < 20
        assert web_processes(settings.port) == webs
        assert list((settings.data_dir / "incoming").iterdir()) == []
        until(lambda: not any(children_of(server) for server in servers))
    until(lambda: not any(is_decoding_server(server) for server in servers))


def send(client: httpx.Client, data: bytes) -> httpx.Response:
    return client.post("/v1/index", files={"photo": ("photo", data)})


def colour(client: httpx.Client) -> int:
    """Send a photo; return how much colour its result has."""
    answer = send(client, as_file(scene(), "PNG"))
    assert answer.status_code == 200, answer.text
    return chroma(pixels_of(client.get(answer.json()["urls"]["result"]).content))


@contextmanager
def health(client: httpx.Client) -> Iterator[list[float]]:
    """Ask `/healthz` until the end of the block; gives how long each answer took."""
    waited_s: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.05):
            start = time.monotonic()
            assert client.get("/healthz").status_code == 200
            waited_s.append(time.monotonic() - start)

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        try:
            yield waited_s
        finally:
            over.set()
            asking.result()


@pytest.fixture
def parts(hasty_client: FlaskClient) -> AppContext:
    return parts_of(hasty_client)


def post(client: FlaskClient, *names: str) -> tuple[int, dict[str, object], str | None]:
    """Send photos by these names; return status, problem and `Retry-After` of the answer."""
    photos = [field(as_file(scene(), "PNG"), name) for name in names]
    answer = client.post("/prefix/v1/colorizations", data={"photo": photos})
    return answer.status_code, answer.get_json(), answer.headers.get("Retry-After")


def test_header_that_takes_too_long_is_refused_by_name(
    parts: AppContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "slow"
    os.mkfifo(slow)
    writing = os.open(slow, os.O_RDWR)
    monkeypatch.setattr(parts.decoder, "_header_wall_s", 0.2)
    with pytest.raises(TooSlowError, match="takes longer") as caught:
        parts.decoder.read_header(slow)
    os.close(writing)
    problem = problem_of(caught.value)
    assert (problem.status, problem.code) == (422, "too_slow")


def test_who_comes_while_too_many_files_are_read_is_told_when_to_come_back(
    hasty_client: FlaskClient, parts: AppContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = set(parts.files.ids_older_than(time.time() + 60))
    slow = tmp_path / "slow"
    os.mkfifo(slow)
    writing = os.open(slow, os.O_RDWR)
    monkeypatch.setattr(parts.decoder, "_busy_s", 0.2)
    monkeypatch.setattr(parts.decoder, "_free", threading.Semaphore(1))
    monkeypatch.setattr(parts.decoder, "_header_wall_s", 100.0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(parts.decoder.read_header, slow)
        server = until(lambda: parts.decoder.pid)
        until(lambda: children_of(server))
        status, problem, retry_after = post(hasty_client, "a.png", "b.png")
        assert (status, problem["code"]) == (503, "decoders_busy")
        assert retry_after == str(problem["retry_after_s"])
        os.close(writing)
        waiting.exception()
    assert set(parts.files.ids_older_than(time.time() + 60)) == kept
    assert post(hasty_client, "a.png")[0] == 202
