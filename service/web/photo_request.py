"""Requests whose bodies are read to the end that was announced, under limits, and whose `Host` is a name."""

import ipaddress
import re
from typing import IO, Any, cast

from flask import Flask, Request, request
from werkzeug.formparser import FormDataParser

from service.context.app_context import parts
from service.domain.problems import InvalidHostError
from service.settings import most_upload_bytes
from service.storage.base import Upload
from service.web.forms import LimitedFormParser

_HOST = re.compile(r"(?:\[(?P<address>[^\]]+)\]|(?P<name>[^:]+))(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253
_MOST_PORT = 65535


class PhotoRequest(Request):
    """A request whose files go straight to the data folder; what nobody has kept of them goes with the request.

    A body that ends before its announced length raises `werkzeug.exceptions.ClientDisconnected` where it is read.
    """

    def __init__(self, environ: dict[str, Any], *args: Any, **options: Any) -> None:
        self._uploads: list[Upload] = []
        self.has_valid_host = _has_valid_host(environ)
        if not self.has_valid_host:
            environ["HTTP_HOST"] = "localhost"  # The error page, too, needs addresses.
        if "wsgi.input" in environ:
            environ["wsgi.input"] = _Body(environ["wsgi.input"])
        if "CONTENT_LENGTH" in environ:
            # A server that ends the stream at the announced length ends it as well where the connection broke before.
            environ.pop("wsgi.input_terminated", None)
        super().__init__(environ, *args, **options)

    def receive(self) -> Upload:
        """Return an empty upload, which goes with the request unless it is kept. Raises `StorageError`."""
        upload = parts().files.receive(most_upload_bytes(parts().settings.max_upload_mb))
        self._uploads.append(upload)
        return upload

    def make_form_data_parser(self) -> FormDataParser:
        """Return what parses a form in the body."""
        return LimitedFormParser(lambda: cast(IO[bytes], self.receive()), parts().settings.max_files)

    def close(self) -> None:
        """Remove the files that were not kept."""
        for upload in self._uploads:
            upload.close()
        super().close()


class _Body:
    """The body as the server gives it, whose errors are all of one kind: it came from the client as it is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except Exception as error:
            raise OSError("The body breaks off, or it is damaged.") from error


def check_hosts(app: Flask) -> None:
    """Refuse requests to `app` whose `Host` header is no name or address, before anything else is done with them."""

    @app.before_request
    def check() -> None:
        if not cast(PhotoRequest, request).has_valid_host:
            raise InvalidHostError("The Host header is missing, or it is neither a name nor an address.")


def _has_valid_host(environ: dict[str, Any]) -> bool:
    host = environ.get("HTTP_HOST")
    if host is None:
        return bool(environ.get("SERVER_PROTOCOL") == "HTTP/1.0")  # Which has no such header.
    found = _HOST.fullmatch(host)
    if not found or not 0 < int(found["port"] or 80) <= _MOST_PORT:
        return False
    return _is_address(found["address"]) if found["address"] else _is_name(found["name"])


def _is_address(text: str) -> bool:
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def _is_name(text: str) -> bool:
    name = text.removesuffix(".")
    return len(name) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in name.split("."))
