"""Real servers on free ports, which keep nothing: PostgreSQL, Redis, and an S3-compatible storage.

They come from Debian's packages `postgresql` and `redis-server`, and from moto. Made for tests: nothing is flushed to
disk, nobody has a password.
"""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

_START_WITHIN_S = 60.0
_S3_ENVIRON = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port of `host` that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that listens on one address, and can be killed and started again there."""

    def __init__(self, command: list[str], host: str, port: int, **options: Any) -> None:
        """`options` are those of `subprocess.Popen`."""
        self._command = command
        self._address = host, port
        self._options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **options}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; return once it accepts connections."""
        self._process = subprocess.Popen(self._command, **self._options)
        deadline = time.monotonic() + _START_WITHIN_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self._command[0]} did not start: {' '.join(self._command)}")
            time.sleep(0.02)

    def _listens(self) -> bool:
        with suppress(OSError):
            socket.create_connection(self._address, timeout=1).close()
            return True
        return False

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the process."""
        if self._process:
            self._process.send_signal(number)
            self._process.wait()


@contextmanager
def postgresql(host: str = "127.0.0.1") -> Iterator[str]:
    """Yield the URL of an empty database. The server runs as an unprivileged user, as it insists on."""
    user = "postgres" if os.getuid() == 0 else None
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    # Not below a test's own folder, which another user may not enter.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder:
        if user:
            shutil.chown(folder, user, user)
        data, port = f"{folder}/data", free_port(host)
        initdb = [f"{programs}/initdb", "--no-sync", "--auth=trust", "--username=test", "--encoding=UTF8", "-D", data]
        account: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **account)
        options = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
        options |= {"listen_addresses": host, "unix_socket_directories": folder, "shared_buffers": "32MB"}
        command = [f"{programs}/postgres", "-D", data, "-p", str(port)]
        server = Server([*command, *(f"--{name}={value}" for name, value in options.items())], host, port, **account)
        server.start()
        ready = [f"{programs}/pg_isready", "-q", "-h", host, "-p", str(port)]
        while subprocess.run(ready, check=False).returncode:
            time.sleep(0.02)
        try:
            yield f"postgresql://test@{host}:{port}/postgres"
        finally:
            server.stop(signal.SIGQUIT)


@contextmanager
def redis(host: str = "127.0.0.1") -> Iterator[tuple[str, Server]]:
    """Yield the URL of a Redis that keeps nothing on disk, and the server, so that it can be killed."""
    port = free_port(host)
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        options = ["--bind", host, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", folder]
        server = Server(["redis-server", *options], host, port)
        server.start()
        try:
            yield f"redis://{host}:{port}/0", server
        finally:
            server.stop()


@contextmanager
def s3(host: str = "127.0.0.1") -> Iterator[tuple[dict[str, str], "Gate"]]:
    """Yield the environment variables of an S3-compatible storage with a bucket `photos`, and the gate before it."""
    port = free_port(host)
    server = Server([sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)], host, port)
    server.start()
    gate = Gate(host, (host, port))
    environ = {**_S3_ENVIRON, "AWS_ENDPOINT_URL": f"http://{host}:{gate.port}"}
    try:
        _make_bucket(environ)
        yield environ, gate
    finally:
        gate.close()
        server.stop()


def _make_bucket(environ: dict[str, str]) -> None:
    request = Request(f"{environ['AWS_ENDPOINT_URL']}/photos", method="PUT")
    with build_opener(ProxyHandler({})).open(request) as answer:
        answer.read()


class Gate:
    """Passes connections on to servers, to each in its turn, until told to refuse them."""

    def __init__(self, host: str, *targets: tuple[str, int]) -> None:
        self._host = host
        self._targets = itertools.cycle(targets)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.admit()

    def admit(self) -> None:
        """Pass connections on."""
        # Threads are made for each connection; few are ever made.
        self._listener = socket.create_server((self._host, self.port))
        self.port = int(self._listener.getsockname()[1])
        self._run(self._accept, self._listener)

    def refuse(self) -> None:
        """Cut every connection, and refuse new ones."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    close = refuse

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                self._run(self._pass_on, near)

    def _pass_on(self, near: socket.socket) -> None:
        with near, suppress(OSError), socket.create_connection(next(self._targets)) as far:
            with self._lock:
                self._open |= {near, far}
            back = self._run(_copy, far, near)
            _copy(near, far)
            back.join()
            with self._lock:
                self._open -= {near, far}

    @staticmethod
    def _run(target: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        return thread


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
