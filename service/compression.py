"""Answers in, the same compressed out where the browser takes that: pages, styles, scripts and JSON, never photos."""

from flask import Flask
from flask_compress import Compress

# Photos are compressed already, and an event stream has to arrive word by word.
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
    app.config["COMPRESS_ALGORITHM"] = app.config["COMPRESS_ALGORITHM_STREAMING"] = ["br", "zstd", "gzip"]
    Compress(app)
