"""The routes that make photos: of a form, of a file as it is, or as a version of a photo that is there."""

import json
from collections.abc import Sequence

from flask import Response, request
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import UnsupportedMediaType

from colorizers.recipe import Options
from service.api.blueprint import blueprint
from service.api.colorizations import find_photo
from service.api.parse import read_json, read_options, read_query, receive_body
from service.api.prefer_header import APPLIED, PREFER
from service.api.responses import answer_batch, answer_one, refusal_of_all
from service.api.schema.openapi import Answer, describe
from service.api.schema.requests import NewVersion, PhotosForm, RawPhotoQuery
from service.api.schema.responses import ColorizationOrBatch
from service.context.app_context import parts
from service.domain.job import new_job_id
from service.jobs.batches import find_batch
from service.jobs.idempotency import HEADER, RequestKey, asked_with_files, forget, key_of, recall
from service.jobs.retention import oldest_kept
from service.usecases.enqueue import Origin
from service.usecases.submit import Submission, submit_files, uploads_of
from service.usecases.variants import make_version

FORM, JSON, BYTES = "multipart/form-data", "application/json", "application/octet-stream"
LOCATION = {"Location": "Where what was made is.", **APPLIED}
KEY = {HEADER: "A long random text: a request that is sent again with the same one makes nothing new."}


@blueprint.post("/v1/colorizations")
@describe(
    Answer(201, "Done.", ColorizationOrBatch, headers=LOCATION),
    Answer(202, "Accepted, and not done yet.", ColorizationOrBatch, headers=LOCATION),
    tag="Photographs",
    problems=(404, 415, 422, 500, 503),
    headers={**PREFER, **KEY},
    query=RawPhotoQuery,
    bodies={FORM: PhotosForm, JSON: NewVersion, "image/*": None, BYTES: None},
)
def create() -> Response:
    """Send photos to be coloured.

    Either a form with one file or several in the field `photo` and options in other fields; or a file as it is, with
    options in the address; or JSON with the id of a photo that was sent before, in `source`, and options. That makes
    a version: another photo with the same original, which is like the first but for the options named.

    One photo is answered by its object, several by a batch; in a batch, one bad file does not spoil the others.
    """
    if request.mimetype == FORM:
        return create_from_files(uploads_of(request), read_options(request))
    if request.mimetype == JSON:
        return _create_version()
    if request.mimetype.startswith("image/") or request.mimetype == BYTES:
        query = read_query(request, RawPhotoQuery)
        return create_from_files([receive_body(request, query.name or "")], query.over())
    raise UnsupportedMediaType(f"Send {FORM}, {JSON}, image/* or {BYTES}.")


def create_from_files(files: Sequence[FileStorage], options: Options, is_batch: bool = False) -> Response:
    """Queue `files` for the sender of the request and answer; several make a batch. Raises `ProblemError`."""
    owner = parts().owners.of(request)
    batch = new_job_id() if len(files) > 1 or is_batch else None
    key = key_of(request, owner, asked_with_files(options, files)) if HEADER in request.headers else None
    earlier = _answer_again(key)
    if earlier:
        return earlier
    try:
        made = submit_files(files, Origin(owner, batch, key), parts(), options)
    except IntegrityError:
        earlier = _answer_again(key)  # A simultaneous request with the same key was quicker.
        if earlier is None:
            raise
        return earlier
    jobs = [item.job for item in made if item.job]
    if not jobs:
        raise refusal_of_all(made)
    return answer_batch(batch, made) if batch else answer_one(jobs[0])


def _create_version() -> Response:
    body = read_json(request, NewVersion)
    source = find_photo(body.source)
    options = body.over(source.options)
    owner = parts().owners.of(request)
    key = key_of(request, owner, [body.source, json.dumps(options.changes())])
    earlier = _answer_again(key)
    if earlier:
        return earlier
    try:
        version = make_version(source, options, parts(), Origin(owner, key=key))
    except IntegrityError:
        earlier = _answer_again(key)  # A simultaneous request with the same key was quicker.
        if earlier is None:
            raise
        return earlier
    return answer_one(version)


def _answer_again(key: RequestKey | None) -> Response | None:
    """Answer with what the first request with `key` made, as it is now; None where there is nothing (left) of it."""
    made = recall(key, parts().jobs.database) if key else None
    if key is None or made is None:
        return None
    viewer, since = parts().owners.of(request), oldest_kept(parts().settings.expire_hours)
    job_ids = [made.job_id] if made.job_id else []
    if made.batch:
        job_ids = find_batch(made.batch, viewer, since, parts().jobs.database)
    jobs = parts().jobs.find(job_ids, viewer, since)
    there = [jobs[job_id] for job_id in job_ids if job_id in jobs]
    if not there:
        forget(key, parts().jobs.database)
        return None
    if made.batch:
        return answer_batch(made.batch, [Submission(job.name, job) for job in there])
    return answer_one(there[0])
