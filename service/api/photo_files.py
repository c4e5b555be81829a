"""Routes of the files of a photo, with ranges and conditional requests."""

from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.api.colorizations import find_photo
from service.api.schema.openapi import Answer, describe
from service.domain.filenames import result_name
from service.domain.job import Job, Outcome
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
    return send_result(find_photo(job_id))


@blueprint.get("/v1/colorizations/<job_id>/original-view")
@describe_file
def original_view(job_id: str) -> ResponseReturnValue:
    """Return the original as pages show it: upright, at most 2048 px."""
    return send_view(find_photo(job_id), "original-view")


@blueprint.get("/v1/colorizations/<job_id>/result-view")
@describe_file
def result_view(job_id: str) -> ResponseReturnValue:
    """Return the coloured photo as pages show it: at most 2048 px."""
    return send_view(find_photo(job_id), "result-view")


def send_result(job: Job) -> ResponseReturnValue:
    """Answer with the result of a photo or a render. Raises `JobNotFoundError` where there is none."""
    outcome = _outcome_of(job)
    return send(job, "result", outcome.mimetype, result_name(job.name, outcome.suffix))


def send_view(job: Job, kind: FileKind) -> ResponseReturnValue:
    """Answer with a picture as pages show it. Raises `JobNotFoundError` where there is none."""
    return send(job, kind, _outcome_of(job).view_mimetype)


def _outcome_of(job: Job) -> Outcome:
    if job.outcome is None:
        raise JobNotFoundError(
            "The photo has no result." if job.kind == "colorization" else f"The {job.kind} is not done."
        )
    return job.outcome


def send(job: Job, kind: FileKind, mimetype: str, download_name: str | None = None) -> ResponseReturnValue:
    """Answer with a stored file. Raises `JobNotFoundError` where it is not there."""
    try:
        return send_stored(job.id, kind, mimetype, download_name)
    except FileNotFoundError as error:
        raise JobNotFoundError("The photo has no such file.") from error
