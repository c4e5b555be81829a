"""What pages show of jobs and problems. Needs a request, for addresses and language."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from service.domain.filenames import result_name
from service.domain.job import Failure, Job
from service.domain.labels import network_title
from service.domain.model_choice import is_embedded
from service.domain.problems import problem_of
from service.jobs.store import JobStore
from service.usecases.submit import Submission


@dataclass(frozen=True)
class JobView:
    """One photo as the result page shows it; `id` is empty for one that was refused, and it has no addresses."""

    id: str
    name: str
    status: str
    reason: str | None = None
    width: int | None = None
    height: int | None = None
    model_title: str | None = None
    model_is_embedded: bool = False
    uncoloured: bool = False
    frames: int = 1
    frames_coloured: int = 1
    original_url: str | None = None
    result_url: str | None = None
    original_view_url: str | None = None
    result_view_url: str | None = None
    download_name: str | None = None
    queue_position: int | None = None
    may_retry: bool = False


def view_submissions(submissions: Sequence[Submission], jobs: JobStore) -> list[JobView]:
    """Return the views of a request's photos, those refused included."""
    views = view_jobs([item.job for item in submissions if item.job], jobs)
    return [views[item.job.id] if item.job else _refused(item) for item in submissions]


def view_jobs(shown: Sequence[Job], jobs: JobStore) -> dict[str, JobView]:
    """Return what a page shows of jobs as they are now, by id; the database is asked once for all of them."""
    places = jobs.places_in_queue(shown)
    return {job.id: _view(job, places.get(job.id, 0)) for job in shown}


def view_job(job: Job, jobs: JobStore) -> JobView:
    """Return what a page shows of a job as it is now."""
    return view_jobs([job], jobs)[job.id]


def _view(job: Job, place: int) -> JobView:
    outcome = job.outcome
    return JobView(
        id=job.id,
        name=job.name,
        status=job.status,
        reason=problem_of(job.failure).text if job.failure else None,
        width=outcome.width if outcome else job.width,
        height=outcome.height if outcome else job.height,
        model_title=network_title(outcome.model_title) if outcome else None,
        model_is_embedded=bool(outcome and is_embedded(outcome.model)),
        uncoloured=bool(outcome and outcome.uncoloured),
        frames=outcome.frames if outcome else 1,
        frames_coloured=outcome.frames_coloured if outcome else 1,
        original_url=_url("original", job),
        result_url=_url("result", job) if outcome else None,
        original_view_url=_url("original_view", job) if outcome else None,
        result_view_url=_url("result_view", job) if outcome else None,
        download_name=result_name(job.name, outcome.suffix) if outcome else None,
        queue_position=place + 1 if job.status == "queued" else None,
        may_retry=bool(job.failure and is_worth_a_retry(job.failure)),
    )


def view_gone() -> JobView:
    """Return the view of a photo that is not there (any more) for who asks."""
    return JobView(id="", name="", status="gone")


def is_worth_a_retry(failure: Failure) -> bool:
    """Whether trying the photo again may help: the fault was the server's, not the photo's."""
    return failure.status >= 500


def _refused(item: Submission) -> JobView:
    return JobView(id="", name=item.name, status="failed", reason=item.problem.text if item.problem else None)


def _url(endpoint: str, job: Job) -> str:
    return url_for(f"api.{endpoint}", job_id=job.id)
