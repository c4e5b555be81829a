"""While workers start: what `/readyz` says of it, and who waits for them for how long."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from colorizers.errors import WeightsCorruptError
from service.jobs.counters import WorkerState, heartbeat, live_processes
from service.jobs.store import JobStore
from service.storage.local import PhotoFiles
from service.workers.maintenance import Maintenance
from service.workers.warm_up import WarmUp
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.jobs.test_store import OUTCOME
from tests.support.processes import until
from tests.support.uploads import as_file, field, scene

WAIT_S = 1.0
Say = Callable[[WorkerState], None]


@pytest.fixture
def client(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """An application that waits for a second, and whose workers are those that a test pretends."""
    with running_client(make_settings(wait_s=WAIT_S)) as client:
        monkeypatch.setattr(parts_of(client).supervisor, "ensure", lambda: None)
        yield client


@pytest.fixture
def say(client: FlaskClient) -> Say:
    """Return a function that says how far a worker is."""

    def say(state: WorkerState) -> None:
        with parts_of(client).jobs.database.begin() as connection:
            heartbeat(connection, "worker-1", "worker", state)

    return say


def send(client: FlaskClient, path: str, **headers: str) -> Any:
    return client.post(path, data={"photo": field(as_file(scene()))}, headers=headers)


def finish(jobs: JobStore) -> None:
    job = until(lambda: jobs.claim("worker-1"))
    assert jobs.finish(job.id, "worker-1", OUTCOME)


@pytest.mark.parametrize("path", ["/v1/index", "/colorization"])
def test_photo_waits_for_a_worker_that_starts(client: FlaskClient, say: Say, path: str) -> None:
    say("starting")
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        answer: Future[Any] = pool.submit(send, client, path)
        until(lambda: time.monotonic() > began + 3 * WAIT_S)
        assert not answer.done()
        finish(parts_of(client).jobs)
        assert answer.result().status_code == 200


def test_time_to_wait_begins_when_a_worker_is_ready(client: FlaskClient, say: Say) -> None:
    say("starting")
    with ThreadPoolExecutor(1) as pool:
        answer: Future[Any] = pool.submit(send, client, "/v1/index")
        began = time.monotonic()
        until(lambda: time.monotonic() > began + 2 * WAIT_S)
        assert not answer.done()
        say("ready")
        assert answer.result().status_code == 202


def test_nobody_waits_for_a_worker_that_nobody_starts(client: FlaskClient) -> None:
    assert send(client, "/v1/index").status_code == 202


@pytest.mark.parametrize("prefer", ["wait=1", "respond-async"])
def test_what_is_asked_for_is_done_while_workers_start(client: FlaskClient, say: Say, prefer: str) -> None:
    say("starting")
    assert send(client, "/v1/index", Prefer=prefer).status_code == 202


def test_no_wait_at_all_means_that_too(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_client(make_settings(wait_s=0)) as client:
        monkeypatch.setattr(parts_of(client).supervisor, "ensure", lambda: None)
        with parts_of(client).jobs.database.begin() as connection:
            heartbeat(connection, "worker-1", "worker", "starting")
        assert send(client, "/v1/index").status_code == 202


@pytest.mark.parametrize(
    ("state", "code", "status"),
    [(None, 503, "starting"), ("starting", 503, "starting"), ("ready", 200, "ready"), ("unable", 503, "not ready")],
)
def test_readiness_says_how_far_workers_are(
    client: FlaskClient, say: Say, state: WorkerState | None, code: int, status: str
) -> None:
    if state:
        say(state)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["status"]) == (code, status)
    assert answer.get_json()["checks"]["worker"] is (state == "ready")


def test_one_worker_that_is_ready_is_enough(client: FlaskClient, say: Say) -> None:
    say("ready")
    with parts_of(client).jobs.database.begin() as connection:
        heartbeat(connection, "worker-2", "worker", "starting")
    assert client.get("/readyz").status_code == 200
    assert send(client, "/v1/index").status_code == 202


class Painter:
    """Warms up as it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.is_warm = False
        self.error = error
        self.attempts = 0

    def warm_up(self) -> None:
        self.attempts += 1
        if self.error:
            raise self.error
        self.is_warm = True


@pytest.fixture
def chores(tmp_path: Path) -> Iterator[Maintenance]:
    jobs = JobStore(tmp_path)
    yield Maintenance("worker-1", jobs, PhotoFiles(tmp_path), 24)
    jobs.close()


def state_of(jobs: JobStore) -> WorkerState | None:
    (process,) = live_processes(jobs.database, "worker")
    return process.state


def test_worker_is_ready_after_its_first_photo(chores: Maintenance, tmp_path: Path) -> None:
    jobs, painter = JobStore(tmp_path), Painter()
    chores.start()
    until(lambda: live_processes(jobs.database, "worker"))
    assert state_of(jobs) == "starting"
    warm_up = WarmUp(painter, chores)
    warm_up.attempt()
    assert state_of(jobs) == "ready"
    warm_up.attempt()
    assert painter.attempts == 1
    chores.end()
    assert live_processes(jobs.database, "worker") == []
    jobs.close()


def test_photo_that_was_sent_warms_up_as_well(chores: Maintenance, tmp_path: Path) -> None:
    jobs, painter = JobStore(tmp_path), Painter()
    warm_up = WarmUp(painter, chores)
    warm_up.note()
    assert live_processes(jobs.database, "worker") == []
    painter.is_warm = True
    warm_up.note()
    warm_up.attempt()
    assert (state_of(jobs), painter.attempts) == ("ready", 0)
    jobs.close()


@pytest.mark.parametrize("error", [WeightsCorruptError("broken"), OSError("disk full"), ZeroDivisionError()])
def test_worker_that_cannot_colour_says_so_and_goes_on(chores: Maintenance, tmp_path: Path, error: Exception) -> None:
    jobs, painter = JobStore(tmp_path), Painter(error)
    warm_up = WarmUp(painter, chores)
    warm_up.attempt()
    warm_up.attempt()
    assert (state_of(jobs), painter.attempts) == ("unable", 1)
    painter.is_warm = True
    warm_up.note()
    assert state_of(jobs) == "ready"
    jobs.close()
