"""Photos as things with an address: read one, delete one."""

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.documents import document_of
from service.jobs import Job
from service.openapi import Answer, describe
from service.parts import parts
from service.schemas import Colorization
from service.submission import delete_job, find_jobs


@blueprint.get("/v1/colorizations/<job_id>")
@describe(Answer(200, "The photo as it is now.", Colorization), tag="Photographs")
def read(job_id: str) -> ResponseReturnValue:
    """Return how the photo fares now."""
    return jsonify(document_of(find(job_id), parts().jobs).as_json())


@blueprint.delete("/v1/colorizations/<job_id>")
@describe(Answer(204, "Gone."), tag="Photographs")
def delete(job_id: str) -> ResponseReturnValue:
    """Remove the photo, its result and its record before answering."""
    delete_job(job_id, request, parts())
    return "", 204


def find(job_id: str) -> Job:
    """Return the photo with that id that the sender of the request may see. Raises `JobNotFoundError`."""
    return find_jobs([job_id], request, parts())[0]
