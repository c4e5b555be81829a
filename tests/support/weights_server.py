"""Local HTTP server of a weights file that misbehaves in a different way at each path."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class WeightsServer(ThreadingHTTPServer):
    """Serves `content` and notes each request as "path" or "path from BYTE".

    /good          all of it, ranges too            /cut       a third each time, then the connection breaks
    /no-ranges     all of it, whatever was asked    /cut-once  half the first time, later all that is asked for
    /wrong         as many other bytes              /stalls    half of it, then silence
    /short         too few bytes, said so           /403       forbidden
    /endless       more bytes, length not said      /moved     a redirect to /good
    /page          an HTML page, as a login portal sends
    /trickle       a byte at a time                 /slow-headers  headers a byte at a time
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = content
        self.requests: list[str] = []
        self.base = f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(content: bytes) -> Iterator[WeightsServer]:
    server = WeightsServer(content)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: WeightsServer

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        path = self.path.removeprefix("/")
        self.server.requests.append(f"{path} from {start}" if start else path)
        content = self.server.content
        match path:
            case "good":
                self._send(content, start)
            case "no-ranges":
                self._send(content, 0)
            case "cut":
                self._send(content, start, upto=start + len(content) // 3)
            case "cut-once":
                first = self.server.requests.count("cut-once") == 1 and not start
                self._send(content, start, upto=len(content) // 2 if first else len(content))
            case "stalls":
                self._send(content, start, upto=len(content) // 2)
                time.sleep(1.5)
            case "wrong":
                self._send(bytes(len(content)), start)
            case "short":
                self._send(content[:-1], 0)
            case "page":
                self._send(b"<html>Please log in</html>", 0)
            case "trickle":
                self._send(content, 0, upto=1)
                self._trickle(b"x" * 300)
            case "slow-headers":
                self._trickle(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 300)
            case "endless":
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content + b"more")
            case "moved":
                self.send_response(302)
                self.send_header("Location", "/good")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case _:
                self.send_error(403)

    def _trickle(self, data: bytes) -> None:
        with suppress(ConnectionError):
            for byte in data:
                self.wfile.write(bytes([byte]))
                time.sleep(0.02)

    def _send(self, content: bytes, start: int, upto: int | None = None) -> None:
        """Announce `content` from `start` on, but send it only as far as `upto`."""
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:upto])

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""
