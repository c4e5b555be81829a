"""Request ids, log lines, and counts of requests by route, method and status.

Counts are collected in memory and written every few seconds, so that no request waits for the database.
"""

import logging
import os
import re
import secrets
import threading
import time
from collections import Counter

import sqlalchemy as sa
from flask import Flask, Response, g, request

from service.jobs.counters import Labels, add_to_totals, heartbeat, labels
from service.logging_setup import REQUEST_ID

HEADER = "X-Request-ID"
_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_WRITE_EVERY_S = 2.0
_QUIET = {"watching.health", "watching.ready", "watching.metrics", "static"}

_log = logging.getLogger("service.request")


class RequestLog:
    """Counts of one web process's requests that are not yet added to the totals."""

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, Labels]] = Counter()
        self._timer: threading.Timer | None = None
        os.register_at_fork(after_in_child=self._start_afresh)

    def _start_afresh(self) -> None:
        self._lock, self._counts, self._timer = threading.Lock(), Counter(), None

    def count(self, of: Labels, seconds: float) -> None:
        """Count a request, and schedule the next write to the totals."""
        with self._lock:
            self._counts["requests", of] += 1
            self._counts["request_ms", of] += round(seconds * 1000)
            if self._timer is None:
                self._timer = threading.Timer(_WRITE_EVERY_S, self._write_if_possible)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Add the counts to the totals. Raises `sqlalchemy.exc.OperationalError`, and keeps the counts then."""
        with self._lock:
            counts, self._counts, self._timer = self._counts, Counter(), None
        try:
            with self._database.begin() as connection:
                add_to_totals(connection, counts)
                heartbeat(connection, f"web-{os.getpid()}", "web")
        except sa.exc.OperationalError:
            with self._lock:
                self._counts.update(counts)
            raise

    def _write_if_possible(self) -> None:
        try:
            self.write()
        except sa.exc.OperationalError as error:
            _log.warning("request counts are written later: %s", error.orig)


def number_requests(app: Flask, traffic: RequestLog) -> None:
    """Give each request of `app` an id, log its end, and count it in `traffic`."""

    @app.before_request
    def begin() -> None:
        sent = request.headers.get(HEADER, "")
        g.request_id = sent if _ACCEPTABLE_ID.fullmatch(sent) else secrets.token_hex(8)
        g.began = time.perf_counter()
        REQUEST_ID.set(g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.began
        method = request.method if request.method in _METHODS else "other"
        # The route instead of the path, as the ids in paths give access to photos.
        route = request.endpoint or "none"
        traffic.count(labels(route=route, method=method, status=str(response.status_code)), seconds)
        level = logging.DEBUG if route in _QUIET else logging.INFO
        _log.log(level, "%s %s %d in %.0f ms", method, route, response.status_code, seconds * 1000)
        response.headers[HEADER] = g.request_id
        return response
