"""Running set-ups of the whole service: on one machine, or on several that share a database, broker and storage.

Commands and tests look at both, and disturb both, in the same way.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from benchmarks.support import servers
from benchmarks.support.processes import children_of, memory_mib
from service.settings import ROOT, Settings

_START_WITHIN_S = 120.0
_END_WITHIN_S = 20.0
_LOG_CHARACTERS = 3000
_WEB = (sys.executable, "-m", "gunicorn", "server:app")
_SUPERVISOR = (sys.executable, "-m", "service.workers.supervisor")
CELERY_WORKER = (sys.executable, "-m", "service.workers.celery_worker")
# A command may limit its own threads; that is no setting of the application.
_OWN_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Runner:
    """A process of the service and its children, in a process group of their own; it can be killed and started again.

    It logs to `log.txt` in its data folder.
    """

    def __init__(self, command: Sequence[str], settings: Settings, environ: dict[str, str]) -> None:
        self.settings = settings
        self.log = settings.data_dir / "log.txt"
        self._command = command
        own = {name: value for name, value in os.environ.items() if name not in _OWN_THREADS}
        self._environ = {**own, **settings.to_environ(), **environ}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start the process."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environ, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """Send SIGKILL to the process and its group."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._process:
            self._process.wait()

    def stop(self) -> None:
        """Send SIGTERM to the process; kill what is left of its group."""
        if self._process:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_WITHIN_S)
            self.kill()

    def has_ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process is not None and self._process.poll() is not None

    def children(self) -> list[int]:
        """Return the ids of the running processes that this one has started."""
        return children_of(self.pid)


@dataclass
class SetUp:
    """A running service. `settings` open its table and its files; `addresses` are those of its web processes."""

    name: str
    settings: Settings
    addresses: list[str]
    webs: list[Runner]
    workers: list[Runner]
    broker: servers.Server | None = None
    storage: servers.Gate | None = None
    _killed: int = field(default=0, init=False)

    @property
    def port(self) -> int:
        """The port of the first web process."""
        return self.settings.port

    def web_pids(self) -> list[int]:
        """Return the ids of the web processes: gunicorn's masters and those that answer."""
        return [pid for web in self.webs for pid in (web.pid, *web.children())]

    def web_memory_mib(self) -> list[float]:
        """Return the resident memory in MiB of each process that answers."""
        return [memory_mib(pid) for web in self.webs for pid in web.children()]

    def worker_memory_mib(self) -> dict[int, float]:
        """Return the resident memory in MiB of each worker, by process id."""
        return {pid: memory_mib(pid) for worker in self.workers for pid in worker.children()}

    def kill_web(self) -> None:
        """Kill the next web process in turn, and start it again as a service manager does."""
        self._killed += 1
        number = self._killed % len(self.webs)
        self.webs[number].kill()
        self.webs[number].start()
        await_health(self.addresses[number], self.webs[number])

    def kill_worker(self) -> int:
        """Kill a coloring process of the next worker in turn, which then starts another; return its id, 0 for none."""
        self._killed += 1
        runner = self.workers[self._killed % len(self.workers)]
        found = [pid for pid in runner.children() if _colors(pid)]
        if not found:
            return 0
        os.kill(found[0], signal.SIGKILL)
        return found[0]


@contextmanager
def local(folder: Path, **values: object) -> Iterator[SetUp]:
    """Run what `./run.sh` runs: SQLite, local workers, local files. `values` are further settings (`workers=2`)."""
    settings = _settings(data_dir=folder, port=servers.free_port(), **values)
    web, worker = Runner(_WEB, settings, {}), Runner(_SUPERVISOR, settings, {})
    with _running([worker, web]):
        address = _address(settings)
        await_health(address, web, "readyz")
        yield SetUp("local", settings, [address], [web], [worker])


@contextmanager
def cluster(folder: Path, machines: int = 2, **values: object) -> Iterator[SetUp]:
    """Run so many web and worker machines, each with a folder of its own and each web machine with its own address.

    They share PostgreSQL, Redis and an S3-compatible storage, which have addresses of their own too. Uploads are
    answered without waiting.
    """
    with ExitStack() as stack:
        shared, environ, broker, gate = stack.enter_context(shared_servers("127.0.0.101", "127.0.0.102", "127.0.0.103"))
        of_all = {"wait_s": 0, **shared, **values}
        hosts = [f"127.0.0.{2 + number}" for number in range(machines)]
        webs = [_settings(data_dir=folder / host, host=host, port=servers.free_port(host), **of_all) for host in hosts]
        workers = [
            _settings(data_dir=folder / f"worker-{number}", **{"workers": 1, **of_all}) for number in range(machines)
        ]
        web_runners = [Runner(_WEB, settings, environ) for settings in webs]
        worker_runners = [Runner(CELERY_WORKER, settings, environ) for settings in workers]
        stack.enter_context(_running([*worker_runners, *web_runners]))
        addresses = [_address(settings) for settings in webs]
        for address, runner in zip(addresses, web_runners, strict=True):
            await_health(address, runner)
        yield SetUp("cluster", webs[0], addresses, web_runners, worker_runners, broker, gate)


@contextmanager
def shared_servers(
    database_host: str = "127.0.0.1", broker_host: str = "127.0.0.1", storage_host: str = "127.0.0.1"
) -> Iterator[tuple[dict[str, str], dict[str, str], servers.Server, servers.Gate]]:
    """Yield settings and environment variables of real servers, the broker to kill, and the gate before the storage.

    The environment of this process has the variables meanwhile, so that it can open the storage too.
    """
    with ExitStack() as stack:
        database_url = stack.enter_context(servers.postgresql(database_host))
        broker_url, broker = stack.enter_context(servers.redis(broker_host))
        environ, gate = stack.enter_context(servers.s3(storage_host))
        before = dict(os.environ)
        os.environ.update(environ)
        try:
            urls = {"database_url": database_url, "broker_url": broker_url, "storage_url": "s3://photos/all"}
            yield urls, environ, broker, gate
        finally:
            for name in environ:
                os.environ.pop(name)
            os.environ.update({name: before[name] for name in environ if name in before})


@contextmanager
def _running(runners: Sequence[Runner]) -> Iterator[None]:
    """Start `runners` in order; stop them in the opposite order."""
    try:
        for runner in runners:
            runner.start()
        yield
    finally:
        for runner in reversed(runners):
            runner.stop()


def await_health(address: str, runner: Runner, path: str = "healthz") -> None:
    """Wait until the web process `runner` answers `path` at `address`. Raises `RuntimeError`, with its log."""
    deadline = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline and not runner.has_ended():
        with suppress(URLError, OSError), build_opener(ProxyHandler({})).open(f"{address}/{path}", timeout=10):
            return
        time.sleep(0.1)
    log = runner.log.read_text(encoding="utf-8", errors="replace")
    raise RuntimeError(f"the service did not start at {address}:\n{log[-_LOG_CHARACTERS:]}")


def _settings(**values: object) -> Settings:
    return Settings.from_environ({"DEVICE": "cpu", **{name.upper(): str(value) for name, value in values.items()}})


def _address(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.port}{settings.base_dir}"


def _colors(pid: int) -> bool:
    """Return whether that process colors photos, instead of helping another one."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"service.workers.worker" in command or b"service.workers.celery_worker" in command
