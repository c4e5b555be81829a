"""Paths of picture files in, photos out, decoded in another process: a decoder that crashes or hangs costs one photo.

The process loads no torch, is kept for the next photo, has limits of memory and processor time, and is replaced when it
dies. What comes from it is checked like what comes from a stranger.
"""

import fcntl
import json
import mmap
import os
import socket
import subprocess
import sys
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from colorizers import errors
from colorizers.decoding_child import MOST_MESSAGE
from colorizers.errors import PhotoError, UndecodableError
from colorizers.lab import Pixels
from colorizers.photo import MAX_MEGAPIXELS, Photo

CPU_S = 60
WALL_S = 90.0
# The libraries take half a gigabyte of address space; a decoder may hold a picture several times over.
_BASE_BYTES = 1 << 30
_BYTES_PER_PIXEL = 40
_MEGAPIXEL = 1_000_000
_PACKAGE = Path(__file__).resolve().parents[1]


class DecoderDiedError(UndecodableError):
    """The decoder crashed, or took more time than it may, over this file."""


class Decoder:
    """Opens photos in a child process. Not for several threads at once; close it, or use it in a `with` statement."""

    def __init__(self, max_megapixels: float = MAX_MEGAPIXELS, cpu_s: int = CPU_S, wall_s: float = WALL_S) -> None:
        """Prepare; `start` or the first photo starts the process. `cpu_s` and `wall_s` are limits for each photo."""
        self._max_megapixels = max_megapixels
        self._cpu_s = cpu_s
        self._wall_s = wall_s
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        """The number of the process that waits for the next photo, None where none does."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> socket.socket:
        """Start the process unless it runs; return the connection to it."""
        if self.pid is not None and self._connection is not None:
            return self._connection
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                # A BLAS library's threads would each take their share of the limited address space.
                [
                    *("env", "OPENBLAS_NUM_THREADS=1"),
                    *(sys.executable, "-m", "colorizers.decoding_child", str(theirs.fileno())),
                ],
                cwd=_PACKAGE,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        ours.settimeout(self._wall_s)
        self._connection = ours
        return ours

    def open(self, path: Path, page: int = 0) -> Photo:
        """Return the photo in the file `path` as `open_photo` does, and raise what it raises, but `DecoderDiedError`.

        Raises `MemoryError` where the process may not have enough memory.
        """
        connection = self.start()
        request = {
            "path": str(path.absolute()),
            "page": page,
            "max_megapixels": self._max_megapixels,
            "memory_bytes": _BASE_BYTES + int(self._max_megapixels * _MEGAPIXEL) * _BYTES_PER_PIXEL,
            "cpu_s": self._cpu_s,
        }
        try:
            connection.send(json.dumps(request).encode())
            message, descriptors, _, _ = socket.recv_fds(connection, MOST_MESSAGE, 1)
            if not message:
                raise ConnectionResetError
        except OSError as error:
            self.close()
            raise _died(error) from error
        try:
            return _photo(json.loads(message), descriptors)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self.close()
            raise _died(error) from error
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._connection = self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _died(error: Exception) -> DecoderDiedError:
    reason = "took too long" if isinstance(error, TimeoutError) else "crashed"
    return DecoderDiedError(f"This file cannot be decoded: the decoder {reason}.", format="picture")


def _photo(answer: dict[str, Any], descriptors: list[int]) -> Photo:
    """Return the photo that the process handed over, or raise what it reports.

    Raises `ValueError`, `KeyError`, `TypeError` or `IndexError` where the message makes no sense.
    """
    if "error" in answer:
        raise _reported(answer["error"], str(answer["message"]), dict(answer["data"]))
    if "os_error" in answer:
        raise OSError(answer["os_error"], str(answer["message"]))
    if "memory_error" in answer:
        raise MemoryError("the decoder's memory does not suffice")
    blobs = _blobs(descriptors[0], [int(size) for size in answer["sizes"]])

    def blob(index: int | None) -> bytes | None:
        return None if index is None else bytes(blobs[index])

    shape = tuple(int(side) for side in answer["shape"])
    dtype: np.dtype[Any] = np.dtype({1: "u1", 2: "u2"}[answer["depth"]])
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or min(shape) < 1:
        raise ValueError(f"no picture has the shape {shape}")
    return Photo(
        pixels=_array(blobs[answer["pixels"]], shape, dtype),
        alpha=None if answer["alpha"] is None else _array(blobs[answer["alpha"]], shape[:2], dtype),
        format=str(answer["format"]),
        frames=int(answer["frames"]),
        sha256=str(answer["sha256"]),
        exif=blob(answer["exif"]),
        xmp=blob(answer["xmp"]),
        dpi=None if answer["dpi"] is None else (float(answer["dpi"][0]), float(answer["dpi"][1])),
        extended_xmp=tuple(bytes(blobs[index]) for index in answer["extended_xmp"]),
        resources=blob(answer["resources"]),
        comments=tuple((str(key), str(text)) for key, text in json.loads(bytes(blobs[answer["comments"]]))),
    )


def _blobs(descriptor: int, sizes: list[int]) -> list[memoryview]:
    """Return the pieces of the memory behind `descriptor`; changing them changes nothing for others."""
    if min(sizes) < 0 or sum(sizes) != os.fstat(descriptor).st_size:
        raise ValueError("the sizes do not add up")
    # Memory that could still shrink would take this process down with it.
    if not fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
        raise ValueError("the memory may still change its size")
    mapped = memoryview(mmap.mmap(descriptor, sum(sizes), access=mmap.ACCESS_COPY))
    ends = np.cumsum(sizes).tolist()
    return [mapped[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _array(blob: memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Pixels:
    if len(blob) != prod(shape) * dtype.itemsize:
        raise ValueError("the pixels do not fit the sizes")
    array: Pixels = np.frombuffer(blob, dtype).reshape(shape)
    return array


def _reported(code: str, message: str, data: dict[str, Any]) -> PhotoError:
    """Return the error that the process reports."""
    kinds = {
        kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PhotoError)
    }
    return kinds[code](message, **data)
