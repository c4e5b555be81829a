"""What `gunicorn server:app` needs to serve this application; options on its command line take precedence."""

import ctypes
from typing import Any

from service.settings import load_settings

# GNU's malloc.h: how many heaps the threads of a process share.
_M_ARENA_MAX = -8

_settings = load_settings()
_host = f"[{_settings.host}]" if ":" in _settings.host else _settings.host

bind = f"{_host}:{_settings.port}"
# A form that waits for its photo, an event stream and a slow upload each keep a thread; idle ones cost nearly nothing,
# as the network runs in processes of its own. All event streams (32) and many uploads fit into one process.
worker_class = "service.web.gunicorn_worker.WebWorker"
workers = 2
threads = 128
# Each connection takes a file descriptor, of which a process often may have 1,024. Each thread takes one or two
# more: to wait for a request, for the file that arrives or goes out, for the database.
worker_connections = 512
# Uploads and waiting forms that are under way at a stop get this long to end.
graceful_timeout = 5
# Hints may be part of an address; more than that gunicorn never reads.
limit_request_line = 8190
loglevel = "warning"
# One application may run several times on a machine; a control socket would be shared by all of them.
control_socket_disable = True


def post_fork(_arbiter: object, _worker: object) -> None:
    """Let all threads share two heaps: with one each, what they have freed would add up to a fourth of the memory."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_ARENA_MAX, 2)


def post_worker_init(worker: Any) -> None:
    """Start what reads the headers of uploads, so that the first one does not wait for it."""
    # Imported here because gunicorn's master needs nothing of it.
    from service.context.app_context import EXTENSION

    worker.wsgi.extensions[EXTENSION].decoder.start()
