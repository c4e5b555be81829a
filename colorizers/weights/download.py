"""Resumable HTTP downloads with time-outs for connecting, for silence and for slow servers."""

import http.client
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request, build_opener

CHUNK_BYTES = 1 << 18
RESUMES = 20

Progress = Callable[[int, int | None], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Timeouts:
    """How long a server may take to accept a connection (name look-up and TLS included), and to send anything more.

    One that sends less than `pace_bytes` in `pace_s` counts as one that sends nothing.
    """

    connect_s: float = 3.0
    stall_s: float = 5.0
    pace_s: float = 10.0
    pace_bytes: int = 100_000


PATIENT = Timeouts()


class BrokenOffError(OSError):
    """The connection broke off, or fell silent, before the file was complete."""


class TooSlowError(OSError):
    """The server sends so little that the file would never be complete."""


class WrongSizeError(OSError):
    """The server offers a file of another size than the expected one."""


def download(
    url: str, part: Path, size_bytes: int | None, progress: Progress | None = None, timeouts: Timeouts = PATIENT
) -> None:
    """Download `url` to the file `part`, resuming where an earlier download or a broken connection stopped.

    After a failure `part` keeps the bytes received, for the next call. `progress` is called with the number of bytes
    received and the total (None if unknown). Raises `WrongSizeError` where the server offers another number of bytes
    than `size_bytes`, and another `OSError` for every other failure.
    """
    for _ in range(RESUMES):
        before = _size(part)
        try:
            _continue(url, part, size_bytes, progress, timeouts)
            return
        except BrokenOffError:
            if _size(part) <= before:
                raise
    _continue(url, part, size_bytes, progress, timeouts)


def _continue(url: str, part: Path, size_bytes: int | None, progress: Progress | None, timeouts: Timeouts) -> None:
    """Request the rest of `part` from `url` once and append it; raises an `OSError`."""
    # Without a known size there is no telling whether a part is complete.
    have = _size(part) if size_bytes is not None and _size(part) <= size_bytes else 0
    if have and have == size_bytes:
        return
    request = Request(url, headers={"User-Agent": "photo-colorizer"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    opener = _opener(timeouts)
    try:
        # A socket's time-out restarts with every byte, so it does not limit headers that come byte by byte.
        answer_within_s = timeouts.connect_s + timeouts.stall_s
        with _within(answer_within_s, lambda: opener.open(request, timeout=timeouts.connect_s)) as response:
            start = _start(response, have)
            length = response.headers.get("Content-Length")
            total = start + int(length) if length is not None else size_bytes
            if size_bytes not in (None, total):
                raise WrongSizeError(f"the server offers {total} bytes, expected {size_bytes}")
            _save(response, part, start, total, progress, timeouts)
    except HTTPError as error:
        error.close()
        raise
    except URLError as error:
        raise ConnectionError(str(error.reason)) from error
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise BrokenOffError(str(error) or type(error).__name__) from error


def _start(response: http.client.HTTPResponse, have: int) -> int:
    """Return the position in the file at which the answer begins: that asked for, or 0 if the server ignored it."""
    if response.status != 206:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != have:
        raise ConnectionError(f"the server answered another range than bytes {have}-")
    return have


def _save(
    response: http.client.HTTPResponse,
    part: Path,
    start: int,
    total: int | None,
    progress: Progress | None,
    timeouts: Timeouts,
) -> None:
    done = measured_from = start
    measured_at = time.monotonic()
    with part.open("ab") as file:
        file.truncate(start)
        while chunk := response.read1(CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            if time.monotonic() - measured_at > timeouts.pace_s:
                if done - measured_from < timeouts.pace_bytes:
                    raise TooSlowError(f"only {done - measured_from} bytes came within {timeouts.pace_s:g} s")
                measured_at, measured_from = time.monotonic(), done
            if total is not None and done > total:
                raise WrongSizeError(f"the server sends more than {total} bytes")
            if progress is not None:
                progress(done, total)
    if total is not None and done < total:
        raise ConnectionError(f"the connection ended after {done} of {total} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _opener(timeouts: Timeouts) -> OpenerDirector:
    """Return an opener for http and https, with urllib's redirects and proxies, that applies both time-outs."""

    class Http(http.client.HTTPConnection):
        def connect(self) -> None:
            _within(timeouts.connect_s, super().connect)
            self.sock.settimeout(timeouts.stall_s)

    class Https(http.client.HTTPSConnection):
        def connect(self) -> None:
            _within(timeouts.connect_s, super().connect)
            self.sock.settimeout(timeouts.stall_s)

    class OpenHttp(HTTPHandler):
        def http_open(self, req: Request) -> http.client.HTTPResponse:
            return self.do_open(Http, req)

    class OpenHttps(HTTPSHandler):
        def https_open(self, req: Request) -> http.client.HTTPResponse:
            return self.do_open(Https, req)

    return build_opener(OpenHttp, OpenHttps)


def _within(limit_s: float, call: Callable[[], T]) -> T:
    """Return the result of `call`; raises `TimeoutError` after `limit_s`.

    A socket's time-out covers neither the name look-up nor all addresses of a host together, so the call runs in a
    thread, which after a time-out ends by itself with its socket's.
    """
    results: list[T] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as error:  # It is raised again in the caller's thread.
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {limit_s:g} s")
    if failures:
        raise failures[0]
    return results[0]
