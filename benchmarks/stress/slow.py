"""`python -m benchmarks slow`: normal uploads beside forty slow ones and thirty event streams.

A slow upload sends one byte a second. Prints how long normal uploads and `/healthz` take meanwhile; exit status 1 where
one of them takes too long.
"""

import argparse
import json
import math
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.clients import Client, Tally, form, percentile
from benchmarks.support.health import Health
from benchmarks.support.photos import toned_print
from benchmarks.support.setups import local

_MOST_UPLOAD_S = 30.0
_MOST_HEALTH_S = 0.3
_BATCH_MEGAPIXELS = 12.0
_BATCH_S = 5.0
_MOST_FILES = 20


@dataclass(frozen=True)
class Measured:
    """Seconds of normal uploads and of `/healthz`, and the number of streams open at the end."""

    uploads_s: list[float]
    health_s: list[float]
    streams: int

    @property
    def holds(self) -> bool:
        """Whether no time exceeds the limit."""
        return bool(self.uploads_s) and max(self.uploads_s) < _MOST_UPLOAD_S and max(self.health_s) < _MOST_UPLOAD_S


def measure(port: int, uploads: int, streams: int, megapixels: float, seconds: float) -> Measured:
    """Measure normal uploads for that time beside `uploads` slow uploads and `streams` event streams."""
    body, headers = form(toned_print(megapixels))
    tally = Tally()
    client = Client(port, tally)
    with ExitStack() as stack:
        stack.enter_context(slow_uploads(port, uploads, body, headers))
        opened = stack.enter_context(event_streams(port, streams, _last_of_many(client, seconds)))
        health = stack.enter_context(Health(port))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            client.colour(body, headers, deadline + _MOST_UPLOAD_S)
        still_open = sum(_is_open(stream) for stream in opened)
    client.close()
    return Measured(tally.seconds, health.seconds, still_open)


def _last_of_many(client: Client, seconds: float) -> str:
    """Send batches that keep the workers busy for about that long; return the address of the last photo.

    A stream ends with its photo, and photos of batches wait for those that are sent one by one.
    """
    photo, address = toned_print(_BATCH_MEGAPIXELS), ""
    part, headers = form(photo)
    end = part.rindex(b"\r\n--")
    body = part[: end + 2] * _MOST_FILES + part[end + 2 :]
    for _ in range(math.ceil(seconds / _BATCH_S)):
        status, _, data = client.ask("POST", "/v1/batches", body, {**headers, "Prefer": "respond-async"})
        assert status == 202, (status, data)
        address = json.loads(data)["results"][-1]["urls"]["events"]
    return address


def _is_open(stream: socket.socket) -> bool:
    """Return whether the server has not ended the stream: what is left to read does not end."""
    stream.settimeout(0.1)
    try:
        while stream.recv(1 << 16):
            continue
    except TimeoutError:
        return True
    return False


@contextmanager
def slow_uploads(port: int, count: int, body: bytes, headers: dict[str, str]) -> Iterator[None]:
    """Keep `count` uploads going at one byte a second."""
    head = f"POST /v1/index HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    ended = threading.Event()
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]

    def drip() -> None:
        place = 0
        while not ended.wait(1.0):
            for connection in connections:
                with suppress(OSError):
                    connection.send(body[place : place + 1])
            place += 1

    for connection in connections:
        connection.sendall(head.encode())
    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        yield
    finally:
        ended.set()
        dripping.join()
        for connection in connections:
            connection.close()


@contextmanager
def event_streams(port: int, count: int, address: str) -> Iterator[list[socket.socket]]:
    """Open `count` event streams at `address`; gives those that were answered 200."""
    connections, opened = [], []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        connections.append(connection)
        if connection.recv(12).endswith(b"200"):
            opened.append(connection)
    try:
        yield opened
    finally:
        for connection in connections:
            connection.close()


def main(argv: Sequence[str]) -> int:
    """Measure and print; return 1 where something took too long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks slow", description=__doc__)
    parser.add_argument("--uploads", type=int, default=40, help="at one byte a second (default: %(default)s)")
    parser.add_argument("--streams", type=int, default=30, help="event streams (default: %(default)s)")
    parser.add_argument("--megapixels", type=float, default=2.0, help="of the normal photo (default: %(default)g)")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long (default: %(default)g)")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, local(Path(folder), model="default") as service:
        met = measure(service.port, arguments.uploads, arguments.streams, arguments.megapixels, arguments.seconds)
    print(f"{len(met.uploads_s)} normal uploads, the slowest in {max(met.uploads_s, default=float('inf')):.2f} s")
    print(f"{met.streams} event streams were open all the while")
    p99 = percentile(met.health_s, 0.99)
    print(f"/healthz {1000 * p99:.0f} ms at p99 of {len(met.health_s)} requests ({1000 * _MOST_HEALTH_S:.0f} wanted)")
    return 0 if met.holds else 1
