"""The files of a photo: an id in, its bytes out, whole or in ranges, or word that the caller's copy is still right."""

from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.api.colorizations import find_photo
from service.api.schema.openapi import Answer, describe
from service.domain.filenames import result_name
from service.domain.job import Job
from service.domain.problems import JobNotFoundError
from service.storage.base import FileKind
from service.web.send_file import send_stored

PICTURES = ("image/*", "application/octet-stream")
HEADERS = {"ETag": "Changes with the file.", "Content-Disposition": "The name to save it by."}
FILE_ANSWERS = (
    Answer(200, "The file.", media=PICTURES, headers=HEADERS),
    Answer(206, "The part of the file that `Range` asked for.", media=PICTURES, headers=HEADERS),
    Answer(304, "The copy that `If-None-Match` names is still right."),
)
FILE_HEADERS = {
    "Range": "Part of the file, for example `bytes=0-999`.",
    "If-None-Match": "The `ETag` of a copy at hand.",
}
describe_file = describe(*FILE_ANSWERS, tag="Photographs", headers=FILE_HEADERS, problems=(404, 416))


@blueprint.get("/v1/colorizations/<job_id>/original")
@describe_file
def original(job_id: str) -> ResponseReturnValue:
    """Return the file as it was sent."""
    job = find_photo(job_id)
    return send(job, "original", job.mimetype, job.name)


@blueprint.get("/v1/colorizations/<job_id>/result")
@describe_file
def result(job_id: str) -> ResponseReturnValue:
    """Return the coloured photo at full size."""
    job = find_photo(job_id)
    if not job.outcome:
        raise JobNotFoundError("The photo has no result.")
    return send(job, "result", job.outcome.mimetype, result_name(job.name, job.outcome.suffix))


@blueprint.get("/v1/colorizations/<job_id>/original-view")
@describe_file
def original_view(job_id: str) -> ResponseReturnValue:
    """Return the original as pages show it: upright, at most 2048 px."""
    return _send_view(find_photo(job_id), "original-view")


@blueprint.get("/v1/colorizations/<job_id>/result-view")
@describe_file
def result_view(job_id: str) -> ResponseReturnValue:
    """Return the coloured photo as pages show it: at most 2048 px."""
    return _send_view(find_photo(job_id), "result-view")


def _send_view(job: Job, kind: FileKind) -> ResponseReturnValue:
    if not job.outcome:
        raise JobNotFoundError("The photo has no result.")
    return send(job, kind, job.outcome.view_mimetype)


def send(job: Job, kind: FileKind, mimetype: str, download_name: str | None = None) -> ResponseReturnValue:
    """Answer with a stored file. Raises `JobNotFoundError` where it is not there."""
    try:
        return send_stored(job.id, kind, mimetype, download_name)
    except FileNotFoundError as error:
        raise JobNotFoundError("The photo has no such file.") from error
