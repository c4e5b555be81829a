"""Baseline of the load test: a plain Flask server that runs the reference pipeline while the request waits.

Two sync workers of gunicorn, one thread each.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from flask import Flask, Response, request

from benchmarks.speed import demo_pipeline
from benchmarks.speed.pipeline import published_network
from benchmarks.support.model_folder import prepare
from benchmarks.support.servers import Server, free_port
from service.settings import ROOT


def create_app(folder: str, name: str) -> Flask:
    """Return the server; its network has weights in `folder` already."""
    torch.set_num_threads(1)
    app, path = Flask(__name__), Path(folder)
    network = published_network(prepare([name], path).specs[name], path)

    @app.post("/colorization")
    def colorize() -> Response:
        return Response(demo_pipeline.pipeline(request.files["photo"].read(), network), mimetype="image/jpeg")

    return app


@contextmanager
def running_plain_server(folder: Path, name: str) -> Iterator[int]:
    """Run the server; yield its port."""
    prepare([name], folder)
    port = free_port()
    application = f"benchmarks.speed.plain_server:create_app({str(folder)!r}, {name!r})"
    options = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--worker-class", "sync", "--timeout", "300"]
    # The application's own settings for gunicorn are not for this one.
    command = [sys.executable, "-m", "gunicorn", "--config", "python:benchmarks", *options, application]
    server = Server(command, "127.0.0.1", port, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"})
    server.start()
    try:
        yield port
    finally:
        server.stop(signal.SIGTERM)
