"""HTTP clients that send photos one after the other, in threads, and count times and answers.

A client sends a photo, waits for the result, fetches it, and sends the next one. It heeds `Retry-After`, as the
documentation asks. It uses `http.client` so that it takes little of the machine that it measures.
"""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

_PATIENCE_S = 120.0
_POLL_S = 0.25
# Enough for all workers to have compiled what they need, however long that takes.
WARM_UP_REQUESTS = 40
_WARM_UP_CLIENTS = 4
_WARM_UP_WITHIN_S = 300.0
_BOUNDARY = "photo-colorizer-benchmark"


@dataclass
class Tally:
    """Seconds from sending a photo to having its result, and how often each status came."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    elapsed_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def per_second(self) -> float:
        """Results per second."""
        return len(self.seconds) / self.elapsed_s

    def percentile(self, share: float) -> float:
        """Return the time in seconds within which `share` (0..1) of the results were there."""
        return percentile(self.seconds, share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0..1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def form(photo: bytes, name: str = "photo.jpg", field_name: str = "photo") -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a form that sends `photo`."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field_name}"; filename="{name}"\r\n'
    body = head.encode() + b"Content-Type: image/jpeg\r\n\r\n" + photo + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


class Client:
    """One client and its connection."""

    def __init__(self, port: int, tally: Tally | None = None, host: str = "127.0.0.1") -> None:
        """`tally` may be shared by several clients."""
        self._tally = tally or Tally()
        self._connection = http.client.HTTPConnection(host, port, timeout=_PATIENCE_S)

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers by their names in small letters, and body of the answer; 0 where there was none."""
        for attempt in range(2):
            try:
                self._connection.request(method, path, body or None, headers or {})
                answer = self._connection.getresponse()
                data = answer.read()
                lacks_retry_after = answer.status in (429, 503) and not answer.headers.get("Retry-After")
                self._count(f"{answer.status} without Retry-After" if lacks_retry_after else str(answer.status))
                return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                # A connection that was kept may have been closed by the server meanwhile: no answer was lost.
                if attempt or not isinstance(error, http.client.RemoteDisconnected | ConnectionError):
                    self._count(type(error).__name__)
                    break
        return 0, {}, b""

    def _count(self, status: str) -> None:
        with self._tally.lock:
            self._tally.statuses[status] += 1
            self._tally.requests += 1

    def colour(self, body: bytes, headers: dict[str, str], deadline: float) -> None:
        """Send a photo and fetch its result; what is not there by `deadline` does not count."""
        start = time.monotonic()
        status, answer, data = self.ask("POST", "/v1/index", body, headers)
        if status in (503, 429):
            time.sleep(max(0.0, min(float(answer.get("retry-after", 1)), deadline - time.monotonic())))
        document: dict[str, Any] = json.loads(data) if status in (200, 202) else {}
        document = self.follow(document, deadline)
        if document.get("status") == "done" and self.ask("GET", document["urls"]["result"])[0] == 200:
            now = time.monotonic()
            with self._tally.lock:
                if now <= deadline:
                    self._tally.seconds.append(now - start)

    def follow(self, document: dict[str, Any], deadline: float) -> dict[str, Any]:
        """Return the latest document of a photo, once it is no longer queued or running, or at `deadline`."""
        while document.get("status") in ("queued", "running") and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            document = json.loads(self.ask("GET", document["urls"]["self"])[2] or b"{}")
        return document

    def colour_and_wait(self, body: bytes, headers: dict[str, str], deadline: float) -> None:
        """Send a photo to a server that answers with the result itself."""
        start = time.monotonic()
        status, _, _ = self.ask("POST", "/colorization", body, headers)
        now = time.monotonic()
        if status == 200 and now <= deadline:
            with self._tally.lock:
                self._tally.seconds.append(now - start)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def run_clients(
    port: int, count: int, seconds: float, work: Callable[[Client, float], None], most_requests: int | None = None
) -> Tally:
    """Let `count` clients do `work(client, deadline)` again and again for that time, or until so many requests."""
    tally = Tally()
    start = time.monotonic()
    deadline = start + seconds

    def loop() -> None:
        client = Client(port, tally)
        while time.monotonic() < deadline and (most_requests is None or tally.requests < most_requests):
            work(client, deadline)
        client.close()

    threads = [threading.Thread(target=loop) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.elapsed_s = seconds if most_requests is None else time.monotonic() - start
    return tally


def warm_up(port: int, work: Callable[[Client, float], None], requests: int = WARM_UP_REQUESTS) -> None:
    """Let a few clients do `work` until so many requests are made, and every worker has loaded what it needs."""
    run_clients(port, _WARM_UP_CLIENTS, _WARM_UP_WITHIN_S, work, most_requests=requests)
