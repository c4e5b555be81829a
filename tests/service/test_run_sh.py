"""`run.sh` from outside: it starts, says where, stops everything on a signal, and tells what is missing."""

import os
import shutil
import signal
import socket
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.support.servers import redis
from service.jobs.counters import heartbeat
from service.jobs.store import open_jobs
from service.settings import ROOT, Settings
from tests.service.conftest import MakeSettings
from tests.support.processes import answers, free_port, kill, processes_of, until, workers_of
from tests.support.uploads import as_file, scene

# Whatever wants the network is refused at once.
NO_NETWORK = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}


def start(settings: Settings, log: Path, **environ: str) -> "subprocess.Popen[bytes]":
    """Start `run.sh` in a session of its own, its output going to `log`."""
    with log.open("wb") as output:
        values = {**os.environ, **settings.to_environ(), **environ}
        return subprocess.Popen(
            ["./run.sh"], cwd=ROOT, env=values, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def is_ready(log: Path) -> bool:
    return "is ready at" in log.read_text()


def finish(process: "subprocess.Popen[bytes]") -> None:
    """End a run that a failed test left behind."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_command_serves_until_it_is_told_to_stop(
    make_settings: MakeSettings, tmp_path: Path, number: signal.Signals
) -> None:
    settings = make_settings(port=free_port(), wait_s=100, weights="none", base_dir="/photos")
    log = tmp_path / "log"
    address = f"http://127.0.0.1:{settings.port}/photos/"
    process = start(settings, log)
    try:
        until(lambda: is_ready(log))
        assert answers(f"{address}readyz"), "ready means that a worker is, too"
        assert f"is ready at {address}" in log.read_text()
        assert "Network: Stand-in" in log.read_text()
        photo = {"photo": ("a.png", as_file(scene(), "PNG"))}
        answer = httpx.post(f"{address}colorization", files=photo, timeout=110, trust_env=False)
        assert answer.status_code == 200, answer.text
        assert len(workers_of(settings.data_dir)) == 1
        os.killpg(process.pid, number) if number == signal.SIGINT else process.terminate()
        assert process.wait(20) == 0
        assert not answers(f"{address}healthz")
        assert workers_of(settings.data_dir) == []
    finally:
        finish(process)


def test_weights_that_cannot_be_had_are_no_obstacle_and_not_tried_again(
    make_settings: MakeSettings, model_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_dir, folder)
    settings = make_settings(port=free_port(), model_dir=folder)
    outputs = []
    for name in ("first", "second"):
        log = tmp_path / name
        process = start(settings, log, **NO_NETWORK)
        try:
            until(lambda log=log: is_ready(log))  # type: ignore[misc]
            process.terminate()
            assert process.wait(20) == 0
        finally:
            finish(process)
        outputs.append(log.read_text())
    told = [[line for line in output.splitlines() if "weights" in line] for output in outputs]
    assert [len(lines) for lines in told] == [1, 1]
    assert "could not be downloaded" in told[0][0]
    assert "less than a day ago" in told[1][0]


def test_killed_it_takes_everything_along_and_leaves_the_port_to_the_next_start(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    settings = make_settings(port=free_port(), weights="none")
    first, second = tmp_path / "first", tmp_path / "second"
    killed = start(settings, first)
    try:
        until(lambda: is_ready(first))
        parts = processes_of(settings.data_dir)
        assert len(parts) >= 5, "a supervisor, a worker, and gunicorn with two web processes"
        killed.kill()
        killed.wait()
        following = start(settings, second)
        try:
            # Ten seconds on a machine that has nothing else to do.
            until(lambda: not parts & processes_of(settings.data_dir), within_s=60)
            until(lambda: is_ready(second))
            assert "Address already in use" not in second.read_text()
            following.terminate()
            assert following.wait(20) == 0
        finally:
            finish(following)
    finally:
        finish(killed)
        for pid in processes_of(settings.data_dir):
            kill(pid)


@pytest.mark.parametrize(("call", "is_started"), [("part touch mark & wait $!", True), ("part touch mark", False)])
def test_its_parts_start_only_below_it(tmp_path: Path, call: str, is_started: bool) -> None:
    """Called in the foreground, a part takes the place of the shell and has another parent."""
    part = next(line for line in (ROOT / "run.sh").read_text().splitlines() if line.startswith("part()"))
    done = subprocess.run(["bash", "-c", f"{part}\n{call}"], cwd=tmp_path, check=False)
    assert (done.returncode == 0, (tmp_path / "mark").exists()) == (is_started, is_started)


@pytest.mark.redis
def test_web_machine_says_that_it_waits_for_workers_of_others(make_settings: MakeSettings, tmp_path: Path) -> None:
    with redis() as (broker_url, _):
        settings = make_settings(port=free_port(), weights="none", broker_url=broker_url)
        log = tmp_path / "log"
        process = start(settings, log)
        try:
            until(lambda: "no worker is ready; `./run.sh worker` starts those of a machine" in log.read_text())
            assert httpx.get(f"http://127.0.0.1:{settings.port}/readyz", trust_env=False).json()["status"] == "starting"
            with closing(open_jobs(settings)) as jobs, jobs.database.begin() as connection:
                heartbeat(connection, "elsewhere", "worker", "ready")
            until(lambda: is_ready(log))
        finally:
            process.terminate()
            process.wait(20)
            finish(process)


def test_network_that_is_broken_is_not_ready(make_settings: MakeSettings, model_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_dir, folder)
    (folder / "standin.safetensors").write_bytes(b"broken")
    settings = make_settings(port=free_port(), weights="none", model_dir=folder)
    log = tmp_path / "log"
    process = start(settings, log)
    try:
        until(lambda: "no worker can colour a photo; its log says why" in log.read_text())
        assert "no photo can be coloured: The file" in log.read_text()
        answer = httpx.get(f"http://127.0.0.1:{settings.port}/readyz", trust_env=False)
        assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
        shutil.copy(model_dir / "standin.safetensors", folder)
        photo = {"photo": ("a.png", as_file(scene(), "PNG"))}
        httpx.post(f"http://127.0.0.1:{settings.port}/v1/index", files=photo, timeout=110, trust_env=False)
        until(lambda: is_ready(log))
        process.terminate()
        assert process.wait(20) == 0
    finally:
        finish(process)


def test_port_in_use_ends_everything_with_a_failure(make_settings: MakeSettings, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = make_settings(port=taken.getsockname()[1], weights="none")
        process = start(settings, tmp_path / "log")
        try:
            assert process.wait(60) == 1
            assert f"Port {settings.port} is in use by another program" in (tmp_path / "log").read_text()
            assert workers_of(settings.data_dir) == []
        finally:
            finish(process)


def test_wrong_setting_is_explained(make_settings: MakeSettings, tmp_path: Path) -> None:
    process = start(make_settings(weights="none"), tmp_path / "log", PORT="eighty")
    assert process.wait(60) != 0
    assert "PORT must be a number, not 'eighty'." in (tmp_path / "log").read_text()


def test_unknown_command_shows_the_usage() -> None:
    done = subprocess.run(["./run.sh", "dance"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "usage: ./run.sh" in done.stderr


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, Any]:
    """A fresh copy of `run.sh` on a machine without a usable Python, for a user who is not root."""
    machine = tmp_path / "bin"
    machine.mkdir()
    for tool in ("bash", "env", "dirname", "cat", "grep", "sha256sum"):
        (machine / tool).symlink_to(str(shutil.which(tool)))
    for name, text in {"id": "echo 1000", "python3": "exit 1", "apt-get": 'echo "apt-get $*" >&2'}.items():
        (machine / name).write_text(f"#!/bin/sh\n{text}\n")
        (machine / name).chmod(0o755)
    for path in ("run.sh", "requirements.txt"):
        shutil.copy(ROOT / path, tmp_path / path)
    return {"cwd": tmp_path, "env": {"PATH": str(machine)}}


def test_bare_machine_without_root_gets_the_one_line_to_type(bare_machine: dict[str, Any]) -> None:
    done = subprocess.run(["./run.sh"], capture_output=True, text=True, check=False, **bare_machine)
    assert done.returncode == 1
    assert "sudo apt-get update && sudo apt-get install -y python3 python3-venv" in done.stderr
    assert done.stderr.count("apt-get") == 2, "both in the line to type"


def test_bare_machine_with_root_is_helped_by_apt(bare_machine: dict[str, Any]) -> None:
    root = bare_machine["cwd"] / "bin" / "id"
    root.write_text("#!/bin/sh\necho 0\n")
    done = subprocess.run(["./run.sh"], capture_output=True, text=True, check=False, **bare_machine)
    assert "apt-get update" in done.stderr
    assert "python3 python3-venv" in done.stderr.partition("apt-get install")[2]
    assert "Python 3.11 or newer is needed" in done.stderr
    assert done.returncode == 1
