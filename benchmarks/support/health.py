"""Response times of `/healthz`, requested all the time by a process of its own."""

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

_PAUSE_S = 0.05
_PATIENCE_S = 30.0


class Health:
    """Requests `/healthz` while the `with` block runs; then `seconds` has the times, infinite without an answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seconds: list[float] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.support.health", str(self._port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        output, _error = self._process.communicate()
        self.seconds = json.loads(output)


def corrected(seconds: Sequence[float]) -> list[float]:
    """Return `seconds` corrected for coordinated omission.

    Requests made one after the other meet a long stall once, so percentiles would hide it. The times are added that
    the requests would have taken which were not made while waiting.
    """
    met = []
    for wait in seconds:
        left = min(wait, _PATIENCE_S)
        met.append(wait)
        while (left := left - _PAUSE_S) > 0:
            met.append(left)
    return met


def ask_until_input_ends(port: int) -> list[float]:
    """Return the times of all requests made until standard input ends, in seconds."""
    seconds = []
    while not select.select([sys.stdin], [], [], _PAUSE_S)[0]:
        start, status = time.monotonic(), 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/healthz")
            status = connection.getresponse().status
        connection.close()
        seconds.append(time.monotonic() - start if status == 200 else float("inf"))
    return seconds


if __name__ == "__main__":
    print(json.dumps(ask_until_input_ends(int(sys.argv[1]))))
