"""Settings in, the running application out: gunicorn and the supervisor as `run.sh` starts them, and their memory."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
_START_WITHIN_S = 120.0
_STOP_WITHIN_S = 20.0


@dataclass(frozen=True)
class Service:
    """A running application: where it answers, where its photos are, and whose children its processes are.

    The web processes are those of `web_pid`, the workers those of `supervisor_pid`.
    """

    port: int
    data_dir: Path
    web_pid: int
    supervisor_pid: int

    def web_pids(self) -> list[int]:
        """Return the numbers of the web processes: gunicorn's master and those that answer."""
        return [self.web_pid, *_children(self.web_pid)]

    def web_memory_mib(self) -> list[float]:
        """Return the resident memory of each process that answers, in MiB."""
        return [_resident_mib(pid) for pid in _children(self.web_pid)]

    def worker_memory_mib(self) -> dict[int, float]:
        """Return the resident memory of each worker, in MiB, by the number of its process."""
        return {pid: _resident_mib(pid) for pid in _children(self.supervisor_pid)}


@contextmanager
def running_service(data_dir: Path, **settings: object) -> Iterator[Service]:
    """Run the application with its data in `data_dir`, and settings by their names in small letters, until the end."""
    port = free_port()
    chosen = {"DATA_DIR": data_dir, "PORT": port, **{name.upper(): value for name, value in settings.items()}}
    environ = {**os.environ, **{name: str(value) for name, value in chosen.items()}}
    # What is set for the benchmark's own process says nothing about the application.
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        environ.pop(name, None)
    commands = ([sys.executable, "-m", "service.workers.supervisor"], [sys.executable, "-m", "gunicorn", "server:app"])
    with running_processes(commands, environ, data_dir / "log.txt") as processes:
        await_ready(port, processes)
        yield Service(port, data_dir, processes[1].pid, processes[0].pid)


@contextmanager
def running_processes(
    commands: Sequence[list[str]], environ: dict[str, str], log_path: Path
) -> "Iterator[list[subprocess.Popen[bytes]]]":
    """Run `commands` in the project folder until the end of the block; then the last one ends first."""
    with log_path.open("w") as log:
        processes = [subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log) for command in commands]
        try:
            yield processes
        except RuntimeError as error:
            error.add_note(log_path.read_text()[-3000:])
            raise
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in processes:
                try:
                    process.wait(_STOP_WITHIN_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def await_ready(port: int, processes: "list[subprocess.Popen[bytes]]") -> None:
    """Return once `/readyz` of `port` answers 200. Raises `RuntimeError`."""
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline and all(process.poll() is None for process in processes):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError, http.client.HTTPException), closing(connection):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError("the application did not start")


def _children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = int((folder / "stat").read_text().rsplit(") ", 1)[1].split()[1]) if folder.name.isdigit() else 0
            if parent == pid:
                found.append(int(folder.name))
    return found


def _resident_mib(pid: int) -> float:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0
