"""Responses to requests that create jobs: 201 if all are done within the preferred wait, else 202."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from flask import Response, jsonify, request, url_for

from service.api.prefer_header import preference_of
from service.api.schema.responses import Batch, BatchUrls, Colorization, Document, Refusal
from service.api.schema.serializers import child_document_of, document_of, documents_of
from service.context.app_context import parts
from service.domain.job import Job
from service.domain.problems import JobNotFoundError, ProblemError, problem_of
from service.usecases.submit import Submission, wait_for


def answer_one(job: Job) -> Response:
    """Answer with a photo, a render or a preview.

    Raises `ProblemError` where it has failed, `JobNotFoundError` where it is gone.
    """
    waited = _waited([job])
    if not waited:
        raise JobNotFoundError("There is no photo with that id any more.")
    now = waited[0]
    if now.failure:
        problem = problem_of(now.failure)
        raise ProblemError(replace(problem, data={**problem.data, "id": now.id}))
    if now.kind == "colorization":
        return _answer(document_of(now), url_for("api.read", job_id=now.id), waited)
    address = url_for(f"api.read_{now.kind}", job_id=now.parent, child_id=now.id)
    return _answer(child_document_of(now), address, waited)


def answer_batch(batch: str, made: Sequence[Submission]) -> Response:
    """Answer with a batch: its photos as they are when the wait is over, and those that were refused."""
    now = _waited([item.job for item in made if item.job])
    documents = {document.id: document for document in documents_of(now)}
    results: list[Colorization | Refusal] = []
    for item in made:
        if item.job is None:
            results.append(_refusal(item))
        elif item.job.id in documents:
            results.append(documents[item.job.id])
    document = batch_document(batch, results)
    return _answer(document, document.urls.self, now)


def batch_document(batch: str, results: Sequence[Colorization | Refusal]) -> Batch:
    """Return what a program is told of a batch."""
    counts = Counter(result.status for result in results if isinstance(result, Colorization))
    urls = {"self": url_for("api.read_batch", batch_id=batch), "archive": url_for("api.archive", batch_id=batch)}
    return Batch(id=batch, counts=dict(counts), results=list(results), urls=BatchUrls(**urls))


def refusal_of_all(made: Sequence[Submission]) -> ProblemError:
    """Return the error that ends a request of which nothing was accepted: its first problem, with all of them."""
    first = made[0].problem
    assert first
    if len(made) == 1:
        return ProblemError(first)
    return ProblemError(replace(first, data={**first.data, "results": [_refusal(item).as_json() for item in made]}))


def _refusal(item: Submission) -> Refusal:
    assert item.problem
    return Refusal(**item.problem.as_json(), name=item.name)


def _waited(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs as they are when all have ended, or the request prefers to wait no longer."""
    preference = preference_of(request, parts().settings.wait_s)
    now = wait_for([job.id for job in jobs], preference.wait_s, parts())
    return [now[job.id] for job in jobs if job.id in now]


def _answer(document: Document, address: str, jobs: Sequence[Job]) -> Response:
    is_done = all(job.is_final for job in jobs)
    response = jsonify(document.as_json())
    response.status_code = 201 if is_done else 202
    response.location = address
    response.headers.extend(preference_of(request, parts().settings.wait_s).headers(is_done))
    return response
