"""Idempotency keys: what the first request with an `Idempotency-Key` has made.

A key belongs to its owner, and is kept as long as a photo of the request. Its row is inserted in the transaction that
queues the photos, so that of simultaneous requests one succeeds and the others find its result.
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
from colorizers.recipe import Options
from service.domain.job import NewJob
from service.jobs.schema import requests
from service.storage.base import Upload

HEADER = "Idempotency-Key"
_LONGEST = 255


class InvalidKeyError(ColorizerError):
    """The key is empty, too long or not printable."""

    code = "invalid_value"


class ReusedKeyError(ColorizerError):
    """The key has been used for another request."""

    code = "key_reused"


@dataclass(frozen=True)
class RequestKey:
    """Key of a request, its owner, and a hash of the request's content."""

    owner: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Remembered:
    """Result of a request: one photo, or a batch."""

    job_id: str | None
    batch: str | None


def key_of(request: Request, owner: str | None, asked: Iterable[object]) -> RequestKey | None:
    """Return the key of `request` with a hash of `asked`; None if it has none. Raises `InvalidKeyError`."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST or not key.isprintable():
        raise InvalidKeyError(f"{HEADER} has to have 1 to {_LONGEST} printable characters.", field=HEADER)
    text = json.dumps([request.path, *asked], default=str)
    return RequestKey(owner or "", key, hashlib.sha256(text.encode()).hexdigest())


def asked_with_files(options: Options, files: Iterable[FileStorage]) -> list[object]:
    """Return the content of a request: its options, and the names and SHA-256 of its files."""
    return [json.dumps(options.changes()), *((file.filename, _sha256(file)) for file in files)]


def recall(key: RequestKey, database: sa.Engine) -> Remembered | None:
    """Return the result of the first request with that key, if any. Raises `ReusedKeyError` if it was another one."""
    with database.connect() as connection:
        row = connection.execute(sa.select(requests).where(*_same(key))).mappings().one_or_none()
    if row is None:
        return None
    if row["fingerprint"] != key.fingerprint:
        raise ReusedKeyError(f"This {HEADER} has been used for another request; take a new one.")
    return Remembered(row["job_id"], row["batch"])


def remember(key: RequestKey, new: Sequence[NewJob], batch: str | None, connection: sa.Connection) -> None:
    """Record the result of a request in its own transaction. Raises `IntegrityError` where the key is taken."""
    job_id = None if batch else new[0].id
    connection.execute(requests.insert().values(**vars(key), job_id=job_id, batch=batch, created_at=time.time()))


def forget(key: RequestKey, database: sa.Engine) -> None:
    """Delete the record of a request whose photos are gone."""
    with database.begin() as connection:
        connection.execute(requests.delete().where(*_same(key)))


def _same(key: RequestKey) -> tuple[sa.ColumnElement[bool], ...]:
    return requests.c.owner == key.owner, requests.c.key == key.key


def _sha256(file: FileStorage) -> str:
    assert isinstance(file.stream, Upload)
    with file.stream.path.open("rb") as received:
        return hashlib.file_digest(received, "sha256").hexdigest()
