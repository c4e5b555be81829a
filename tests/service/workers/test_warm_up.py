"""Readiness and waiting requests while workers start, and the warm-up of a worker."""

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


@pytest.mark.parametrize(
    ("state", "headers"),
    [(None, {}), ("starting", {"Prefer": "wait=1"}), ("starting", {"Prefer": "respond-async"}), ("ready", {})],
)
def test_nobody_waits_longer_than_asked(
    client: FlaskClient, say: Say, state: WorkerState | None, headers: dict[str, str]
) -> None:
    if state:
        say(state)
    assert send(client, "/v1/index", **headers).status_code == 202


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
def maintenance(jobs: JobStore, tmp_path: Path) -> Maintenance:
    return Maintenance("worker-1", jobs, PhotoFiles(tmp_path), 24)


def states(jobs: JobStore) -> list[WorkerState | None]:
    return [process.state for process in live_processes(jobs.database, "worker")]


def test_worker_is_ready_after_its_warm_up(maintenance: Maintenance, jobs: JobStore) -> None:
    painter = Painter()
    maintenance.start()
    until(lambda: states(jobs) == ["starting"])
    warm_up = WarmUp(painter, maintenance)
    warm_up.attempt()
    assert states(jobs) == ["ready"]
    warm_up.attempt()
    assert painter.attempts == 1
    maintenance.end()
    assert states(jobs) == []


def test_photo_that_was_sent_warms_up_as_well(maintenance: Maintenance, jobs: JobStore) -> None:
    painter = Painter()
    warm_up = WarmUp(painter, maintenance)
    warm_up.note()
    assert states(jobs) == []
    painter.is_warm = True
    warm_up.note()
    warm_up.attempt()
    assert (states(jobs), painter.attempts) == (["ready"], 0)


@pytest.mark.parametrize("error", [WeightsCorruptError("broken"), OSError("disk full"), ZeroDivisionError()])
def test_worker_that_cannot_colour_says_so_and_goes_on(
    maintenance: Maintenance, jobs: JobStore, error: Exception
) -> None:
    painter = Painter(error)
    warm_up = WarmUp(painter, maintenance)
    for _ in range(2):
        warm_up.attempt()
    assert (states(jobs), painter.attempts) == (["unable"], 1)
    painter.is_warm = True
    warm_up.note()
    assert states(jobs) == ["ready"]
