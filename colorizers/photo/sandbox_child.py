"""Work of a decoding process: one picture file, read under limits of memory and processor time.

The process is forked by `decoding_server` for one file and ends with it, so that nothing of a file, not even a decoder
that was taken over, is left for the next one.
"""

import ctypes
import json
import os
import resource
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from colorizers.photo.photo import open_photo, read_header
from colorizers.photo.sandbox_messages import pack_error, pack_header, pack_photo

_PR_SET_PDEATHSIG = 1
_MEGAPIXEL = 1_000_000

_libc = ctypes.CDLL(None, use_errno=True)


def answer(connection: socket.socket, file: int, request: dict[str, Any], server_pid: int) -> None:
    """Read the file with the descriptor `file` as `request` says, and send the header, the photo, or the error."""
    _end_with(server_pid)
    _limit(resource.RLIMIT_AS, request["memory_bytes"])
    _limit(resource.RLIMIT_CPU, request["cpu_s"])
    descriptors: list[int] = []
    try:
        message, descriptors = _read(Path(f"/proc/self/fd/{file}"), request)
    except Exception as error:
        message = pack_error(error)
    # Whoever asked may have gone meanwhile.
    with suppress(ConnectionError):
        socket.send_fds(connection, [json.dumps(message).encode()], descriptors)


def _read(path: Path, request: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    if request["reads"] == "header":
        return pack_header(read_header(path, request["max_megapixels"])), []

    def allow_more_time(width: int, height: int) -> None:
        more_s = request["cpu_s_per_megapixel"] * width * height / _MEGAPIXEL
        _limit(resource.RLIMIT_CPU, request["cpu_s"] + round(more_s))

    photo = open_photo(path, request["max_megapixels"], request["page"], allow_more_time)
    message, memory = pack_photo(photo)
    return message, [memory]


def _end_with(server_pid: int) -> None:
    """Let the system kill this process as soon as the server ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server_pid:
        os._exit(1)


def _limit(kind: int, most: int) -> None:
    """Set a resource limit of this process."""
    resource.setrlimit(kind, (most, resource.RLIM_INFINITY))
