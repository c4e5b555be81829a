"""Routes of the prediction for a photo or a preview: its colours, likely ones, its uncertainty; and of the recipe."""

import io
from collections.abc import Callable

import numpy as np
from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from numpy.typing import NDArray
from PIL import Image

from colorizers.prediction import distribution
from colorizers.prediction.distribution import Distribution, read_spot
from colorizers.prediction.prediction import Prediction
from service.api.blueprint import blueprint
from service.api.colorizations import find_child, find_photo
from service.api.parse import read_query
from service.api.photo_files import FILE_HEADERS, HEADERS, send
from service.api.schema.openapi import Answer, describe
from service.api.schema.requests import PlaceQuery
from service.api.schema.responses import Suggestion, Suggestions
from service.context.app_context import parts
from service.domain.job import Job
from service.domain.problems import JobNotFoundError
from service.storage.base import FileKind

_TAG = "Colours"
_ANSWERS = (
    Answer(200, "A PNG file.", media=("image/png",), headers=HEADERS),
    Answer(304, "The copy that `If-None-Match` names is still right."),
)
_CONDITIONAL = {"If-None-Match": FILE_HEADERS["If-None-Match"]}
describe_picture = describe(*_ANSWERS, tag=_TAG, headers=_CONDITIONAL)


@blueprint.get("/v1/colorizations/<job_id>/ab")
@blueprint.get("/v1/colorizations/<job_id>/previews/<child_id>/ab", endpoint="read_preview_ab")
@describe_picture
def ab(job_id: str, child_id: str | None = None) -> ResponseReturnValue:
    """Return the colours that the network gave, as small as it gave them: red is a + 128, green is b + 128.

    Spread over the photo and joined with its lightness they are the result, before vividness and warmth.
    """
    return ab_of(_find(job_id, child_id))


@blueprint.get("/v1/colorizations/<job_id>/suggestions")
@blueprint.get("/v1/colorizations/<job_id>/previews/<child_id>/suggestions", endpoint="read_preview_suggestions")
@describe(Answer(200, "The colours.", Suggestions), tag=_TAG, query=PlaceQuery, problems=(422,))
def suggestions(job_id: str, child_id: str | None = None) -> ResponseReturnValue:
    """Return 5 to 9 different colours that the network thinks likely at a place, each as it would look there."""
    job, place = _find(job_id, child_id), read_query(request, PlaceQuery)
    try:
        with parts().files.open(job.id, "distribution") as file:
            spot = read_spot(file, place.x, place.y)
        gray = Prediction.from_bytes(_read(job, "prediction")).gray_level_at(place.x, place.y)
    except FileNotFoundError as error:
        raise _not_there() from error
    found = [
        Suggestion(a=one.a, b=one.b, share=min(one.share, 1.0), rgb=list(one.rgb))
        for one in distribution.suggestions(spot, gray)
    ]
    return jsonify(Suggestions(suggestions=found).as_json())


@blueprint.get("/v1/colorizations/<job_id>/uncertainty")
@blueprint.get("/v1/colorizations/<job_id>/previews/<child_id>/uncertainty", endpoint="read_preview_uncertainty")
@describe_picture
def uncertainty(job_id: str, child_id: str | None = None) -> ResponseReturnValue:
    """Return where the network guesses, as a small gray picture: black where it is sure, white where it has no idea."""
    return _picture(_find(job_id, child_id), "distribution", _draw_entropy)


@blueprint.get("/v1/colorizations/<job_id>/recipe")
@describe(
    Answer(200, "A JSON file.", media=("application/json",), headers=HEADERS),
    *_ANSWERS[1:],
    tag=_TAG,
    headers=_CONDITIONAL,
)
def recipe(job_id: str) -> ResponseReturnValue:
    """Return how the result was made: `python -m colorizers replay RECIPE PHOTO -o RESULT` makes it again."""
    job = find_photo(job_id)
    return send(job, "recipe", "application/json", f"recipe_{job.id[:8]}.json")


def ab_of(job: Job) -> Response:
    """Return the answer with the colours that the network gave for `job`, as a small picture."""
    return _picture(job, "prediction", _draw_ab)


def _find(job_id: str, child_id: str | None) -> Job:
    """Return the photo, or the preview of it that is named. Raises `JobNotFoundError`."""
    return find_photo(job_id) if child_id is None else find_child(job_id, child_id, "preview")


def _draw_ab(stored: bytes) -> NDArray[np.uint8]:
    ab = Prediction.from_bytes(stored).ab
    return np.stack([*(np.clip(np.rint(ab) + 128, 0, 255)), np.zeros(ab.shape[1:])], axis=-1).astype(np.uint8)


def _draw_entropy(stored: bytes) -> NDArray[np.uint8]:
    return np.clip(np.rint(Distribution.from_bytes(stored).entropy() * 255), 0, 255).astype(np.uint8)


def _picture(job: Job, kind: FileKind, draw: Callable[[bytes], NDArray[np.uint8]]) -> Response:
    """Answer with a PNG file that is made of the stored file `kind`, and changes only with that."""
    try:
        etag = parts().files.stat(job.id, kind).etag
        response = Response(mimetype="image/png")
        response.set_etag(etag)
        if not request.if_none_match.contains(etag):
            buffer = io.BytesIO()
            Image.fromarray(draw(_read(job, kind))).save(buffer, "PNG")
            response.set_data(buffer.getvalue())
    except FileNotFoundError as error:
        raise _not_there() from error
    response.cache_control.no_cache = True
    response.cache_control.private = True
    response.make_conditional(request.environ)
    return response


def _read(job: Job, kind: FileKind) -> bytes:
    with parts().files.open(job.id, kind) as file:
        return file.read()


def _not_there() -> JobNotFoundError:
    return JobNotFoundError("The photo is not done, or its network gives no such answer.")
