"""Batches: photos that are sent or gathered together, how they fare, and all their results as one ZIP file."""

from collections.abc import Sequence

from flask import Response, jsonify, request, stream_with_context
from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.api.create import FORM, JSON, KEY, LOCATION, create_from_files
from service.api.parse import read_json, read_options
from service.api.prefer_header import PREFER
from service.api.responses import answer_batch, batch_document
from service.api.schema.openapi import Answer, describe
from service.api.schema.requests import NewBatch, PhotosForm
from service.api.schema.responses import Batch
from service.api.schema.serializers import documents_of
from service.api.zip_archive import zip_of
from service.context.app_context import parts
from service.domain.job import Job, new_job_id
from service.domain.problems import JobNotFoundError
from service.jobs.batches import find_batch, keep_batch
from service.jobs.retention import oldest_kept
from service.usecases.submit import Submission, find_jobs, uploads_of

_TAG = "Batches"


@blueprint.post("/v1/batches")
@describe(
    Answer(201, "All are done.", Batch, headers=LOCATION),
    Answer(202, "Accepted, and not all done yet.", Batch, headers=LOCATION),
    tag=_TAG,
    problems=(404, 415, 422, 503),
    headers={**PREFER, **KEY},
    bodies={FORM: PhotosForm, JSON: NewBatch},
)
def make_batch() -> Response:
    """Send photos as a batch, or gather photos that were sent before, to fetch them together."""
    if request.mimetype == FORM:
        return create_from_files(uploads_of(request), read_options(request), is_batch=True)
    wanted = list(dict.fromkeys(read_json(request, NewBatch).colorizations))
    jobs = [job for job in find_jobs(wanted, request, parts()) if job.kind == "colorization"]
    if len(jobs) < len(wanted):
        raise JobNotFoundError("There is no photo with that id.")
    batch = new_job_id()
    with parts().jobs.database.begin() as connection:
        keep_batch(batch, parts().owners.of(request), wanted, connection)
    return answer_batch(batch, [Submission(job.name, job=job) for job in jobs])


@blueprint.get("/v1/batches/<batch_id>")
@describe(Answer(200, "The batch as it is now.", Batch), tag=_TAG)
def read_batch(batch_id: str) -> ResponseReturnValue:
    """Return how the photos of a batch fare now."""
    return jsonify(batch_document(batch_id, documents_of(_photos_of(batch_id))).as_json())


@blueprint.get("/v1/batches/<batch_id>/archive")
@describe(
    Answer(200, "A ZIP file.", media=("application/zip",), headers={"Content-Disposition": "The name to save it by."}),
    tag=_TAG,
)
def archive(batch_id: str) -> ResponseReturnValue:
    """Return the results that are there as a ZIP file, with `manifest.json`, which tells about every photo."""
    return send_archive(_photos_of(batch_id), f"colorized_{batch_id[:8]}.zip")


def send_archive(photos: Sequence[Job], filename: str) -> Response:
    """Return the answer with the results of `photos` as a ZIP file, to be saved as `filename`."""
    files = parts().files
    told = {document.id: document.as_json() for document in documents_of(photos)}
    stream = zip_of(photos, lambda job_id: files.open(job_id, "result"), lambda job: told[job.id])
    response = Response(stream_with_context(stream), mimetype="application/zip")
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    response.cache_control.private = True
    response.cache_control.no_store = True
    return response


def _photos_of(batch_id: str) -> list[Job]:
    """Return the photos of a batch that are still there, in its order. Raises `JobNotFoundError` without any."""
    viewer, since = parts().owners.of(request), oldest_kept(parts().settings.expire_hours)
    job_ids = find_batch(batch_id, viewer, since, parts().jobs.database)
    jobs = parts().jobs.find(job_ids, viewer, since)
    if not jobs:
        raise JobNotFoundError("There is no batch with that id.")
    return [jobs[job_id] for job_id in job_ids if job_id in jobs]
