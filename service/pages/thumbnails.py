"""Thumbnails of results for lists, made when they are asked for."""

import io
from typing import BinaryIO

from flask import Response, request
from PIL import Image

from service.context.app_context import parts
from service.domain.job import Job
from service.domain.problems import JobNotFoundError

THUMBNAIL_PX = 384
_QUALITY = 80
# Views are written by the worker; a visitor's own file is never opened here.
_FORMATS = ("JPEG", "WEBP")


def answer_thumbnail(job: Job) -> Response:
    """Return the answer to a request for the small picture of `job`: 304 where the browser has it already.

    Raises `JobNotFoundError` where the photo has no result.
    """
    if not job.outcome:
        raise JobNotFoundError("The photo has no result.")
    tag = f"{THUMBNAIL_PX}-{parts().files.stat(job.id, 'result-view').etag}"
    if request.if_none_match.contains(tag):
        answer = Response(status=304)
    else:
        with parts().files.open(job.id, "result-view") as view:
            answer = Response(_shrink(view), mimetype="image/webp")
    answer.set_etag(tag)
    answer.cache_control.private = True
    answer.cache_control.no_cache = True
    return answer


def _shrink(view: BinaryIO) -> bytes:
    with Image.open(view, formats=_FORMATS) as image:
        image.draft(None, (THUMBNAIL_PX, THUMBNAIL_PX))
        image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
        small = io.BytesIO()
        image.save(small, "WEBP", quality=_QUALITY)
    return small.getvalue()
