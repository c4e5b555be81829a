"""Routes that list, read, retry and delete photos, and look-up of what a route names."""

from flask import jsonify, request, url_for
from flask.typing import ResponseReturnValue

from service.api.blueprint import blueprint
from service.api.parse import read_query
from service.api.schema.openapi import Answer, describe
from service.api.schema.requests import PageQuery
from service.api.schema.responses import Colorization, Colorizations, Page
from service.api.schema.serializers import document_of, documents_of
from service.context.app_context import parts
from service.domain.job import Job, Kind
from service.domain.problems import JobNotFoundError, NotFailedError
from service.jobs.retention import oldest_kept
from service.usecases.submit import delete_jobs, find_jobs, retry_job
from service.usecases.variants import versions_of


@blueprint.get("/v1/colorizations")
@describe(Answer(200, "A part of the list.", Page), tag="Photographs", query=PageQuery, problems=(422,))
def list_own() -> ResponseReturnValue:
    """List one's own photos, the latest first.

    They are those that were sent with the same API key, or by the same browser. Who has neither owns none.
    """
    query = read_query(request, PageQuery)
    owner = parts().owners.of(request)
    if owner is None:
        return jsonify(Page(items=[]).as_json())
    before = (float(query.after[:-33]), query.after[-32:]) if query.after else None
    found = parts().jobs.own(owner, oldest_kept(parts().settings.expire_hours), query.limit + 1, before)
    shown, last = found[: query.limit], found[: query.limit][-1:]
    following = None
    if len(found) > query.limit:
        following = url_for("api.list_own", limit=query.limit, after=f"{last[0].created_at!r}-{last[0].id}")
    return jsonify(Page(items=documents_of(shown), next=following).as_json())


@blueprint.get("/v1/colorizations/<job_id>")
@describe(Answer(200, "The photo as it is now.", Colorization), tag="Photographs")
def read(job_id: str) -> ResponseReturnValue:
    """Return how the photo fares now."""
    return jsonify(document_of(find_photo(job_id)).as_json())


@blueprint.delete("/v1/colorizations/<job_id>")
@describe(Answer(204, "Gone; of a version, that version alone."), tag="Photographs")
def delete(job_id: str) -> ResponseReturnValue:
    """Delete the photo with everything that was made of it: versions, renders, previews, links to share.

    All rows and files are gone before the answer comes. Of a version, that version alone is deleted; the photo and its
    other versions stay.
    """
    delete_jobs([job_id], request, parts())
    return "", 204


@blueprint.post("/v1/colorizations/<job_id>/retry")
@describe(Answer(202, "Waiting again.", Colorization), tag="Photographs", problems=(409,))
def retry(job_id: str) -> ResponseReturnValue:
    """Queue a photo that failed once more, with the same options."""
    if find_photo(job_id).status != "failed":
        raise NotFailedError("This photo has not failed.")
    retry_job(job_id, request, parts())
    return jsonify(document_of(find_photo(job_id)).as_json()), 202


@blueprint.get("/v1/colorizations/<job_id>/versions")
@describe(Answer(200, "The photo and its other versions, the earliest first.", Colorizations), tag="Photographs")
def versions(job_id: str) -> ResponseReturnValue:
    """List all colourings of the original of this photo, itself included."""
    found = versions_of(find_photo(job_id), parts().owners.of(request), parts())
    return jsonify(Colorizations(results=list(documents_of(found))).as_json())


def find_photo(job_id: str) -> Job:
    """Return the photo with that id that the sender of the request may see. Raises `JobNotFoundError`."""
    job = find_jobs([job_id], request, parts())[0]
    if job.kind != "colorization":
        raise JobNotFoundError("There is no photo with that id.")
    return job


def find_child(job_id: str, child_id: str, kind: Kind) -> Job:
    """Return a render or preview of a photo that the sender of the request may see. Raises `JobNotFoundError`."""
    job = find_jobs([child_id], request, parts())[0]
    if job.parent != job_id or job.kind != kind:
        raise JobNotFoundError("There is no photo with that id.")
    return job
