"""Supervision of workers: replacement, take-over between supervisors, and their end."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from service.domain.job import Job
from service.jobs.counters import heartbeat
from service.jobs.store import JobStore, open_jobs
from service.settings import Settings
from service.workers.supervisor import restart_delay
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.support.processes import PYTHON, kill, running, until, workers_of
from tests.support.uploads import as_file, field, scene

SUPERVISOR = [PYTHON, "-m", "service.workers.supervisor"]


def only_worker(settings: Settings) -> int:
    (worker,) = until(lambda: workers_of(settings.data_dir))
    return worker


def is_running(jobs: JobStore, job_id: str) -> bool:
    job = jobs.get(job_id)
    return job is not None and job.status == "running"


def ended(jobs: JobStore, job_id: str) -> Job | None:
    job = jobs.get(job_id)
    return job if job and job.is_final else None


def test_killed_worker_is_replaced_and_its_photo_finished(make_settings: MakeSettings) -> None:
    settings = make_settings(wait_s=0)
    with running_client(settings) as client:
        answer = client.post("/v1/index", data={"photo": field(as_file(scene()))})
        worker = only_worker(settings)
        until(lambda: is_running(parts_of(client).jobs, answer.get_json()["id"]))
        killed_at = time.monotonic()
        kill(worker)
        until(lambda: workers_of(settings.data_dir) not in ([], [worker]))
        assert time.monotonic() - killed_at < 2
        job = until(lambda: ended(parts_of(client).jobs, answer.get_json()["id"]))
        assert job.status == "done"
    assert workers_of(settings.data_dir) == []


def test_each_of_several_workers_is_replaced_and_takes_its_decoder_along(make_settings: MakeSettings) -> None:
    settings = make_settings(workers=2)
    with running(SUPERVISOR, settings):
        first, second = until(lambda: two(settings))
        # Beside four busy programs, a worker of low priority takes ten times as long over a photo.
        priorities = {os.getpriority(os.PRIO_PROCESS, pid) for pid in (first, second)}
        assert priorities == {os.getpriority(os.PRIO_PROCESS, 0)}
        decoder = until(lambda: children_of(first))
        kill(first)
        until(lambda: first not in (now := two(settings)) and second in now)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in decoder), within_s=10)
    assert workers_of(settings.data_dir) == []


def two(settings: Settings) -> list[int]:
    """Return the workers if there are two of them."""
    workers = workers_of(settings.data_dir)
    return workers if len(workers) == 2 else []


def children_of(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]


def test_second_supervisor_stands_by_and_takes_over(make_settings: MakeSettings) -> None:
    settings = make_settings(wait_s=100)
    with running(SUPERVISOR, settings) as owner:
        first = only_worker(settings)
        with running_client(settings) as client:
            assert client.post("/v1/index", data={"photo": field(as_file(scene()))}).status_code == 200
            assert workers_of(settings.data_dir) == [first]
            owner.send_signal(signal.SIGTERM)
            assert owner.wait(20) == 0
            until(lambda: workers_of(settings.data_dir) not in ([], [first]))
            assert client.post("/v1/index", data={"photo": field(as_file(scene()))}).status_code == 200


def test_worker_ends_with_its_supervisor_however_that_ends(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with running(SUPERVISOR, settings) as supervisor:
        only_worker(settings)
        kill(supervisor.pid)
        assert until(lambda: workers_of(settings.data_dir) == [], within_s=10)


def test_killed_worker_is_not_counted_as_ready(make_settings: MakeSettings) -> None:
    settings = make_settings()
    with running(SUPERVISOR, settings), running_client(settings) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        # Every later one fails at its start.
        (settings.data_dir / "photos").rename(settings.data_dir / "elsewhere")
        (settings.data_dir / "photos").write_text("in the way")
        kill(only_worker(settings))
        until(lambda: client.get("/readyz").get_json()["checks"]["worker"] is False, within_s=15)


def test_workers_that_died_with_their_supervisor_are_not_counted_as_ready(make_settings: MakeSettings) -> None:
    settings = make_settings()
    jobs = open_jobs(settings)
    with jobs.database.begin() as connection:
        heartbeat(connection, "worker-dead", "worker", "ready")
    jobs.close()
    with running_client(settings) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.get_json()["checks"]["worker"]) == (503, False)
        until(lambda: client.get("/readyz").status_code == 200)


def test_application_that_ends_takes_its_worker_along(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings(wait_s=100)
    photo = tmp_path / "p.jpg"
    photo.write_bytes(as_file(scene()))
    script = (
        "from server import app\n"
        f"answer = app.test_client().post('/colorization', data={{'photo': open({str(photo)!r}, 'rb')}})\n"
        "print(answer.status_code)\n"
    )
    environ = {"PATH": "/usr/bin:/bin", **settings.to_environ()}
    done = subprocess.run([PYTHON, "-c", script], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "200"
    assert workers_of(settings.data_dir) == []


@pytest.mark.parametrize(
    ("status", "deaths", "seconds"), [(-9, 1, 0.2), (-9, 3, 0.8), (-9, 50, 1.0), (1, 1, 0.2), (1, 4, 1.6), (1, 99, 30)]
)
def test_delay_grows_but_never_past_two_seconds_after_a_kill(status: int, deaths: int, seconds: float) -> None:
    assert restart_delay(status, deaths) == pytest.approx(seconds)
