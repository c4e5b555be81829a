"""Submission of uploads as jobs, and access to the jobs of who asks.

A photo that is refused does not spoil the others of its request: each gives a job or a problem, in the order sent.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage

from colorizers.errors import ColorizerError, DecodersBusyError
from colorizers.fileformats.formats import mimetype_of
from colorizers.photo.photo_data import Header
from colorizers.recipe import Options
from service.context.app_context import AppContext
from service.domain.filenames import display_name
from service.domain.job import MANY, SINGLE, Job, NewJob, is_id, new_job_id
from service.domain.model_choice import check_usable
from service.domain.options import DEFAULT, check_result_size
from service.domain.problems import (
    JobNotFoundError,
    NoFileError,
    Problem,
    TooManyIdsError,
    UploadTooLargeError,
    problem_of,
)
from service.jobs.deletion import Deleted
from service.jobs.retention import oldest_kept, remove_files
from service.logging_setup import REQUEST_ID
from service.storage.base import Upload
from service.usecases.enqueue import Origin, enqueue

FIELD = "photo"
# As many as fit into an address that servers and proxies accept.
MOST_IDS = 200
# So often somebody who waits sees to it that there are workers.
_ENSURE_S = 1.0
# A worker that takes longer to start will not come.
_START_WITHIN_S = 300.0


@dataclass(frozen=True)
class Submission:
    """One photo of a request: the name to show, and its job as it is now, or the problem why there is none."""

    name: str
    job: Job | None = None
    problem: Problem | None = None


def submit(request: Request, parts: AppContext, options: Options = DEFAULT) -> list[Submission]:
    """Queue the photos of `request`, at least one, to be coloured with `options`.

    Raises what `uploads_of` and `submit_files` do.
    """
    return submit_files(uploads_of(request), Origin(parts.owners.of(request)), parts, options)


def uploads_of(request: Request) -> list[FileStorage]:
    """Return the photos of a form, at least one. Raises `NoFileError`, or what reading the form does."""
    uploads = request.files.getlist(FIELD)
    if not uploads:
        raise NoFileError(f"The request holds no photo; the form field is called {FIELD!r}.")
    return uploads


def submit_files(
    files: Sequence[FileStorage], origin: Origin, parts: AppContext, options: Options = DEFAULT
) -> list[Submission]:
    """Queue `files`, whose streams are of `PhotoFiles.receive`; several wait behind single ones.

    Raises `QueueFullError`, `DecodersBusyError`, and what `check_usable` and `enqueue` do.
    """
    check_usable(options, parts.settings)
    common = {
        "owner": origin.owner,
        "batch": origin.batch,
        "options": options,
        "priority": SINGLE if len(files) == 1 and origin.batch is None else MANY,
        "request_id": REQUEST_ID.get(),
    }
    headers = [_header(file, options, parts) for file in files]
    accepted = _accept_all(files, headers, common, parts)
    jobs = enqueue([item for item in accepted if isinstance(item, NewJob)], parts, origin)
    return [_submitted(item.name, jobs.get(item.id)) if isinstance(item, NewJob) else item for item in accepted]


def _submitted(name: str, job: Job | None) -> Submission:
    """Return the photo of that job; where it is gone already, the problem that there is none."""
    return Submission(name, job) if job else Submission(name, problem=problem_of(_not_found()))


def _accept_all(
    files: Sequence[FileStorage], headers: Sequence[Header | Problem], common: Mapping[str, Any], parts: AppContext
) -> list[NewJob | Submission]:
    """Keep what can be accepted of `files`; all of it goes again where the storage fails in between."""
    accepted: list[NewJob | Submission] = []
    try:
        for file, header in zip(files, headers, strict=True):
            accepted.append(_accept(file, header, common, parts))
    except Exception:
        for item in accepted:
            if isinstance(item, NewJob):
                parts.files.remove(item.id)
        raise
    return accepted


def _header(file: FileStorage, options: Options, parts: AppContext) -> Header | Problem:
    """Return what the file declares, or why it is refused. Raises `DecodersBusyError`, which says nothing of it."""
    upload = _upload(file)
    if upload.too_large:
        limit = parts.settings.max_upload_mb
        return problem_of(UploadTooLargeError(f"The file has more than {limit} MB, the limit.", limit=limit))
    try:
        header = parts.decoder.read_header(upload.path)
        check_result_size(header.width, header.height, options)
        return header
    except DecodersBusyError:
        raise
    except ColorizerError as error:
        return problem_of(error)


def _accept(
    file: FileStorage, header: Header | Problem, common: Mapping[str, Any], parts: AppContext
) -> NewJob | Submission:
    name = display_name(file.filename)
    if isinstance(header, Problem):
        return Submission(name, problem=header)
    new = NewJob(new_job_id(), name, mimetype_of(header.format), header.width, header.height, **common)
    parts.files.keep(_upload(file), new.id)
    return new


def _upload(file: FileStorage) -> Upload:
    assert isinstance(file.stream, Upload)
    return file.stream


def wait(submissions: Sequence[Submission], parts: AppContext, seconds: float | None = None) -> list[Submission]:
    """Return `submissions` with their jobs as they are when all have ended, or after the time that `wait_for` takes."""
    jobs = wait_for([item.job.id for item in submissions if item.job], seconds, parts)
    return [_now(item, jobs) for item in submissions]


def wait_for(job_ids: Sequence[str], seconds: float | None, parts: AppContext) -> dict[str, Job]:
    """Return those jobs by id as they are when all have ended, or after `seconds`; those that left are missing.

    Where nobody has asked for a time, it is `WAIT_S`, from when a worker is ready if one is being started: an answer
    without a result serves nobody who can have it by waiting on. With `WAIT_S=0` nobody ever waits.
    """
    wait_s = parts.settings.wait_s if seconds is None else seconds
    deadline = time.monotonic() + wait_s
    last_deadline = deadline + (_START_WITHIN_S if seconds is None else 0)
    while (left_s := deadline - time.monotonic()) > 0:
        parts.supervisor.ensure()
        if parts.waiting.wait(job_ids, min(left_s, _ENSURE_S)):
            break
        if deadline < last_deadline and parts.worker_states.is_starting():
            deadline = min(time.monotonic() + wait_s, last_deadline)
    return parts.jobs.get_many(job_ids)


def _now(item: Submission, jobs: dict[str, Job]) -> Submission:
    return _submitted(item.name, jobs.get(item.job.id)) if item.job else item


def ids_in(text: str) -> list[str]:
    """Return what stands between the commas of an address, each once. Raises `TooManyIdsError`."""
    found = list(dict.fromkeys(text.split(",")))
    if len(found) > MOST_IDS:
        raise TooManyIdsError(f"{len(found)} photos are too many; name at most {MOST_IDS} at a time.", limit=MOST_IDS)
    return found


def find_jobs(job_ids: Sequence[str], request: Request, parts: AppContext) -> list[Job]:
    """Return the jobs with those ids that who sends `request` may see, in that order.

    Raises `JobNotFoundError` if one is missing, has expired, or belongs to another browser: nobody learns which.
    """
    jobs = find_some_jobs(job_ids, request, parts)
    if any(job_id not in jobs for job_id in job_ids):
        raise _not_found()
    return [jobs[job_id] for job_id in job_ids]


def find_some_jobs(job_ids: Sequence[str], request: Request, parts: AppContext) -> dict[str, Job]:
    """Return those jobs with those ids that who sends `request` may see, in that order.

    What has not the form of an id is not looked for. Raises `JobNotFoundError` without any.
    """
    asked = [job_id for job_id in job_ids if is_id(job_id)]
    since = oldest_kept(parts.settings.expire_hours)
    jobs = parts.jobs.find(asked, parts.owners.of(request), since) if asked else {}
    if not jobs:
        raise _not_found()
    if any(not job.is_final for job in jobs.values()):
        parts.supervisor.ensure()
    return {job_id: jobs[job_id] for job_id in asked if job_id in jobs}


def delete_jobs(job_ids: Sequence[str], request: Request, parts: AppContext) -> Deleted:
    """Delete photos, with everything that was made of them, or versions alone, now; return what was there.

    Raises `JobNotFoundError` where there is none of them, or none that who sends `request` may see.
    """
    asked, viewer = [job_id for job_id in job_ids if is_id(job_id)], parts.owners.of(request)
    since = oldest_kept(parts.settings.expire_hours)
    deleted = remove_files(parts.jobs.delete(asked, viewer, since), parts.files) if asked else Deleted()
    if not deleted.job_ids:
        raise _not_found()
    return deleted


def delete_own_jobs(request: Request, parts: AppContext) -> Deleted:
    """Delete all photos that the browser behind `request` has sent, with everything that was made of them, now."""
    owner, since = parts.owners.of(request), oldest_kept(parts.settings.expire_hours)
    return remove_files(parts.jobs.delete_own(owner, since), parts.files) if owner else Deleted()


def retry_job(job_id: str, request: Request, parts: AppContext) -> None:
    """Queue a photo that failed once more. Raises `JobNotFoundError` as `find_jobs` does, and where it did not fail."""
    if not parts.jobs.retry(job_id, parts.owners.of(request), oldest_kept(parts.settings.expire_hours)):
        raise _not_found()
    parts.supervisor.ensure()


def own_jobs(request: Request, parts: AppContext, most: int | None = None) -> list[Job]:
    """Return the latest `most` jobs, or all, that the browser behind `request` has sent, the latest first."""
    owner = parts.owners.of(request)
    return parts.jobs.own(owner, oldest_kept(parts.settings.expire_hours), most) if owner else []


def _not_found() -> JobNotFoundError:
    return JobNotFoundError("There is no photo with that id.")
