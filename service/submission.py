"""Uploads in, jobs out: checks what a request sent, queues it, and waits a while for the end of the work.

A photo that is refused does not spoil the others of its request: each gives an id or a problem, in the order sent.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Request
from PIL import Image
from werkzeug.datastructures import FileStorage

from colorizers.errors import ColorizerError
from colorizers.photo import read_header
from service.files import Upload
from service.jobs import Job, NewJob, new_job_id
from service.names import display_name
from service.parts import Parts
from service.problems import JobNotFoundError, NoFileError, Problem, TooManyFilesError, UploadTooLargeError, problem_of

FIELD = "photo"
_FIRST_POLL_S = 0.05
_LONGEST_POLL_S = 0.25
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Submission:
    """One photo of a request: the name to show, and its job as it is now, or the problem why there is none."""

    name: str
    job: Job | None = None
    problem: Problem | None = None


def submit(request: Request, parts: Parts) -> list[Submission]:
    """Queue the photos of `request`, at least one. Raises `NoFileError` or `TooManyFilesError`."""
    uploads = [file for file in request.files.getlist(FIELD) if file.filename or _upload(file).size]
    if not uploads:
        raise NoFileError(f"The request holds no photo; the form field is called {FIELD!r}.")
    if len(uploads) > parts.settings.max_files:
        limit = parts.settings.max_files
        raise TooManyFilesError(f"{len(uploads)} photos are too many; send at most {limit} at a time.", limit=limit)
    accepted = [_accept(file, parts) for file in uploads]
    parts.jobs.add(item for item in accepted if isinstance(item, NewJob))
    parts.supervisor.ensure()
    jobs = parts.jobs.get_many([item.id for item in accepted if isinstance(item, NewJob)])
    return [
        Submission(item.name, job=jobs[item.id]) if isinstance(item, NewJob) else Submission(item[0], problem=item[1])
        for item in accepted
    ]


def _accept(file: FileStorage, parts: Parts) -> NewJob | tuple[str, Problem]:
    name, upload = display_name(file.filename), _upload(file)
    try:
        if upload.too_large:
            limit = parts.settings.max_upload_mb
            raise UploadTooLargeError(f"The file has more than {limit} MB, the limit.", limit=limit)
        header = read_header(upload.path, parts.settings.max_megapixels)
    except ColorizerError as error:
        return name, problem_of(error)
    mimetype = Image.MIME.get(header.format, "application/octet-stream")
    new = NewJob(new_job_id(), name, mimetype, header.width, header.height)
    parts.files.keep(upload, new.id)
    return new


def _upload(file: FileStorage) -> Upload:
    assert isinstance(file.stream, Upload)
    return file.stream


def most_upload_bytes(max_upload_mb: int) -> int:
    """Return the limit for one file in bytes."""
    return max_upload_mb * _MEGABYTE


def wait(submissions: Sequence[Submission], parts: Parts) -> list[Submission]:
    """Return `submissions` with their jobs as they are when all have ended, or after `WAIT_S` seconds."""
    ids = [item.job.id for item in submissions if item.job]
    deadline = time.monotonic() + parts.settings.wait_s
    pause_s = _FIRST_POLL_S
    while True:
        jobs = parts.jobs.get_many(ids)
        if all(job.is_final for job in jobs.values()) or time.monotonic() >= deadline:
            return [Submission(item.name, jobs[item.job.id]) if item.job else item for item in submissions]
        parts.supervisor.ensure()
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.1, _LONGEST_POLL_S)


def find_jobs(job_ids: Sequence[str], parts: Parts) -> list[Job]:
    """Return the jobs with those ids, in that order. Raises `JobNotFoundError` if one is missing."""
    jobs = parts.jobs.get_many(job_ids)
    missing = [job_id for job_id in job_ids if job_id not in jobs]
    if missing or not job_ids:
        raise JobNotFoundError("There is no photo with that id.")
    if any(not job.is_final for job in jobs.values()):
        parts.supervisor.ensure()
    return [jobs[job_id] for job_id in job_ids]
