"""New photos: a form, a file as it is, or the id of a photo that is there in; the photo or the batch out."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from flask import Response, request
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import UnsupportedMediaType

from service.api.blueprint import blueprint
from service.api.colorizations import find_photo
from service.api.parse import options_of_form, options_of_json, read_json, receive_body
from service.api.prefer_header import APPLIED, PREFER
from service.api.responses import answer_batch, answer_one, refusal_of_all
from service.api.schema.openapi import Answer, describe
from service.api.schema.requests import NewVersion, PhotosForm, RawPhotoQuery
from service.api.schema.responses import ColorizationOrBatch
from service.context.app_context import parts
from service.domain.job import NewJob, new_job_id
from service.domain.options import Options
from service.jobs.batches import find_batch, keep_batch
from service.jobs.idempotency import HEADER, Remembered, RequestKey, asked_with_files, forget, key_of, recall, remember
from service.jobs.retention import oldest_kept
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
        return create_from_files(uploads_of(request), options_of_form(request))
    if request.mimetype == JSON:
        return _create_version()
    if request.mimetype.startswith("image/") or request.mimetype == BYTES:
        query = request.args.to_dict()
        name = query.pop("name", "")
        return create_from_files([receive_body(request, name)], Options.of(query))
    raise UnsupportedMediaType(f"Send {FORM}, {JSON}, image/* or {BYTES}.")


def create_from_files(files: Sequence[FileStorage], options: Options, is_batch: bool = False) -> Response:
    """Queue `files` for the sender of the request and answer; several make a batch. Raises `ProblemError`."""
    owner = parts().owners.of(request)
    batch = new_job_id() if len(files) > 1 or is_batch else None
    key = key_of(request, owner, asked_with_files(options, files)) if HEADER in request.headers else None

    def make() -> Response:
        made = submit_files(files, owner, parts(), options, batch, in_transaction)
        jobs = [item.job for item in made if item.job]
        if not jobs:
            raise refusal_of_all(made)
        return answer_batch(batch, made) if batch else answer_one(jobs[0])

    def in_transaction(connection: sa.Connection, new: Sequence[NewJob]) -> None:
        if batch and new:
            keep_batch(batch, owner, [job.id for job in new], connection)
        if key and new:
            remember(key, new, batch, connection)

    return once(key, make)


def _create_version() -> Response:
    body = read_json(request, NewVersion)
    source = find_photo(body.source)
    options = options_of_json(body, source.options)
    key = key_of(request, parts().owners.of(request), [body.source, options.to_json()])

    def in_transaction(connection: sa.Connection, new: Sequence[NewJob]) -> None:
        if key:
            remember(key, new, None, connection)

    return once(key, lambda: answer_one(make_version(source, options, parts(), in_transaction=in_transaction)))


def once(key: RequestKey | None, make: Callable[[], Response]) -> Response:
    """Answer by `make`, or by what the request with that key made before; of several at a time, one makes it."""
    if key is None:
        return make()
    made = recall(key, parts().jobs.database)
    if made is None:
        try:
            return make()
        except IntegrityError:
            made = recall(key, parts().jobs.database)
            if made is None:
                raise
    return _answer_again(made) or _afresh(key, make)


def _answer_again(made: Remembered) -> Response | None:
    """Answer with what was made before, as it is now; None where nothing is left of it."""
    viewer, since = parts().owners.of(request), oldest_kept(parts().settings.expire_hours)
    job_ids = [made.job_id] if made.job_id else []
    if made.batch:
        job_ids = find_batch(made.batch, viewer, since, parts().jobs.database)
    jobs = parts().jobs.find(job_ids, viewer, since)
    there = [Submission(jobs[job_id].name, job=jobs[job_id]) for job_id in job_ids if job_id in jobs]
    if not there:
        return None
    first = there[0].job
    assert first
    return answer_batch(made.batch, there) if made.batch else answer_one(first)


def _afresh(key: RequestKey, make: Callable[[], Response]) -> Response:
    forget(key, parts().jobs.database)
    return make()
