"""Photos sent to a running set-up, and what became of their jobs and files.

A request without an answer is sent again under the same `Idempotency-Key`, as the documentation says.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import get_args
from urllib.parse import urlsplit

import numpy as np
import sqlalchemy as sa
from PIL import Image

from benchmarks.support.clients import Client
from benchmarks.support.photos import pixels
from benchmarks.support.setups import SetUp
from service.domain.job import Job
from service.jobs.counters import read_totals
from service.jobs.schema import jobs as jobs_table
from service.jobs.store import JobStore, open_jobs
from service.storage.backends import open_files
from service.storage.base import FileKind
from service.storage.local import PhotoFiles

_LOOK_S = 0.1
_AGAIN_S = 0.5


@dataclass(frozen=True)
class Sample:
    """A photo to send: its file and media type."""

    data: bytes
    mimetype: str


def samples(count: int, megapixels: float) -> list[Sample]:
    """Return so many photos, no two alike, among them some PNG files and some TIFF files of two pages."""
    scene = pixels(megapixels)
    found = []
    for number in range(count):
        image = Image.fromarray(np.roll(scene, 17 * number + 1, axis=1))
        file = BytesIO()
        if number % 20 == 19:
            image.save(file, "TIFF", save_all=True, append_images=[image.rotate(180)])
        elif number % 5 == 4:
            image.convert("L").save(file, "PNG")
        else:
            image.save(file, "JPEG", quality=85)
        with Image.open(file) as again:
            found.append(Sample(file.getvalue(), Image.MIME[str(again.format)]))
    return found


class Trial:
    """Access to one set-up: sends photos over HTTP, and reads jobs and files where they are stored."""

    def __init__(self, setup: SetUp) -> None:
        self._setup = setup
        self._jobs: JobStore = open_jobs(setup.settings)
        self._files: PhotoFiles = open_files(setup.settings)

    def close(self) -> None:
        """Close the database."""
        self._jobs.close()

    def send(self, photos: Sequence[Sample], within_s: float = 120.0) -> list[str]:
        """Send the photos, one request each; return their ids in order. Raises `RuntimeError` after so long."""
        return [self.send_one(photo, number, within_s) for number, photo in enumerate(photos)]

    def send_one(self, photo: Sample, number: int = 0, within_s: float = 120.0) -> str:
        """Send a photo until it is accepted; return its id."""
        headers = {"Content-Type": photo.mimetype, "Prefer": "respond-async", "Idempotency-Key": secrets.token_hex(16)}
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            address = urlsplit(self._setup.addresses[number % len(self._setup.addresses)])
            client = Client(address.port or 80, host=address.hostname or "")
            status, _, answer = client.ask("POST", f"{address.path}/v1/colorizations", photo.data, headers)
            client.close()
            if status in (201, 202):
                return str(json.loads(answer)["id"])
            if status and status not in (409, 429, 503):
                raise RuntimeError(f"a photo was answered {status}: {answer[:300]!r}")
            time.sleep(_AGAIN_S)
            number += 1
        raise RuntimeError("a photo was not accepted")

    def done(self, ids: Sequence[str]) -> int:
        """Return how many of those jobs are done."""
        return sum(job.status == "done" for job in self._found(ids))

    def await_all(self, ids: Sequence[str], within_s: float) -> None:
        """Return once all jobs have ended. Raises `RuntimeError` after so long."""
        deadline = time.monotonic() + within_s
        while not all(job.is_final for job in self._found(ids)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"not done in {within_s} s: {[job.status for job in self._found(ids)]}")
            time.sleep(_LOOK_S)

    def _found(self, ids: Sequence[str]) -> list[Job]:
        found = self._jobs.get_many(ids)
        if len(found) < len(ids):
            raise RuntimeError(f"{len(ids) - len(found)} photos are lost")
        return list(found.values())

    def failures(self, ids: Sequence[str]) -> list[str]:
        """Return the reasons of those that failed."""
        return [job.failure.code for job in self._found(ids) if job.failure]

    def losses(self, ids: Sequence[str]) -> list[int]:
        """Return how often each job was lost with its worker."""
        wanted = sa.select(jobs_table.c.losses).where(jobs_table.c.id.in_(list(ids)))
        with self._jobs.database.connect() as connection:
            return list(connection.execute(wanted).scalars())

    def running(self) -> int:
        """Return how many jobs are worked on."""
        return self._jobs.load()[1]

    def finished(self) -> int:
        """Return how often a photo was recorded as done, in all the time of this database."""
        counts = read_totals(self._jobs.database).get("finished", {})
        return int(sum(count for of, count in counts.items() if ("outcome", "done") in of))

    def hashes(self, ids: Sequence[str]) -> list[dict[str, str]]:
        """Return the SHA-256 of every file of each job, by its kind."""
        return [self._hashes_of(job_id) for job_id in ids]

    def _hashes_of(self, job_id: str) -> dict[str, str]:
        found = {}
        for kind in get_args(FileKind):
            try:
                with self._files.open(job_id, kind) as file:
                    found[kind] = hashlib.sha256(file.read()).hexdigest()
            except FileNotFoundError:
                continue
        return found
