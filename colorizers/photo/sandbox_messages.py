"""Messages between the decoding processes and `Decoder`, with photos in shared memory.

A message is JSON of at most `MOST_BYTES`. A photo's arrays and metadata go into memory whose size can no longer change
when its descriptor is handed over. What is read here may come from a decoder that was taken over, and is checked like
what comes from a stranger.
"""

import dataclasses
import fcntl
import json
import mmap
import os
from math import prod
from typing import Any

import numpy as np

from colorizers import errors
from colorizers.colorspace.lab import Pixels
from colorizers.errors import PhotoError
from colorizers.photo.photo_data import Header, Photo

MOST_BYTES = 1 << 16
_PLAIN = ("format", "frames", "sha256", "dpi", "density", "dynamic_range")
_MOST_NAME = 32

Blob = bytes | np.ndarray[Any, Any]


def pack_photo(photo: Photo) -> tuple[dict[str, Any], int]:
    """Return a message about `photo`, and a descriptor of the memory with its arrays and bytes."""
    blobs: list[Blob] = []

    def stored(value: Blob | None) -> int | None:
        if value is None:
            return None
        blobs.append(value)
        return len(blobs) - 1

    message: dict[str, Any] = {name: getattr(photo, name) for name in _PLAIN}
    message["depth"] = photo.pixels.itemsize
    message["shape"] = photo.pixels.shape
    for name in ("pixels", "alpha", "exif", "xmp", "resources"):
        message[name] = stored(getattr(photo, name))
    message["extended_xmp"] = [stored(part) for part in photo.extended_xmp]
    message["comments"] = stored(json.dumps([(key, text.decode("latin-1")) for key, text in photo.comments]).encode())
    message["sizes"] = [len(blob) if isinstance(blob, bytes) else blob.nbytes for blob in blobs]
    return message, _memory_with(blobs, sum(message["sizes"]))


def _pair(value: Any) -> tuple[float, float] | None:
    return None if value is None else (float(value[0]), float(value[1]))


def unpack_photo(message: dict[str, Any], descriptors: list[int]) -> Photo:
    """Return the photo that was packed.

    Raises `ValueError`, `KeyError`, `TypeError` or `IndexError` where the message makes no sense.
    """
    blobs = _blobs(descriptors[0], [int(size) for size in message["sizes"]])

    def blob(index: int | None) -> bytes | None:
        return None if index is None else bytes(blobs[index])

    shape = tuple(int(side) for side in message["shape"])
    dtype: np.dtype[Any] = np.dtype({1: "u1", 2: "u2"}[message["depth"]])
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,)) or min(shape) < 1:
        raise ValueError(f"no picture has the shape {shape}")
    return Photo(
        pixels=_array(blobs[message["pixels"]], shape, dtype),
        alpha=None if message["alpha"] is None else _array(blobs[message["alpha"]], shape[:2], dtype),
        format=str(message["format"]),
        frames=int(message["frames"]),
        sha256=str(message["sha256"]),
        exif=blob(message["exif"]),
        xmp=blob(message["xmp"]),
        dpi=_pair(message["dpi"]),
        density=_pair(message["density"]),
        extended_xmp=tuple(bytes(blobs[index]) for index in message["extended_xmp"]),
        resources=blob(message["resources"]),
        dynamic_range=str(message["dynamic_range"]),
        comments=tuple(
            (str(key), str(text).encode("latin-1")) for key, text in json.loads(bytes(blobs[message["comments"]]))
        ),
    )


def pack_header(header: Header) -> dict[str, Any]:
    """Return a message about `header`."""
    return dataclasses.asdict(header)


def unpack_header(message: dict[str, Any]) -> Header:
    """Return the header that was packed; raises as `unpack_photo` does."""
    header = Header(str(message["format"]), int(message["width"]), int(message["height"]))
    if len(header.format) > _MOST_NAME or min(header.width, header.height) < 1:
        raise ValueError(f"no picture has the header {header}")
    return header


def pack_error(error: Exception) -> dict[str, Any]:
    """Return a message about an error of the library, of the system, or of memory. Raises any other one."""
    if isinstance(error, PhotoError):
        return {"error": error.code, "message": error.message, "data": error.data}
    if isinstance(error, OSError):
        return {"os_error": error.errno, "message": error.strerror or str(error)}
    if isinstance(error, MemoryError):
        return {"error": errors.OutOfMemoryError.code, "message": "The file takes too much memory to read.", "data": {}}
    raise error


def raise_packed(message: dict[str, Any]) -> None:
    """Raise the error that was packed, if `message` is about one; or as `unpack_photo` does."""
    if "error" in message:
        raise _ERRORS[message["error"]](str(message["message"]), **dict(message["data"]))
    if "os_error" in message:
        raise OSError(message["os_error"], str(message["message"]))


_ERRORS = {kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PhotoError)}


def _memory_with(blobs: list[Blob], size: int) -> int:
    """Return a descriptor of memory that holds the blobs one after the other and can be resized no more."""
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
