"""Routes of what is made from a photo that is done: renders of its colours, previews of other colours."""

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.api.colorizations import find_child, find_photo
from service.api.parse import read_json
from service.api.photo_files import FILE_ANSWERS, FILE_HEADERS, send
from service.api.prefer_header import APPLIED, PREFER
from service.api.responses import answer_one
from service.api.schema.openapi import Answer, describe
from service.api.schema.requests import NewRender
from service.api.schema.responses import Preview, Render
from service.api.schema.serializers import child_document_of
from service.context.app_context import parts
from service.domain.filenames import result_name
from service.domain.options import OptionsAsJson
from service.domain.problems import JobNotFoundError
from service.usecases import variants

_LOCATION = {"Location": "Where it is.", **APPLIED}
_PROBLEMS = (404, 409, 415, 422, 500, 503)
_TAG = "Renders and previews"


@blueprint.post("/v1/colorizations/<job_id>/renders")
@describe(
    Answer(201, "Done.", Render, headers=_LOCATION),
    Answer(202, "Accepted, and not done yet.", Render, headers=_LOCATION),
    tag=_TAG,
    problems=_PROBLEMS,
    headers=PREFER,
    bodies={"application/json": NewRender},
)
def make_render(job_id: str) -> Response:
    """Ask for the colours of a photo in another vividness, format or size; the network does not run again.

    What is not named stays as it is for the photo.
    """
    photo = find_photo(job_id)
    return answer_one(variants.make_render(photo, read_json(request, NewRender).over(photo.options), parts()))


@blueprint.get("/v1/colorizations/<job_id>/renders/<child_id>")
@describe(Answer(200, "The render as it is now.", Render), tag=_TAG)
def read_render(job_id: str, child_id: str) -> ResponseReturnValue:
    """Return how a render fares now."""
    return jsonify(child_document_of(find_child(job_id, child_id, "render")).as_json())


@blueprint.get("/v1/colorizations/<job_id>/renders/<child_id>/file")
@describe(*FILE_ANSWERS, tag=_TAG, headers=FILE_HEADERS, problems=(416,))
def read_render_file(job_id: str, child_id: str) -> ResponseReturnValue:
    """Return the file of a render."""
    job = find_child(job_id, child_id, "render")
    if not job.outcome:
        raise JobNotFoundError("The render is not done.")
    return send(job, "result", job.outcome.mimetype, result_name(job.name, job.outcome.suffix))


@blueprint.post("/v1/colorizations/<job_id>/previews")
@describe(
    Answer(201, "Done.", Preview, headers=_LOCATION),
    Answer(202, "Accepted, and not done yet.", Preview, headers=_LOCATION),
    tag=_TAG,
    problems=_PROBLEMS,
    headers=PREFER,
    bodies={"application/json": OptionsAsJson},
)
def make_preview(job_id: str) -> Response:
    """Ask how a photo would look with other hints, another temperature or another network.

    Previews are small, and go before photos that wait. What is not named stays as it is for the photo.
    """
    photo = find_photo(job_id)
    return answer_one(variants.make_preview(photo, read_json(request, OptionsAsJson).over(photo.options), parts()))


@blueprint.get("/v1/colorizations/<job_id>/previews/<child_id>")
@describe(Answer(200, "The preview as it is now.", Preview), tag=_TAG)
def read_preview(job_id: str, child_id: str) -> ResponseReturnValue:
    """Return how a preview fares now."""
    return jsonify(child_document_of(find_child(job_id, child_id, "preview")).as_json())


@blueprint.get("/v1/colorizations/<job_id>/previews/<child_id>/view")
@describe(*FILE_ANSWERS, tag=_TAG, headers=FILE_HEADERS, problems=(416,))
def read_preview_view(job_id: str, child_id: str) -> ResponseReturnValue:
    """Return the picture of a preview, at most 1024 px."""
    job = find_child(job_id, child_id, "preview")
    if not job.outcome:
        raise JobNotFoundError("The preview is not done.")
    return send(job, "result-view", job.outcome.view_mimetype)
