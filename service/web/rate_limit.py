"""Rate limit of each client's requests, answered by 429 beyond `RATE_LIMIT`; and who the client is.

Only requests that change something count: looking at photos is cheap, colouring them is not. Counts live in the memory
of each web process, or in Redis where the application has one for several machines.
"""

import ipaddress
import logging
import time
from contextlib import suppress

from flask import Flask, Response, request
from flask_limiter import Limiter, RateLimitExceeded
from limits import parse_many
from limits.errors import StorageError
from werkzeug.middleware.proxy_fix import ProxyFix

from service.context.identity import Owners
from service.domain.problems import TooManyRequestsError
from service.settings import Settings, SettingsError
from service.web.error_handler import handle_error

UNLIMITED = "none"
# Errors of Redis' client come as one kind; nobody waits long for it.
_REDIS_OPTIONS: dict[str, str | int] = {"wrap_exceptions": True, "socket_connect_timeout": 2, "socket_timeout": 2}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}


def trust_proxies(app: Flask, count: int) -> None:
    """Take the visitor's address and scheme from the headers that `count` proxies in front of `app` have written."""
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]


def limit_requests(app: Flask, settings: Settings, owners: Owners) -> None:
    """Count the requests of each client of `app`, and refuse those in excess. Raises `SettingsError`."""
    if settings.rate_limit == UNLIMITED:
        return
    try:
        parse_many(settings.rate_limit)
    except ValueError:
        raise SettingsError(f"RATE_LIMIT must be like 60/minute or none, not {settings.rate_limit!r}.") from None
    # It would log who was refused.
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    limiter = Limiter(
        lambda: owners.keys.owner_of(request) or client_address(request.remote_addr),
        app=app,
        application_limits=[settings.rate_limit],
        storage_uri=settings.broker_url or "memory://",
        storage_options=_REDIS_OPTIONS if settings.broker_url else None,
        key_prefix="photo-colorizer",
        strategy="sliding-window-counter",
        # Redis that does not answer must not keep anyone from uploading.
        in_memory_fallback=[settings.rate_limit] if settings.broker_url else [],
    )
    limiter.request_filter(lambda: request.method in SAFE_METHODS)
    app.after_request(lambda response: _tell(limiter, response))
    app.register_error_handler(RateLimitExceeded, lambda _: _refuse(limiter))


def client_address(address: str | None) -> str:
    """Return what stands for the client with that network address: of IPv6 the part that its network has been given."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _tell(limiter: Limiter, response: Response) -> Response:
    # Redis may go while the request is answered: its client is told nothing then.
    with suppress(StorageError):
        if limit := limiter.current_limit:
            left, reset_s = max(0, limit.remaining), _seconds_until(limit.reset_at)
            response.headers["RateLimit-Limit"] = str(limit.limit.amount)
            response.headers["RateLimit-Remaining"] = str(left)
            response.headers["RateLimit-Reset"] = str(reset_s)
    return response


def _refuse(limiter: Limiter) -> Response:
    seconds = 1
    with suppress(StorageError):
        seconds = _seconds_until(limiter.current_limit.reset_at) if limiter.current_limit else 1
    return handle_error(TooManyRequestsError(f"Too many requests; try again in {seconds} s.", retry_after_s=seconds))


def _seconds_until(moment: int) -> int:
    return max(1, int(moment - time.time()))
