"""The endpoint that colours the photos of a form in one call, and waits for them."""

from dataclasses import replace
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.api.parse import read_options
from service.api.prefer_header import PREFER, preference_of
from service.api.schema.openapi import Answer, describe
from service.api.schema.requests import PhotosForm
from service.api.schema.responses import ColorizationOrSeveral
from service.api.schema.serializers import documents_of
from service.context.app_context import parts
from service.domain.problems import Problem, ProblemError, problem_of
from service.usecases.submit import Submission, submit, wait


@blueprint.post("/v1/index")
@describe(
    Answer(200, "Done: one photo, or several of which at least one is done.", ColorizationOrSeveral),
    Answer(202, "Not done yet.", ColorizationOrSeveral, headers={"Location": "Where to ask again, for one photo."}),
    tag="Photographs",
    problems=(415, 422, 500, 503),
    headers=PREFER,
    bodies={"multipart/form-data": PhotosForm},
)
def index() -> ResponseReturnValue:
    """Colour the photos of a form, and wait for them as long as the server is set to.

    One photo is answered by its object, or by its problem. Several are answered by `results`: one bad file does not
    spoil the others. The status is 200 if any is done, else 202 if any is still worked on. Where all have problems,
    the first one is the answer, and `results` in it lists all.
    """
    submissions = wait(submit(request, parts(), read_options(request)), parts(), _wait_s())
    problems = [_problem(item) for item in submissions]
    if len(submissions) == 1 and problems[0]:
        raise ProblemError(problems[0])
    documents = _documents(submissions)
    status = overall_status(submissions)
    if status >= 400 and problems[0]:
        raise ProblemError(replace(problems[0], data={**problems[0].data, "results": documents}))
    if len(documents) > 1:
        return jsonify({"results": documents}), status
    headers = {"Location": documents[0]["urls"]["self"]} if status == 202 else {}
    return jsonify(documents[0]), status, headers


def _wait_s() -> float | None:
    """Return how long the request wants to wait, None where it does not say."""
    preference = preference_of(request, parts().settings.wait_s)
    return preference.wait_s if preference.is_given else None


def overall_status(submissions: list[Submission]) -> int:
    """Return the HTTP status that says best how the photos of a request fare."""
    states = {item.job.status for item in submissions if item.job}
    if "done" in states:
        return 200
    if states & {"queued", "running"}:
        return 202
    problems = (_problem(item) for item in submissions)
    return next((problem.status for problem in problems if problem), 200)


def _problem(item: Submission) -> Problem | None:
    if item.job and item.job.failure:
        return problem_of(item.job.failure)
    return item.problem


def _documents(submissions: list[Submission]) -> list[dict[str, Any]]:
    good = documents_of([item.job for item in submissions if item.job and not item.job.failure])
    by_id = {document.id: document.as_json() for document in good}
    return [by_id.get(item.job.id if item.job else "") or _refusal(item) for item in submissions]


def _refusal(item: Submission) -> dict[str, Any]:
    problem = _problem(item)
    known = {"id": item.job.id} if item.job else {}
    return {**(problem.as_json() if problem else {}), **known, "name": item.name}
