"""Start-up checks of `run.sh`: a free port, and readiness of the application.

`python -m service.ops.start_up port` waits until `PORT` on `HOST` is free, and fails with status 1 if it stays in use.
`python -m service.ops.start_up ready` waits until `/readyz` succeeds, and prints the address.
"""

import errno
import http.client
import json
import socket
import sys
import time
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from service.settings import Settings, load_settings

# The processes of a `run.sh` that was killed end within ten seconds.
_PORT_WITHIN_S = 15.0
_LOOK_S = 0.1
_LONGEST_LOOK_S = 1.0
_ANSWER_WITHIN_S = 30.0
_SAY_EVERY_S = 10.0

_DIRECTLY = build_opener(ProxyHandler({}))


def await_port(settings: Settings) -> int:
    """Return 0 once the port is free, 1 if it stays in use; print why it waits."""
    deadline, is_said = time.monotonic() + _PORT_WITHIN_S, False
    while _is_in_use(settings.host, settings.port):
        if time.monotonic() > deadline:
            print(f"Port {settings.port} is in use by another program. PORT=5001 ./run.sh takes another.", flush=True)
            return 1
        if not is_said:
            print(f"Port {settings.port} is in use; waiting for the program that uses it to end.", flush=True)
            is_said = True
        time.sleep(_LOOK_S)
    return 0


def _is_in_use(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        # The web server reports all other errors.
        return error.errno == errno.EADDRINUSE
    return False


def await_ready(settings: Settings) -> int:
    """Return 0 once `/readyz` succeeds; print the address then, and now and then what is still missing."""
    address, began = address_of(settings), time.monotonic()
    pause_s, said_at = _LOOK_S, began
    while (state := _state(address)).missing:
        if time.monotonic() - said_at > _SAY_EVERY_S:
            said_at = time.monotonic()
            print(f"Not ready after {said_at - began:.0f} s: {_in_words(state, settings)}", flush=True)
        time.sleep(pause_s)
        pause_s = min(1.1 * pause_s, _LONGEST_LOOK_S)
    print(f"Photo Colorizer is ready at {address} (Ctrl-C stops it)", flush=True)
    return 0


def address_of(settings: Settings) -> str:
    """Return the address of the home page for a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # nosec B104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.base_dir}/"


class _State(NamedTuple):
    """An answer of `/readyz`: its status, and the checks that fail."""

    status: str
    missing: list[str]


def _state(address: str) -> _State:
    try:
        with _DIRECTLY.open(f"{address}readyz", timeout=_ANSWER_WITHIN_S):
            return _State("ready", [])
    except HTTPError as error:
        with error, suppress(ValueError, KeyError, TypeError, AttributeError):
            document: dict[str, Any] = json.loads(error.read())
            return _State(document["status"], [name for name, holds in document["checks"].items() if not holds])
    except (OSError, http.client.HTTPException):
        pass
    return _State("not ready", ["web server"])


def _in_words(state: _State, settings: Settings) -> str:
    if state.missing != ["worker"]:
        return f"{', '.join(state.missing)} cannot be used."
    if state.status == "not ready":
        return "no worker can colour a photo; its log says why."
    if settings.broker_url:
        return "no worker is ready; `./run.sh worker` starts those of a machine."
    return "the workers are still starting. A photo that is sent now waits for them."


def main(arguments: list[str]) -> int:
    """Run the check that `arguments` names; return the exit status."""
    waits = {"port": await_port, "ready": await_ready}
    if len(arguments) != 1 or arguments[0] not in waits:
        print("usage: python -m service.ops.start_up [port | ready]", file=sys.stderr)
        return 2
    return waits[arguments[0]](load_settings())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
