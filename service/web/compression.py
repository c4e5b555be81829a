"""Compression of pages, styles, scripts and JSON where the browser takes that; never of photos."""

from flask import Flask, Response, request
from flask_compress import Compress

# Photos are compressed already.
_COMPRESSED = (
    "text/html",
    "text/css",
    "text/javascript",
    "application/json",
    "application/problem+json",
    "image/svg+xml",
)
_WORTHWHILE_BYTES = 500


def compress(app: Flask) -> None:
    """Let `app` compress what it answers, by Brotli, Zstandard or gzip, as the browser prefers."""
    app.config["COMPRESS_MIMETYPES"] = list(_COMPRESSED)
    app.config["COMPRESS_MIN_SIZE"] = _WORTHWHILE_BYTES
    app.config["COMPRESS_ALGORITHM"] = ["br", "zstd", "gzip"]
    app.config["COMPRESS_STREAMS"] = False  # An event has to arrive when it happens.
    Compress(app)
    app.after_request(_gather)


def _gather(response: Response) -> Response:
    """Take the text of a static file into memory: what is streamed is not compressed."""
    if request.endpoint == "static" and response.mimetype in _COMPRESSED and response.status_code == 200:
        response.direct_passthrough = False
        response.make_sequence()
    return response
