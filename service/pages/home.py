"""The pages: the form, its answer, and the result page of photos by their ids. They work without JavaScript."""

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from service.api.index import overall_status
from service.api.schema.openapi import Answer, describe
from service.context.app_context import parts
from service.domain.labels import network_title
from service.domain.model_choice import choose_model, is_embedded
from service.domain.problems import JobNotFoundError, ProblemError, problem_of
from service.pages.examples import EXAMPLES
from service.pages.history import ON_HOME_PAGE, deleted, entries
from service.pages.job_view import JobView, is_worth_a_retry, view_gone, view_jobs, view_submissions
from service.pages.result_view import Studio, studio_of
from service.usecases.submit import find_some_jobs, ids_in, submit, wait
from service.web.access import ensure_browser_id
from service.web.languages import lasting_address

blueprint = Blueprint("pages", __name__)


@blueprint.get("/v1/index")
@blueprint.get("/")
@describe(Answer(200, "The home page.", media=("text/html",)), tag="Pages")
def home() -> ResponseReturnValue:
    """Show the form; from here on the browser's photos are its own."""
    ensure_browser_id()
    settings = parts().settings
    limits = {
        "max_upload_mb": settings.max_upload_mb,
        "max_megapixels": f"{settings.max_megapixels:g}",
        "max_files": settings.max_files,
        "expire_hours": f"{settings.expire_hours:g}",
    }
    spec = choose_model(settings)
    model = {"title": network_title(spec.title), "is_embedded": is_embedded(spec.name)}
    earlier = entries(ON_HOME_PAGE + 1)
    return render_template(
        "home.html",
        limits=limits,
        model=model,
        examples=EXAMPLES,
        entries=earlier[:ON_HOME_PAGE],
        are_more=len(earlier) > ON_HOME_PAGE,
        deleted=deleted(),
    )


@blueprint.post("/colorization")
def colorize() -> ResponseReturnValue:
    """Colour the photos of the form and show them, finished or on their way."""
    submissions = wait(submit(request, parts()), parts())
    if len(submissions) == 1:
        problem, job = submissions[0].problem, submissions[0].job
        if job and job.failure and not is_worth_a_retry(job.failure):
            problem = problem_of(job.failure)
        if problem:
            raise ProblemError(problem)
    return _result_page(view_submissions(submissions, parts().jobs)), overall_status(submissions)


@blueprint.get("/colorization")
def back_to_form() -> ResponseReturnValue:
    """Lead someone who asks again for the address of the form's answer, which nothing can be seen at, to the form."""
    return redirect(url_for("pages.home"))


@blueprint.get("/colorization/<ids>")
def show(ids: str) -> ResponseReturnValue:
    """Show the photos with those ids, separated by commas; those that are no longer there leave an empty place."""
    wanted = ids_in(ids)
    photos = [job for job in find_some_jobs(wanted, request, parts()).values() if job.kind == "colorization"]
    if not photos:
        raise JobNotFoundError("There is no photo with that id.")
    views = view_jobs(photos, parts().jobs)
    return _result_page([views.get(id_) or view_gone() for id_ in wanted])


def _result_page(views: list[JobView]) -> str:
    page_url = url_for("pages.show", ids=",".join(view.id for view in views if view.id))
    lasting_address(page_url)
    studio = _studio(views) if request.args.get("view") != "prints" else None
    return render_template("show.html", jobs=views, page_url=page_url, studio=studio)


def _studio(views: list[JobView]) -> Studio | None:
    """Return the large page of a photo that is shown alone and done.

    The view decides, not the photo, which may have been done since: heading and news would still say that it waits.
    """
    done = len(views) == 1 and views[0].status == "done"
    alone = parts().jobs.get(views[0].id) if done else None
    return studio_of(alone, parts()) if alone else None
