"""`python -m benchmarks hostile`: attacks from one client, and what a second client meets meanwhile.

Each attack repeats for a while beside a client that has photographs colored. Prints how long those took, how `/healthz`
answered, and which processes ended; exit status 1 where one ended or a limit was passed.
"""

import argparse
import http.client
import math
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache, partial
from itertools import cycle, islice
from pathlib import Path

from benchmarks.clients import Client, Tally, form, percentile
from benchmarks.health import Health
from benchmarks.hostile_files import HOSTILE_FILES
from benchmarks.photos import toned_print
from benchmarks.service import Service, running_service

MOST_UPLOAD_S = 5.0
MOST_HEALTH_S = 0.3
_PATIENCE_S = 60.0
_FILES = 20
_FILE_BYTES = 60_000_000
_FORMS, _PARTS = 30, 2000
_COMMAS = 8000
_BROKEN_AFTER = (0.1, 0.6, 0.95)

Attack = Callable[[int], None]


@dataclass(frozen=True)
class Met:
    """What the second client met during an attack: seconds a photo and a health check, and the processes that ended."""

    attack: str
    uploads_s: list[float]
    health_s: list[float]
    ended: frozenset[int]

    @property
    def holds(self) -> bool:
        """Whether everything was answered in time and no process ended."""
        in_time = bool(self.uploads_s) and percentile(self.uploads_s, 0.95) <= MOST_UPLOAD_S
        return in_time and percentile(self.health_s, 0.99) <= MOST_HEALTH_S and not self.ended

    def __str__(self) -> str:
        slowest = max(self.uploads_s, default=math.inf)
        p95 = percentile(self.uploads_s, 0.95)
        median, p99 = (1000 * percentile(self.health_s, share) for share in (0.5, 0.99))
        return (
            f"{self.attack}: {len(self.uploads_s)} photos of the second client, {p95:.2f} s "
            f"at p95, {slowest:.2f} s at most ({MOST_UPLOAD_S:g} wanted); /healthz {median:.0f} ms at p50, "
            f"{p99:.0f} ms at p99 ({MOST_HEALTH_S * 1000:.0f} wanted); "
            f"processes that ended: {sorted(self.ended) or 'none'}"
        )


def hostile_files(port: int) -> None:
    """Send files that are costly to parse, `_FILES` at the same time."""
    _together([partial(_send, port, "/v1/index", body, headers) for body, headers in _hostile_forms()])


@cache
def _hostile_forms() -> list[tuple[bytes, dict[str, str]]]:
    return [form(make(_FILE_BYTES)) for make in islice(cycle(HOSTILE_FILES.values()), _FILES)]


def many_parts(port: int) -> None:
    """Send forms of thousands of one-byte files."""
    part, headers = form(b"x")
    end = part.rindex(b"\r\n--")
    body = part[: end + 2] * _PARTS + part[end + 2 :]
    _together([partial(_send, port, "/v1/index", body, headers)] * _FORMS)


def many_ids(port: int) -> None:
    """Name thousands of photos in one address, with and without ids between the commas."""
    for ids in ("," * _COMMAS, ",".join(["0" * 32] * (_COMMAS // 33))):
        _together([partial(_send, port, f"/colorization/{ids}/delete", b"", {})] * 8)


def broken_uploads(port: int) -> None:
    """Break the connection in the middle of raw uploads."""
    photo = toned_print(2.0)
    for share in _BROKEN_AFTER:
        head = "POST /v1/colorizations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n"
        head += f"Content-Length: {len(photo)}\r\n\r\n"
        with (
            suppress(OSError),
            closing(socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S)) as connection,
        ):
            connection.sendall(head.encode() + photo[: int(share * len(photo))])


ATTACKS: dict[str, Attack] = {
    "files that are costly to parse": hostile_files,
    "forms of thousands of parts": many_parts,
    "lists of thousands of ids": many_ids,
    "uploads that break off": broken_uploads,
}


def measure(service: Service, name: str, attack: Attack, seconds: float) -> Met:
    """Repeat `attack` for that time, at least once, beside a client that has photos colored."""
    body, headers = form(toned_print(2.0))
    tally, ended = Tally(), threading.Event()
    client = Client(service.port, tally, threading.Lock())
    before = _processes(service)

    def work() -> None:
        while not ended.is_set():
            client.colour(body, headers, time.monotonic() + _PATIENCE_S)

    worker = threading.Thread(target=work)
    with Health(service.port) as health:
        worker.start()
        deadline = time.monotonic() + seconds
        attack(service.port)
        while time.monotonic() < deadline:
            attack(service.port)
        ended.set()
        worker.join()
    client.close()
    return Met(name, tally.seconds, health.seconds, frozenset(before - _processes(service)))


def _processes(service: Service) -> set[int]:
    """Return the numbers of the web processes and the workers."""
    return {*service.web_pids(), *service.worker_memory_mib()}


def _together(requests: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=request) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send(port: int, path: str, body: bytes, headers: dict[str, str]) -> None:
    """Send one request; what it is answered does not matter here, and an early refusal may break the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    with suppress(OSError, http.client.HTTPException), closing(connection):
        connection.request("POST", path, body, headers)
        connection.getresponse().read()


def attacks_named(words: Sequence[str]) -> Iterator[tuple[str, Attack]]:
    """Yield the attacks whose names contain one of `words`, all without any."""
    yield from ((name, attack) for name, attack in ATTACKS.items() if not words or any(word in name for word in words))


def main(argv: Sequence[str]) -> int:
    """Measure and print; return 1 where a process ended or a limit was passed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks hostile", description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="WORD", help="only attacks whose names contain this")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each (default: %(default)g)")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        settings = {"model": "default", "rate_limit": "none"}
        with running_service(Path(folder), **settings) as service:
            met = []
            for name, attack in attacks_named(arguments.attacks):
                met.append(measure(service, name, attack, arguments.seconds))
                print(met[-1], flush=True)
    return 0 if all(one.holds for one in met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
