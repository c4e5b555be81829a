"""The gunicorn worker that serves this application: refusals of gunicorn's own carry the security headers as well."""

import socket
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from service.web.security_headers import SECURITY_HEADERS

_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in SECURITY_HEADERS.items()).encode("ascii")


class WebWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn says nothing of its types
    """A process with threads; what it cannot read as HTTP never reaches the application, and is answered here."""

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer a request that is no HTTP, or is beyond gunicorn's limits, by a page with its status."""
        super().handle_error(req, _WithHeaders(client), addr, exc)


class _WithHeaders:
    """A connection that adds the security headers to the answer that is sent through it, in one piece."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, answer: bytes) -> None:
        """Send `answer`."""
        status_line, separator, rest = answer.partition(b"\r\n")
        self._connection.sendall(status_line + separator + _HEADERS + rest)
