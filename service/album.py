"""The photos that a browser has sent: their list with the time each has left, deleting and trying again, by forms.

Everything here works without JavaScript. Whose photos they are, `service/owners.py` tells.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta

from service.api.batches import send_archive
from service.guard import introduce
from service.jobs import Job
from service.parts import parts
from service.problems import JobNotFoundError
from service.submission import delete_job, find_jobs, find_some_jobs, own_jobs, retry_job
from service.thumbnails import answer_thumbnail

blueprint = Blueprint("album", __name__)

ON_HOME_PAGE = 8
_HOUR_S = 3600
_PAGES = {"home": "pages.home", "album": "album.show"}


@dataclass(frozen=True)
class Entry:
    """One photo of the list: `time_left` until it is removed, in the reader's words."""

    id: str
    name: str
    status: str
    time_left: str
    thumbnail_url: str | None
    page_url: str
    is_version: bool


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
        is_version=job.source is not None,
    )


def time_left(job: Job) -> str:
    """Return how long a photo will be kept from now, in the reader's words: "23 hours"."""
    seconds = job.created_at + parts().settings.expire_hours * _HOUR_S - time.time()
    return str(format_timedelta(timedelta(seconds=max(seconds, 60)), granularity="minute", threshold=1))


@blueprint.get("/photographs")
def show() -> ResponseReturnValue:
    """Show all photos of this browser."""
    introduce()
    return render_template("album.html", entries=entries(), deleted=deleted())


@blueprint.get("/colorization/<job_id>/thumbnail")
def thumbnail(job_id: str) -> ResponseReturnValue:
    """Return the small picture of a finished photo."""
    return answer_thumbnail(find_jobs([job_id], request, parts())[0])


@blueprint.get("/colorization/<ids>/archive")
def archive(ids: str) -> ResponseReturnValue:
    """Return the results of the photos with those ids, separated by commas, as a ZIP file."""
    wanted = ids.split(",")
    jobs = find_some_jobs(wanted, request, parts())
    photos = [jobs[id_] for id_ in dict.fromkeys(wanted) if id_ in jobs and jobs[id_].kind == "colorization"]
    return send_archive(photos, f"colorized_{wanted[0][:8]}.zip")


@blueprint.post("/colorization/<ids>/delete")
def delete(ids: str) -> ResponseReturnValue:
    """Delete the photos with those ids, separated by commas, and all that is known of them, now."""
    return _delete(ids.split(","))


@blueprint.post("/photographs/delete")
def delete_all() -> ResponseReturnValue:
    """Delete every photo of this browser, now."""
    return _delete([job.id for job in own_jobs(request, parts())])


@blueprint.post("/colorization/<job_id>/retry")
def retry(job_id: str) -> ResponseReturnValue:
    """Queue a photo that failed once more, and show how it fares."""
    retry_job(job_id, request, parts())
    return redirect(url_for("pages.show", ids=job_id), 303)


def _delete(job_ids: list[str]) -> ResponseReturnValue:
    """Delete what is there of `job_ids` and lead back to the list. Raises `JobNotFoundError` where nothing is."""
    count = 0
    for job_id in job_ids:
        try:
            delete_job(job_id, request, parts())
            count += 1
        except JobNotFoundError:
            if len(job_ids) == 1:
                raise
    page = _PAGES.get(request.form.get("back", ""), "pages.home")
    return redirect(url_for(page, deleted=count, _anchor="earlier"), 303)


def deleted() -> int:
    """Return how many photos the form that led to this page has deleted; 0 without one."""
    return request.args.get("deleted", 0, type=int)
