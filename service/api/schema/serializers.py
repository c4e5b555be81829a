"""Jobs in, the JSON objects that programs get out. Needs a request, for addresses and language."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import url_for

from service.api.schema.responses import (
    Colorization,
    Frames,
    Grays,
    Preview,
    PreviewUrls,
    Render,
    RenderUrls,
    Urls,
    Work,
)
from service.api.schema.responses import Problem as ProblemDocument
from service.context.app_context import parts
from service.domain.job import Job
from service.domain.problems import problem_of
from service.jobs.retention import kept_until_s


def document_of(job: Job) -> Colorization:
    """Return what a program is told of a photo as it is now."""
    return documents_of([job])[0]


def documents_of(jobs: Sequence[Job]) -> list[Colorization]:
    """Return what a program is told of photos as they are now; the database is asked once for all of them."""
    places = parts().jobs.places_in_queue(jobs)
    return [_document(job, places.get(job.id, 0)) for job in jobs]


def _document(job: Job, place: int) -> Colorization:
    return Colorization(
        **_work(job, place),
        name=job.name,
        width=job.outcome.width if job.outcome else job.width,
        height=job.outcome.height if job.outcome else job.height,
        expires_at=_moment(kept_until_s(job, parts().settings.expire_hours)),
        source=job.source,
        batch=job.batch,
        urls=_photo_urls(job),
    )


def child_document_of(job: Job) -> Work:
    """Return what a program is told of a render or a preview as it is now."""
    ids: dict[str, Any] = {"job_id": job.parent, "child_id": job.id}
    photo = url_for("api.read", job_id=job.parent)
    work = _work(job, parts().jobs.places_in_queue([job]).get(job.id, 0))
    if job.kind == "render":
        file = url_for("api.read_render_file", **ids) if job.outcome else None
        return Render(**work, urls=RenderUrls(self=url_for("api.read_render", **ids), photo=photo, file=file))
    urls = {name: url_for(f"api.read_preview_{name}", **ids) for name in _pictures_of(job)}
    if job.outcome:
        urls["view"] = url_for("api.read_preview_view", **ids)
    return Preview(**work, urls=PreviewUrls(self=url_for("api.read_preview", **ids), photo=photo, **urls))


def _photo_urls(job: Job) -> Urls:
    here: dict[str, Any] = {"job_id": job.id}
    urls = {name: url_for(f"api.{name}", **here) for name in ("original", "events")}
    if job.outcome:
        names = ("result", "original_view", "result_view", "recipe", *_pictures_of(job))
        urls |= {name: url_for(f"api.{name}", **here) for name in names}
        urls |= {"renders": url_for("api.make_render", **here), "previews": url_for("api.make_preview", **here)}
    return Urls(self=url_for("api.read", **here), page=url_for("pages.show", ids=job.id), **urls)


def _pictures_of(job: Job) -> tuple[str, ...]:
    """Return the names of what a network's answer can be asked for."""
    if not job.outcome:
        return ()
    return ("ab", "suggestions", "uncertainty") if job.outcome.has_distribution else ("ab",)


def _work(job: Job, place: int) -> dict[str, Any]:
    outcome = job.outcome
    work: dict[str, Any] = {
        "id": job.id,
        "status": job.status,
        "options": job.options.changes(),
        "timings": _timings(job),
        "created_at": _moment(job.created_at),
        "queue_position": place + 1 if job.status == "queued" else None,
        "progress": job.progress if job.status == "running" else None,
        "problem": ProblemDocument(**problem_of(job.failure).as_json()) if job.failure else None,
    }
    if outcome:
        work |= {
            "model": outcome.model,
            "model_title": outcome.model_title,
            "model_verified": outcome.verified,
            "weights_sha256": outcome.weights_sha256,
            "mimetype": outcome.mimetype,
            "uncoloured": outcome.uncoloured,
            "had_colour": outcome.was_colour,
        }
    if outcome and outcome.pixels:
        exact, in_file = outcome.changed_grays_exact, outcome.changed_grays_file
        work["grays"] = Grays(pixels=outcome.pixels, changed_exact=exact, changed_in_file=in_file)
    if outcome and outcome.frames > 1:
        work["frames"] = Frames(in_file=outcome.frames, coloured=outcome.frames_coloured)
    return work


def _timings(job: Job) -> dict[str, float]:
    timings = {}
    if job.started_at:
        timings["queued_s"] = job.started_at - job.created_at
    if job.finished_at:
        timings["total_s"] = job.finished_at - job.created_at
    stages = job.outcome.timings if job.outcome else {}
    return {name: round(seconds, 3) for name, seconds in {**timings, **stages}.items()}


def _moment(time_s: float) -> datetime:
    return datetime.fromtimestamp(time_s, UTC)
