"""The JSON routes, and the files of a photo: every error here is an RFC 9457 problem document."""

from typing import Any

from flask import Blueprint, jsonify, request, send_file
from flask.typing import ResponseReturnValue

from service.files import FileKind
from service.jobs import Job
from service.names import result_name
from service.parts import parts
from service.problems import JobNotFoundError, Problem, ProblemError, problem_of
from service.submission import Submission, delete_job, find_jobs, submit, wait
from service.views import job_as_json

blueprint = Blueprint("api", __name__)


@blueprint.post("/v1/index")
def index() -> ResponseReturnValue:
    """Colour the photos of the form field `photo`; answers when they are done, or after `WAIT_S` seconds.

    One photo: 200 with the finished object, 202 with `Location`, or its problem. Several: `{"results": [...]}`, 200
    if any is done, else 202 if any is still worked on, else the status of the first problem.
    """
    submissions = wait(submit(request, parts()), parts())
    problems = [_problem(item) for item in submissions]
    if len(submissions) == 1 and problems[0]:
        raise ProblemError(problems[0])
    documents = [_document(item) for item in submissions]
    status = overall_status(submissions)
    if len(documents) > 1:
        return jsonify({"results": documents}), status
    headers = {"Location": documents[0]["urls"]["self"]} if status == 202 else {}
    return jsonify(documents[0]), status, headers


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


def _document(item: Submission) -> dict[str, Any]:
    if item.job and not item.job.failure:
        return job_as_json(item.job, parts().jobs)
    problem = _problem(item)
    known = {"id": item.job.id} if item.job else {}
    return {**(problem.as_json() if problem else {}), **known, "name": item.name}


@blueprint.get("/v1/colorizations/<job_id>")
def read(job_id: str) -> ResponseReturnValue:
    """Return how the photo fares now."""
    return jsonify(job_as_json(_find(job_id), parts().jobs))


@blueprint.delete("/v1/colorizations/<job_id>")
def delete(job_id: str) -> ResponseReturnValue:
    """Remove the photo, its result and its record before answering."""
    delete_job(job_id, request, parts())
    return "", 204


@blueprint.get("/v1/colorizations/<job_id>/original")
def original(job_id: str) -> ResponseReturnValue:
    """Return the file as it was sent."""
    job = _find(job_id)
    return _send(job, "original", job.mimetype, job.name)


@blueprint.get("/v1/colorizations/<job_id>/result")
def result(job_id: str) -> ResponseReturnValue:
    """Return the coloured photo at full size."""
    job = _find(job_id)
    if not job.outcome:
        raise JobNotFoundError("The photo has no result.")
    return _send(job, "result", job.outcome.mimetype, result_name(job.name, job.outcome.suffix))


@blueprint.get("/v1/colorizations/<job_id>/original-view")
def original_view(job_id: str) -> ResponseReturnValue:
    """Return the original as pages show it: upright, at most 2048 px."""
    return _send_view(_find(job_id), "original-view")


@blueprint.get("/v1/colorizations/<job_id>/result-view")
def result_view(job_id: str) -> ResponseReturnValue:
    """Return the coloured photo as pages show it: at most 2048 px."""
    return _send_view(_find(job_id), "result-view")


def _find(job_id: str) -> Job:
    return find_jobs([job_id], request, parts())[0]


def _send_view(job: Job, kind: FileKind) -> ResponseReturnValue:
    if not job.outcome:
        raise JobNotFoundError("The photo has no result.")
    return _send(job, kind, job.outcome.view_mimetype)


def _send(job: Job, kind: FileKind, mimetype: str, download_name: str | None = None) -> ResponseReturnValue:
    response = send_file(
        parts().files.path(job.id, kind),
        mimetype=mimetype,
        as_attachment=download_name is not None,
        download_name=download_name,
    )
    # Kept by the browser but asked for again: what was deleted or has expired is not shown from a cache.
    response.cache_control.no_cache = True
    response.cache_control.public = False
    response.cache_control.private = True
    return response
