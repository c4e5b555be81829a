"""Weights files on disk: reading, verification, download and import.

A file is used only if its size and SHA-256 are the registered ones, which is checked at every load and not only after a
download. Loads no torch.
"""

import fcntl
import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from colorizers.errors import DownloadError, WeightsCorruptError, WeightsError, WeightsMissingError
from colorizers.weights.download import PATIENT, Progress, Timeouts, download
from colorizers.weights.registry import MODEL_DIR, ModelSpec, weights_path

FAILURE_REMEMBERED_S = 24 * 3600.0


@dataclass(frozen=True)
class WeightsFile:
    """The bytes of a weights file, their SHA-256 (lower-case hexadecimal), and whether that hash is registered."""

    path: Path
    data: bytes
    sha256: str
    verified: bool


def read(spec: ModelSpec, model_dir: Path = MODEL_DIR) -> WeightsFile:
    """Return the weights of `spec`, checked; `verified` is false only where the spec states no hash.

    Raises `WeightsMissingError` or `WeightsCorruptError`, which name the expected path and the way to get the file.
    """
    path = weights_path(spec, model_dir)
    if not path.is_file():
        raise _missing(spec, path)
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    _check(spec, path, len(data), sha256, _remedy(spec, path))
    return WeightsFile(path, data, sha256, verified=spec.sha256 is not None)


def read_any(path: Path) -> WeightsFile:
    """Return the weights file at `path`, whatever it is, as not verified; raises `WeightsMissingError`."""
    if not path.is_file():
        raise WeightsMissingError(f"There is no weights file at {path}.", name=path.name, path=str(path))
    data = path.read_bytes()
    return WeightsFile(path, data, hashlib.sha256(data).hexdigest(), verified=False)


def verify(spec: ModelSpec, model_dir: Path = MODEL_DIR) -> Path:
    """Return the path of the weights of `spec` after hashing all of them; raises as `read` does."""
    path = weights_path(spec, model_dir)
    if not path.is_file():
        raise _missing(spec, path)
    _check(spec, path, path.stat().st_size, _hash(path), _remedy(spec, path))
    return path


def fetch(
    spec: ModelSpec,
    model_dir: Path = MODEL_DIR,
    offline: bool = False,
    progress: Progress | None = None,
    timeouts: Timeouts = PATIENT,
) -> Path:
    """Return the path of the checked weights of `spec`, downloading them into `model_dir` where they are missing.

    The URLs are tried in their order, and a part that an earlier download left is resumed. The file gets its name
    only after its size and hash are right. `progress` gets the bytes that are there and the bytes in all. Raises
    `WeightsCorruptError` where a wrong file is in the way, `WeightsMissingError` where the weights are missing and
    `offline` or without a URL, `WeightsError` where `model_dir` cannot be written or another process brings weights
    in, `DownloadError` where no URL delivers them.
    """
    path = weights_path(spec, model_dir)
    if path.exists():
        return verify(spec, model_dir)
    if offline or not spec.urls:
        raise _missing(spec, path)
    model_dir.mkdir(parents=True, exist_ok=True)
    if not os.access(model_dir, os.W_OK):
        raise WeightsError(f"The folder {model_dir} cannot be written.", name=spec.name, path=str(path))
    failures: list[str] = []
    with _locked(model_dir, spec):
        for url in spec.urls:
            try:
                _fetch_from(url, spec, path, progress, timeouts)
            except WeightsCorruptError as error:
                failures.append(error.message)
            except (OSError, ValueError) as error:  # ValueError: what is written there is no URL.
                failures.append(str(error))
            else:
                forget_failure(spec, model_dir)
                return path
    attempts = [f"{url}: {failure}" for url, failure in zip(spec.urls, failures, strict=True)]
    tried = "".join(f"\n  {attempt}" for attempt in attempts)
    message = f"The weights of {spec.title} could not be downloaded:{tried}\n{_remedy(spec, path)}"
    reason = "; ".join(dict.fromkeys(failures))
    raise DownloadError(message, name=spec.name, path=str(path), attempts=attempts, reason=reason)


def import_file(spec: ModelSpec, source: Path, model_dir: Path = MODEL_DIR) -> Path:
    """Copy the weights file `source` to where those of `spec` belong in `model_dir`, checked; return that path.

    Raises `WeightsMissingError` where there is no such file, `WeightsCorruptError` where it is another one.
    """
    if not source.is_file():
        raise WeightsMissingError(f"There is no file {source}.", name=spec.name, path=str(source))
    model_dir.mkdir(parents=True, exist_ok=True)
    path = model_dir / spec.filename
    part = model_dir / f"import-{spec.filename}.part"
    with _locked(model_dir, spec):
        try:
            data = source.read_bytes()
            _check(spec, source, len(data), hashlib.sha256(data).hexdigest(), "Nothing was imported.")
            _write_synced(part, data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    forget_failure(spec, model_dir)
    return path


def remember_failure(spec: ModelSpec, model_dir: Path, reason: str) -> None:
    """Note in `model_dir` that the weights of `spec` could not be had just now."""
    model_dir.mkdir(parents=True, exist_ok=True)
    note = {"name": spec.name, "at": time.time(), "reason": reason}
    _failure_path(spec, model_dir).write_text(json.dumps(note) + "\n", encoding="utf-8")


def recent_failure(spec: ModelSpec, model_dir: Path) -> str | None:
    """Return the reason of a failure remembered less than a day ago, None where there is none."""
    path = _failure_path(spec, model_dir)
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        age_s, reason = time.time() - float(note["at"]), str(note["reason"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return reason if 0 <= age_s < FAILURE_REMEMBERED_S else None


def forget_failure(spec: ModelSpec, model_dir: Path) -> None:
    """Forget a remembered failure, if any."""
    _failure_path(spec, model_dir).unlink(missing_ok=True)


def _fetch_from(url: str, spec: ModelSpec, path: Path, progress: Progress | None, timeouts: Timeouts) -> None:
    """Download from `url` beside `path`, check, rename; raises `OSError` or `WeightsCorruptError`."""
    part = path.with_name(path.name + ".part")
    began_earlier = part.exists()
    download(url, part, spec.size_bytes, progress, timeouts)
    try:
        _check(spec, part, part.stat().st_size, _hash(part), "The download was thrown away.")
    except WeightsCorruptError:
        part.unlink()
        # The wrong bytes may be the earlier download's, from another URL.
        if not began_earlier:
            raise
        _fetch_from(url, spec, path, progress, timeouts)
        return
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _check(spec: ModelSpec, path: Path, size_bytes: int, sha256: str, hint: str) -> None:
    if spec.size_bytes not in (None, size_bytes):
        found = f"{size_bytes} bytes instead of {spec.size_bytes}"
    elif spec.sha256 not in (None, sha256):
        found = f"SHA-256 {sha256} instead of {spec.sha256}"
    else:
        return
    message = f"The file {path} is not the weights of {spec.title}: {found}. {hint}"
    raise WeightsCorruptError(message, name=spec.name, path=str(path))


def _missing(spec: ModelSpec, path: Path) -> WeightsMissingError:
    message = f"The weights of {spec.title} are not at {path}. {_remedy(spec, path)}"
    return WeightsMissingError(message, name=spec.name, path=str(path))


def _remedy(spec: ModelSpec, path: Path) -> str:
    """Return a sentence on how to get the right file to `path`."""
    command = "python -m colorizers weights"
    folder = "" if path.parent == MODEL_DIR else f" --model-dir {shlex.quote(str(path.parent))}"
    bring = f"`{command} import {spec.name} FILE{folder}`, which puts it at {path}"
    if not spec.urls:
        return f"Get the file and run {bring}."
    first = f"Delete {path.name} and run" if path.exists() else "Run"
    download_it = f"{first} `{command} fetch {spec.name}{folder}` to download them"
    return f"{download_it}, or get the file from {spec.urls[0]} and run {bring}."


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _failure_path(spec: ModelSpec, model_dir: Path) -> Path:
    return model_dir / f"{spec.filename}.failed.json"


@contextmanager
def _locked(model_dir: Path, spec: ModelSpec) -> Iterator[None]:
    """Hold an exclusive lock on the folder `model_dir`, which also ends with the process; raises `WeightsError`."""
    handle = os.open(model_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"Another process is bringing weights into {model_dir}; wait for it and try again."
            raise WeightsError(message, name=spec.name, path=str(model_dir)) from error
        yield
    finally:
        os.close(handle)
