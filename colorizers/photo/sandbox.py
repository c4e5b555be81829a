"""Reading of picture files in other processes: a file that crashes or hangs a decoder costs nobody but itself.

Every file is read by a process of its own, forked by `decoding_server`, which this module starts: without torch, under
limits of memory, processor time and time. What comes from it is checked like what comes from a stranger.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NoReturn, Self, TypeVar

from colorizers.errors import DecodersBusyError, TooSlowError, UndecodableError
from colorizers.photo.photo_data import MAX_MEGAPIXELS, Header, Photo
from colorizers.photo.sandbox_messages import MOST_BYTES, raise_packed, unpack_header, unpack_photo

HEADER_CPU_S = 2
HEADER_WALL_S = 10.0
CPU_S = 10
CPU_S_PER_MEGAPIXEL = 1.0
WALL_S = 90.0
MOST_AT_ONCE = 12
"""Processes that a `Decoder` has at a time. They wait for slow files more than they compute."""
# So long a file waits for a process.
_BUSY_S = 10.0
_RETRY_AFTER_S = 5
# The libraries take a third of a gigabyte of address space; a decoder may hold a picture several times over, and reads
# a header from a copy of the file.
_BASE_BYTES = 1 << 30
_BYTES_PER_PIXEL = 40
_HEADER_BASE_BYTES = 640 << 20
_HEADER_BYTES_PER_BYTE = 3
_MEGAPIXEL = 1_000_000
# The server sees to the limits, once it has started; it is given up when it is so much later.
_GRACE_S = 60.0
_ATTEMPTS = 2
_PACKAGE = Path(__file__).resolve().parents[2]

T = TypeVar("T")


class DecoderDiedError(UndecodableError):
    """The decoder crashed over this file."""


class _ServerDiedError(Exception):
    """The server of the decoding processes has ended, whatever the file is."""


class Decoder:
    """Reads files in decoding processes; safe for threads. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        max_megapixels: float = MAX_MEGAPIXELS,
        cpu_s: int = CPU_S,
        wall_s: float = WALL_S,
        header_wall_s: float = HEADER_WALL_S,
        most_at_once: int = MOST_AT_ONCE,
        busy_s: float = _BUSY_S,
    ) -> None:
        """Prepare; `start` or the first file starts the server, in a process of its own.

        `cpu_s` (and `CPU_S_PER_MEGAPIXEL`) and `wall_s` are limits for each photo, `header_wall_s` for each header.
        Where `most_at_once` files are being read, others wait for `busy_s` seconds.
        """
        self._max_megapixels = max_megapixels
        self._cpu_s = cpu_s
        self._wall_s = wall_s
        self._header_wall_s = header_wall_s
        self._busy_s = busy_s
        self._free = threading.Semaphore(most_at_once)
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The number of the server's process, None where none runs."""
        server = self._server
        return None if server is None or server.poll() is not None else server.pid

    def start(self) -> None:
        """Start the server unless it runs; returns before it is ready."""
        with self._lock:
            self._running()

    def read_header(self, path: Path) -> Header:
        """Return what the file `path` declares, as `photo.read_header` does. Raises as `open` does."""
        size = path.stat().st_size
        limits = {
            "memory_bytes": _HEADER_BASE_BYTES + size * _HEADER_BYTES_PER_BYTE,
            "cpu_s": HEADER_CPU_S,
            "wall_s": self._header_wall_s,
        }
        return self._ask(path, {"reads": "header", **limits}, lambda message, _: unpack_header(message))

    def open(self, path: Path, page: int = 0) -> Photo:
        """Return the photo in the file `path`, as `open_photo` does, and raise what it raises.

        And `DecoderDiedError`, `TooSlowError`, `OutOfMemoryError`, `DecodersBusyError`.
        """
        limits = {
            "memory_bytes": _BASE_BYTES + int(self._max_megapixels * _MEGAPIXEL) * _BYTES_PER_PIXEL,
            "cpu_s": self._cpu_s,
            "cpu_s_per_megapixel": CPU_S_PER_MEGAPIXEL,
            "wall_s": self._wall_s,
        }
        return self._ask(path, {"reads": "photo", "page": page, **limits}, unpack_photo)

    def close(self) -> None:
        """End the server and all decoding processes."""
        with self._lock:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> socket.socket:
        """Return the connection to the server, which is started unless it runs; needs the lock."""
        if self._control is not None and self.pid is not None:
            return self._control
        self._end()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                # A BLAS library's threads would each take their share of the limited address space.
                [
                    *("env", "OPENBLAS_NUM_THREADS=1"),
                    *(sys.executable, "-m", "colorizers.photo.sandbox_server", str(theirs.fileno())),
                ],
                cwd=_PACKAGE,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        ours.settimeout(_GRACE_S)
        self._control = ours
        return ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        self._control = self._server = None

    def _ask(self, path: Path, request: dict[str, Any], unpack: Callable[[dict[str, Any], list[int]], T]) -> T:
        """Let a process read the file as `request` says; return what `unpack` makes of its message."""
        request = {**request, "max_megapixels": self._max_megapixels}
        with path.open("rb") as file, self._process():
            for _ in range(_ATTEMPTS):
                try:
                    return self._exchange(file, request, unpack)
                except _ServerDiedError:
                    continue  # That says nothing about the file.
        raise _busy()

    @contextmanager
    def _process(self) -> Iterator[None]:
        """Wait for one of the processes. Raises `DecodersBusyError`."""
        if not self._free.acquire(timeout=self._busy_s):
            raise _busy()
        try:
            yield
        finally:
            self._free.release()

    def _exchange(self, file: BinaryIO, request: dict[str, Any], unpack: Callable[[dict[str, Any], list[int]], T]) -> T:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs, self._lock:
                try:
                    socket.send_fds(self._running(), [json.dumps(request).encode()], [theirs.fileno(), file.fileno()])
                except OSError as error:
                    self._end()
                    raise _ServerDiedError from error
            ours.settimeout(request["wall_s"] + _GRACE_S)
            message, descriptors = self._received(ours)
        try:
            return _answered(message, descriptors, unpack)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _received(self, connection: socket.socket) -> tuple[bytes, list[int]]:
        try:
            message, descriptors, _, _ = socket.recv_fds(connection, MOST_BYTES, 1)
        except OSError as error:
            self.close()
            raise _ServerDiedError from error
        if not message:
            self.close()
            raise _ServerDiedError
        return message, descriptors


def _answered(message: bytes, descriptors: list[int], unpack: Callable[[dict[str, Any], list[int]], T]) -> T:
    """Return what a process answered, or raise what it or the server reports."""
    try:
        told = json.loads(message)
        if "died" in told:
            _raise_death(told["died"])
        raise_packed(told)
        return unpack(told, descriptors)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _died("crashed") from error


def _raise_death(reason: str) -> NoReturn:
    if reason == "no process":
        raise _busy()
    if reason == "too slow":
        raise TooSlowError("The file takes longer to read than a photograph may.")
    raise _died(reason)


def _died(reason: str) -> DecoderDiedError:
    return DecoderDiedError(f"This file cannot be decoded: the decoder {reason}.", format="picture")


def _busy() -> DecodersBusyError:
    return DecodersBusyError(
        f"Too many files are being read; try again in {_RETRY_AFTER_S} seconds.", retry_after_s=_RETRY_AFTER_S
    )
