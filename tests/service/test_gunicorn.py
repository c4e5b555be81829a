"""The application as it is deployed: real gunicorn processes, a real worker, requests over TCP."""

import fcntl
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.service.conftest import MakeSettings
from tests.support.processes import PYTHON, answers, free_port, kill, running, until, workers_of
from tests.support.uploads import as_file, chroma, pixels_of, scene

BIN = Path(PYTHON).parent
COMMANDS = {
    "gunicorn": [str(BIN / "gunicorn"), "server:app"],
    "flask": [str(BIN / "flask"), "--app", "server", "run", "--port"],
    "python": [PYTHON, "server.py"],
}


@contextmanager
def serving(name: str, settings: Settings) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """Give a client of a server started in one of the ways of `COMMANDS`, and the server's process."""
    port = [str(settings.port)] if name == "flask" else []
    address = f"http://127.0.0.1:{settings.port}"
    with (
        running(COMMANDS[name] + port, settings) as process,
        httpx.Client(base_url=address, timeout=110, trust_env=False) as client,
    ):
        until(lambda: answers(f"{address}/healthz"))
        yield client, process


@pytest.mark.parametrize("name", COMMANDS)
def test_however_it_is_started_it_colours(name: str, make_settings: MakeSettings) -> None:
    settings = make_settings(port=free_port(), wait_s=100)
    with serving(name, settings) as (client, server):
        answer = client.post("/v1/index", files={"photo": ("Opa.png", as_file(scene(), "PNG"))})
        assert answer.status_code == 200, answer.text
        result = client.get(answer.json()["urls"]["result"])
        assert chroma(pixels_of(result.content)) > 5
        assert len(workers_of(settings.data_dir)) == 1
    assert server.returncode == {"gunicorn": 0}.get(name, -signal.SIGTERM)
    until(lambda: workers_of(settings.data_dir) == [])


def test_waiting_forms_do_not_block_others(make_settings: MakeSettings) -> None:
    settings = make_settings(port=free_port(), wait_s=4)
    with (settings.data_dir / "worker.lock").open("w") as lock, serving("gunicorn", settings) as (client, _):
        fcntl.flock(lock, fcntl.LOCK_EX)  # No worker starts, so every form waits to the end.
        photo = {"photo": ("a.png", as_file(scene(), "PNG"))}
        with ThreadPoolExecutor(12) as pool:
            forms = [pool.submit(httpx.Client.post, client, "/colorization", files=photo) for _ in range(12)]
            until(lambda: client.get("/healthz", timeout=2).is_success, within_s=3)
            assert not any(form.done() for form in forms)
        assert [form.result().status_code for form in forms] == [202] * 12


def test_killed_web_process_loses_no_photo(make_settings: MakeSettings) -> None:
    settings = make_settings(port=free_port(), wait_s=0)
    with serving("gunicorn", settings) as (client, _):
        photo = {"photo": ("a.png", as_file(scene(), "PNG"))}
        address = client.post("/v1/index", files=photo).json()["urls"]["self"]
        for pid in web_processes(settings.port):
            kill(pid)
        address = str(client.base_url.join(address))
        assert until(lambda: answers(address) and client.get(address).json()["status"] == "done")


def web_processes(port: int) -> list[int]:
    """Return the gunicorn workers of the server on `port`: those whose parent is a gunicorn, too."""
    wanted = f"PORT={port}".encode()
    pids = {
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit()
        and wanted in _read(folder / "environ").split(b"\0")
        and b"server:app" in _read(folder / "cmdline")
    }
    children = [pid for pid in pids if int(_read(Path(f"/proc/{pid}/stat")).split(b") ")[1].split()[1]) in pids]
    assert children
    return children


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
