"""Requests to open a picture file in, its photo in shared memory out: the process that `decoding` starts.

`python -m colorizers.decoding_child SOCKET` serves one request after the other until the socket closes. It loads no
torch, needs Linux, may take no more memory and processor time than each request allows, and says only what fits in a
message: the photo's arrays and metadata go into memory whose size can no longer change when it is handed over.
"""

import dataclasses
import faulthandler
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from colorizers.errors import PhotoError
from colorizers.photo import Photo, open_photo

MOST_MESSAGE = 1 << 16
_PLAIN = ("format", "frames", "sha256", "dpi")


def serve(connection: socket.socket) -> None:
    """Answer requests until the other end closes."""
    while message := connection.recv(MOST_MESSAGE):
        request = json.loads(message)
        _limit(request["memory_bytes"], request["cpu_s"])
        try:
            photo = open_photo(Path(request["path"]), request["max_megapixels"], request["page"])
            answer, memory = _handed_over(photo)
        except PhotoError as error:
            answer = {"error": error.code, "message": error.message, "data": error.data}
            connection.send(json.dumps(answer).encode())
        except OSError as error:
            connection.send(json.dumps({"os_error": error.errno, "message": error.strerror or str(error)}).encode())
        except MemoryError:
            connection.send(json.dumps({"memory_error": True}).encode())
        else:
            socket.send_fds(connection, [json.dumps(answer).encode()], [memory])
            os.close(memory)
            del photo


def _limit(memory_bytes: int, cpu_s: int) -> None:
    """Let this process have so much address space, and so many seconds of processor time from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, resource.RLIM_INFINITY))
    limit_s = int(used.ru_utime + used.ru_stime) + 1 + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, resource.RLIM_INFINITY))


def _handed_over(photo: Photo) -> tuple[dict[str, Any], int]:
    """Return a message about `photo`, and a file descriptor of the memory with its arrays and bytes."""
    blobs: list[bytes | np.ndarray[Any, Any]] = []

    def stored(value: bytes | np.ndarray[Any, Any] | None) -> int | None:
        if value is None:
            return None
        blobs.append(value)
        return len(blobs) - 1

    answer: dict[str, Any] = {
        field.name: getattr(photo, field.name) for field in dataclasses.fields(Photo) if field.name in _PLAIN
    }
    answer["depth"] = photo.pixels.itemsize
    answer["shape"] = photo.pixels.shape
    for name in ("pixels", "alpha", "exif", "xmp", "resources"):
        answer[name] = stored(getattr(photo, name))
    answer["extended_xmp"] = [stored(part) for part in photo.extended_xmp]
    comments = json.dumps(photo.comments).encode()
    answer["comments"] = stored(comments)
    answer["sizes"] = [len(blob) if isinstance(blob, bytes) else blob.nbytes for blob in blobs]
    return answer, _memory_with(blobs, sum(answer["sizes"]))


def _memory_with(blobs: list[bytes | np.ndarray[Any, Any]], size: int) -> int:
    """Return a file descriptor of memory that holds the blobs one after the other and can be resized no more."""
    memory = os.memfd_create("photo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, size)
    with mmap.mmap(memory, size) as mapped:
        at = 0
        for blob in blobs:
            data = blob if isinstance(blob, bytes) else np.ascontiguousarray(blob).reshape(-1).view(np.uint8)
            mapped[at : at + len(data)] = data if isinstance(data, bytes) else data.data
            at += len(data)
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return memory


def _silence_libraries() -> None:
    """Let what libraries print about every broken row of a picture go nowhere, and keep what Python says."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    faulthandler.enable(sys.stderr)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


if __name__ == "__main__":
    _silence_libraries()
    # Ctrl-C in a terminal reaches the whole group; the process that started this one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Whoever asked may be killed before it has read the answer; nobody is left to tell then.
    with suppress(ConnectionError):
        serve(socket.socket(fileno=int(sys.argv[1])))
