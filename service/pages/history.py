"""The photos that a browser has sent: their list with the time each has left, deleting and trying again, by forms.

Everything here works without JavaScript. Whose photos they are, `service/context/identity.py` tells.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta

from service.api.batches import send_archive
from service.context.app_context import parts
from service.domain.job import Job
from service.domain.problems import JobNotFoundError
from service.jobs.deletion import Deleted
from service.jobs.retention import kept_until_s
from service.pages.thumbnails import answer_thumbnail
from service.usecases.submit import delete_jobs, delete_own_jobs, find_jobs, find_some_jobs, ids_in, own_jobs, retry_job
from service.web.access import ensure_browser_id

blueprint = Blueprint("album", __name__)

ON_HOME_PAGE = 8
_PAGES = {"home": "pages.home", "album": "album.show"}


@dataclass(frozen=True)
class Entry:
    """One photo of the list: `time_left` until it is removed, in the reader's words; of a version, its photo's id."""

    id: str
    name: str
    status: str
    time_left: str
    thumbnail_url: str | None
    page_url: str
    source: str | None


def entries(most: int | None = None) -> list[Entry]:
    """Return the latest `most` photos, or all, of the browser that asks."""
    return [_entry(job) for job in own_jobs(request, parts(), most)]


def _entry(job: Job) -> Entry:
    return Entry(
        id=job.id,
        name=job.name,
        status=job.status,
        time_left=time_left(job),
        thumbnail_url=url_for("album.thumbnail", job_id=job.id) if job.outcome else None,
        page_url=url_for("pages.show", ids=job.id),
        source=job.source,
    )


def time_left(job: Job) -> str:
    """Return how long a photo will be kept from now, in the reader's words: "23 hours"."""
    seconds = kept_until_s(job, parts().settings.expire_hours) - time.time()
    return str(format_timedelta(timedelta(seconds=max(seconds, 60)), granularity="minute", threshold=1))


@blueprint.get("/photographs")
def show() -> ResponseReturnValue:
    """Show all photos of this browser."""
    ensure_browser_id()
    return render_template("history.html", entries=entries(), deleted=deleted())


@blueprint.get("/colorization/<job_id>/thumbnail")
def thumbnail(job_id: str) -> ResponseReturnValue:
    """Return the small picture of a finished photo."""
    return answer_thumbnail(find_jobs([job_id], request, parts())[0])


@blueprint.get("/colorization/<ids>/archive")
def archive(ids: str) -> ResponseReturnValue:
    """Return the results of the photos with those ids, separated by commas, as a ZIP file."""
    jobs = find_some_jobs(ids_in(ids), request, parts())
    photos = [job for job in jobs.values() if job.kind == "colorization"]
    if not photos:
        raise JobNotFoundError("There is no photo with that id.")
    return send_archive(photos, f"colorized_{photos[0].id[:8]}.zip")


@blueprint.post("/colorization/<ids>/delete")
def delete(ids: str) -> ResponseReturnValue:
    """Delete the photos with those ids, separated by commas, with everything that was made of them, now.

    Of a version, that version alone is deleted.
    """
    return _lead_back(delete_jobs(ids_in(ids), request, parts()))


@blueprint.post("/photographs/delete")
def delete_all() -> ResponseReturnValue:
    """Delete every photo of this browser, now."""
    return _lead_back(delete_own_jobs(request, parts()))


@blueprint.post("/colorization/<job_id>/retry")
def retry(job_id: str) -> ResponseReturnValue:
    """Queue a photo that failed once more, and show how it fares."""
    retry_job(job_id, request, parts())
    return redirect(url_for("pages.show", ids=job_id), 303)


def _lead_back(gone: Deleted) -> ResponseReturnValue:
    """Lead back to the list, which says what has been deleted."""
    page = _PAGES.get(request.form.get("back", ""), "pages.home")
    return redirect(url_for(page, deleted=gone.photos, versions=gone.versions or None, _anchor="earlier"), 303)


def deleted() -> Deleted:
    """Return how many photos, and versions alone, the form that led to this page has deleted; none without one."""
    photos, versions = (request.args.get(name, 0, type=int) for name in ("deleted", "versions"))
    return Deleted(photos=photos, versions=versions)
