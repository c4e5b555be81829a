"""Jobs in, the JSON objects that programs get out. Needs a request, for addresses and language."""

from typing import Any

from flask import url_for

from service.jobs import Job, JobStore
from service.problems import problem_of
from service.schemas import Colorization, Urls
from service.schemas import Problem as ProblemDocument


def document_of(job: Job, jobs: JobStore) -> Colorization:
    """Return what a program is told of a photo as it is now."""
    outcome = job.outcome
    known: dict[str, Any] = {}
    if outcome:
        known = {
            "model": outcome.model,
            "model_title": outcome.model_title,
            "model_verified": outcome.verified,
            "weights_sha256": outcome.weights_sha256,
            "mimetype": outcome.mimetype,
            "uncoloured": outcome.uncoloured,
        }
    return Colorization(
        id=job.id,
        status=job.status,  # type: ignore[arg-type]
        name=job.name,
        width=outcome.width if outcome else job.width,
        height=outcome.height if outcome else job.height,
        urls=_urls(job),
        timings=_timings(job),
        queue_position=jobs.place_in_queue(job) + 1 if job.status == "queued" else None,
        problem=ProblemDocument(**problem_of(job.failure).as_json()) if job.failure else None,
        **known,
    )


def _urls(job: Job) -> Urls:
    urls = {"self": _url("read", job), "original": _url("original", job), "page": url_for("pages.show", ids=job.id)}
    if job.outcome:
        urls |= {name: _url(name, job) for name in ("result", "original_view", "result_view")}
    return Urls(**urls)


def _timings(job: Job) -> dict[str, float]:
    timings = {}
    if job.started_at:
        timings["queued_s"] = job.started_at - job.created_at
    if job.finished_at:
        timings["total_s"] = job.finished_at - job.created_at
    stages = job.outcome.timings if job.outcome else {}
    return {name: round(seconds, 3) for name, seconds in {**timings, **stages}.items()}


def _url(endpoint: str, job: Job) -> str:
    return url_for(f"api.{endpoint}", job_id=job.id)
