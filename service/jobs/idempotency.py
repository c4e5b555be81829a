"""A request that may have been sent before in, what was made of it the first time out: for `Idempotency-Key`.

A key belongs to its owner, and is kept as long as a photo of the request is. Its row is written in the transaction
that queues the photos: of requests that come at the same time, one makes them and the others find them.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Request
from werkzeug.datastructures import FileStorage

from colorizers.errors import ColorizerError
from service.domain.job import NewJob
from service.domain.options import Options
from service.jobs.schema import requests
from service.storage.base import Upload

HEADER = "Idempotency-Key"
_LONGEST = 255


class InvalidKeyError(ColorizerError):
    """The key is empty, too long or not printable."""

    code = "invalid_value"
    status = 422


class ReusedKeyError(ColorizerError):
    """The key has been used for another request."""

    code = "key_reused"
    status = 422


@dataclass(frozen=True)
class RequestKey:
    """One request of one owner: its key, and a hash of what it asked for."""

    owner: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Remembered:
    """What a request made: one photo, or a batch."""

    job_id: str | None
    batch: str | None


def key_of(request: Request, owner: str | None, asked: Iterable[object]) -> RequestKey | None:
    """Return the key of `request`, which asks for `asked`, if it has one. Raises `InvalidKeyError`."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        raise InvalidKeyError(f"{HEADER} has to have 1 to {_LONGEST} printable characters.", field=HEADER)
    text = json.dumps([request.path, *asked], default=str)
    return RequestKey(owner or "", key, hashlib.sha256(text.encode()).hexdigest())


def asked_with_files(options: Options, files: Iterable[FileStorage]) -> list[object]:
    """Return what tells a request with `files` from another: options, and names and contents of the files."""
    return [options.to_json(), *((file.filename, _sha256(file)) for file in files)]


def recall(key: RequestKey, database: sa.Engine) -> Remembered | None:
    """Return what the request with that key made before. Raises `ReusedKeyError` where it asked for something else."""
    with database.connect() as connection:
        row = connection.execute(sa.select(requests).where(*_same(key))).mappings().one_or_none()
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise ReusedKeyError(f"This {HEADER} has been used for another request; take a new one.")
    return Remembered(row["job_id"], row["batch"])


def remember(key: RequestKey, new: Sequence[NewJob], batch: str | None, connection: sa.Connection) -> None:
    """Record what a request makes, in the transaction that makes it. Raises `IntegrityError` if another one did so."""
    job_id = None if batch else new[0].id
    connection.execute(requests.insert().values(**vars(key), job_id=job_id, batch=batch, created_at=time.time()))


def forget(key: RequestKey, database: sa.Engine) -> None:
    """Remove the record of a request of which nothing is left."""
    with database.begin() as connection:
        connection.execute(requests.delete().where(*_same(key)))


def _same(key: RequestKey) -> tuple[sa.ColumnElement[bool], ...]:
    return requests.c.owner == key.owner, requests.c.key == key.key


def _sha256(file: FileStorage) -> str:
    assert isinstance(file.stream, Upload)
    with file.stream.path.open("rb") as received:
        return hashlib.file_digest(received, "sha256").hexdigest()
