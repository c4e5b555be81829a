"""A folder in, the whole service out, running: on one machine, or as several that share a database, broker and storage.

Both are looked at and disturbed in the same way, by tests and by the commands that kill what runs.
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
from service.settings import ROOT, Settings

_START_WITHIN_S = 120.0
_END_WITHIN_S = 20.0
_WEB = (sys.executable, "-m", "gunicorn", "server:app")
_SUPERVISOR = (sys.executable, "-m", "service.workers.supervisor")
CELERY_WORKER = (sys.executable, "-m", "service.workers.celery_worker")


class Runner:
    """A process of the service, its settings, and what it starts: all killed at once, started again as they were."""

    def __init__(self, command: Sequence[str], settings: Settings, environ: dict[str, str]) -> None:
        self.settings = settings
        self._command = command
        self._environ = {**os.environ, **settings.to_environ(), **environ}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start the process, in a group of its own."""
        self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environ, start_new_session=True)

    def kill(self) -> None:
        """End the process and its group without a word."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._process:
            self._process.wait()

    def stop(self) -> None:
        """End the process as those who run it do."""
        if self._process:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_WITHIN_S)
            self.kill()

    def children(self) -> list[int]:
        """Return the processes that this one has started and that run now."""
        # A process belongs to the thread that started it.
        lists = Path(f"/proc/{self.pid}/task").glob("*/children")
        return sorted(int(pid) for children in lists for pid in children.read_text().split())


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

    def kill_web(self) -> None:
        """Kill a web process, each in its turn, and start it again as a service manager does."""
        self._killed += 1
        number = self._killed % len(self.webs)
        self.webs[number].kill()
        self.webs[number].start()
        await_health(self.addresses[number])

    def kill_worker(self) -> int:
        """Kill a process that colours, each in its turn; whoever watches over it starts another. Returns its number."""
        self._killed += 1
        runner = self.workers[self._killed % len(self.workers)]
        found = [pid for pid in runner.children() if _colours(pid)]
        if not found:
            return 0
        os.kill(found[0], signal.SIGKILL)
        return found[0]

    def kill_worker_machine(self) -> None:
        """Kill all processes of a worker at once, those that watch too, as a power cut does; start them again."""
        self._killed += 1
        runner = self.workers[self._killed % len(self.workers)]
        runner.kill()
        runner.start()


@contextmanager
def local(folder: Path, model_dir: Path, **values: object) -> Iterator[SetUp]:
    """Run what `./run.sh` runs: SQLite, local workers, local files. `values` are further settings (`workers=2`)."""
    settings = _settings(data_dir=folder, model_dir=model_dir, port=servers.free_port(), **values)
    web, worker = Runner(_WEB, settings, {}), Runner(_SUPERVISOR, settings, {})
    with _running([web, worker]):
        address = _address(settings)
        await_health(address)
        yield SetUp("local", settings, [address], [web], [worker])


@contextmanager
def cluster(folder: Path, model_dir: Path, machines: int = 2, **values: object) -> Iterator[SetUp]:
    """Run so many web and so many worker machines, each with a folder of its own and, for the web, an own address.

    They share PostgreSQL, Redis and an S3-compatible storage, which have addresses of their own too.
    """
    with ExitStack() as stack:
        shared, environ, broker, gate = stack.enter_context(shared_servers("127.0.0.101", "127.0.0.102", "127.0.0.103"))
        of_all = {"model_dir": model_dir, **shared, **values}
        hosts = [f"127.0.0.{2 + number}" for number in range(machines)]
        webs = [_settings(data_dir=folder / host, host=host, port=servers.free_port(host), **of_all) for host in hosts]
        workers = [
            _settings(data_dir=folder / f"worker-{number}", **{"workers": 1, **of_all}) for number in range(machines)
        ]
        web_runners = [Runner(_WEB, settings, environ) for settings in webs]
        worker_runners = [Runner(CELERY_WORKER, settings, environ) for settings in workers]
        stack.enter_context(_running([*web_runners, *worker_runners]))
        addresses = [_address(settings) for settings in webs]
        for address in addresses:
            await_health(address)
        yield SetUp("cluster", webs[0], addresses, web_runners, worker_runners, broker, gate)


@contextmanager
def shared_servers(
    database_host: str = "127.0.0.1", broker_host: str = "127.0.0.1", storage_host: str = "127.0.0.1"
) -> Iterator[tuple[dict[str, str], dict[str, str], servers.Server, servers.Gate]]:
    """Give settings and environment variables of real servers, the broker to kill, and the gate before the storage.

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
    try:
        for runner in runners:
            runner.start()
        yield
    finally:
        for runner in runners:
            runner.stop()


def await_health(address: str) -> None:
    """Return once the web process at `address` answers."""
    deadline = time.monotonic() + _START_WITHIN_S
    while True:
        try:
            with build_opener(ProxyHandler({})).open(f"{address}/healthz", timeout=10):
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _settings(**values: object) -> Settings:
    environ = {"DEVICE": "cpu", "WAIT_S": "0", **{name.upper(): str(value) for name, value in values.items()}}
    return Settings.from_environ(environ)


def _address(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.port}{settings.base_dir}"


def _colours(pid: int) -> bool:
    """Whether that process is one that colours, and not one that helps."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"service.workers.worker" in command or b"service.workers.celery_worker" in command
