"""HTTP requests as raw bytes, for what no HTTP client sends: broken bodies, odd hosts, thousands of parts."""

import http.client
import socket
from collections.abc import Sequence

BOUNDARY = "boundary-of-the-tests"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    """Return a part of a form."""
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def form(parts: Sequence[bytes]) -> bytes:
    """Return a form of those parts."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def head(
    path: str,
    content_type: str | None = None,
    length: int | None = None,
    method: str = "POST",
    host: str | None = "localhost",
    more: Sequence[str] = (),
    version: str = "1.1",
) -> bytes:
    """Return the head of a request."""
    lines = [f"{method} {path} HTTP/{version}", "Connection: close", *more]
    lines += [f"Host: {host}"] * (host is not None)
    lines += [f"Content-Type: {content_type}"] * (content_type is not None)
    lines += [f"Content-Length: {length}"] * (length is not None)
    return "\r\n".join(lines).encode("latin1") + b"\r\n\r\n"


class Answer:
    """Status, headers by their names in small letters, and body of an answer; status 0 where there was none."""

    def __init__(self, connection: socket.socket) -> None:
        answer = http.client.HTTPResponse(connection)
        self.status, self.headers, self.body = 0, dict[str, str](), b""
        try:
            answer.begin()
            self.status, self.body = answer.status, answer.read()
            self.headers = {name.lower(): value for name, value in answer.getheaders()}
        except (OSError, http.client.HTTPException):
            pass
        finally:
            answer.close()


def ask(port: int, data: bytes, *, ends: bool = False, within_s: float = 60.0) -> Answer:
    """Send `data` as it is, and no more after it where it `ends`; return the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=within_s) as connection:
        try:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The answer may come, and the connection go, before everything has been sent.
        return Answer(connection)
