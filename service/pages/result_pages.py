"""What the forms of the result page do, and the page behind a shared link: all of it works without JavaScript."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from service.api.parse import read_options
from service.api.predictions import ab_of
from service.context.app_context import parts
from service.domain.filenames import result_name
from service.domain.job import Job
from service.domain.problems import JobNotFoundError, ProblemError, problem_of
from service.pages.result_view import shared_of, studio_of
from service.storage.base import FileKind
from service.usecases.sharing import find_shared, shows_original
from service.usecases.submit import find_jobs, wait_for
from service.usecases.variants import make_render, make_version
from service.web.send_file import send_stored

blueprint = Blueprint("results", __name__)


@blueprint.post("/colorization/<job_id>/revise")
def revise(job_id: str) -> ResponseReturnValue:
    """Colour the photo once more as the form says, and lead to that version."""
    photo = _find(job_id)
    version = make_version(photo, read_options(request, photo.options), parts())
    wait_for([version.id], None, parts())
    return redirect(url_for("pages.show", ids=version.id), 303)


@blueprint.post("/colorization/<job_id>/versions")
def versions(job_id: str) -> ResponseReturnValue:
    """Make the colourings that the photo's page offers, and lead to them side by side."""
    photo = _find(job_id)
    studio = studio_of(photo, parts())
    if studio is None:
        raise JobNotFoundError("The photo has no result.")
    made = [make_version(photo, choice.options, parts()).id for choice in studio.choices]
    return redirect(url_for("pages.show", ids=",".join(made)), 303)


@blueprint.post("/colorization/<job_id>/download")
def download(job_id: str) -> ResponseReturnValue:
    """Make another file of the photo as the form says, and lead to it."""
    photo = _find(job_id)
    render = make_render(photo, read_options(request, photo.options), parts())
    return redirect(url_for("results.prepared", job_id=photo.id, render_id=render.id), 303)


@blueprint.get("/colorization/<job_id>/files/<render_id>")
def prepared(job_id: str, render_id: str) -> ResponseReturnValue:
    """Show how far the file is, and give it once it is there."""
    photo, render = find_jobs([job_id, render_id], request, parts())
    if render.parent != photo.id:
        raise JobNotFoundError("The photo has no such file.")
    render = wait_for([render.id], None, parts()).get(render.id, render)
    if render.failure:
        raise ProblemError(problem_of(render.failure))
    file_url = f"{url_for('api.read', job_id=photo.id)}/renders/{render.id}/file" if render.outcome else None
    return render_template("result/prepared.html", photo=photo, file_url=file_url)


@blueprint.get("/shared/<token>")
def shared(token: str) -> ResponseReturnValue:
    """Show the result that the link is for, with nothing to change it by."""
    job = find_shared(token, parts())
    return render_template("shared.html", studio=shared_of(job, token, parts()))


@blueprint.get("/shared/<token>/<kind>")
def shared_file(token: str, kind: str) -> ResponseReturnValue:
    """Return a file of the result that the link is for."""
    job = find_shared(token, parts())
    return _send_shared(job, kind)


def _send_shared(job: Job, kind: str) -> ResponseReturnValue:
    outcome = job.outcome
    assert outcome is not None
    if kind == "ab":
        return ab_of(job)
    files: dict[str, tuple[FileKind, str, str | None]] = {
        "original": ("original", job.mimetype, job.name),
        "result": ("result", outcome.mimetype, result_name(job.name, outcome.suffix)),
        "original-view": ("original-view", outcome.view_mimetype, None),
        "result-view": ("result-view", outcome.view_mimetype, None),
    }
    if kind not in files or (kind == "original" and not shows_original(job)):
        raise JobNotFoundError("The photo has no such file.")
    return send_stored(job.id, *files[kind])


def _find(job_id: str) -> Job:
    return find_jobs([job_id], request, parts())[0]
