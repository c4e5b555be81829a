"""Answers that carry a stored file, with its ETag, and in parts where a request asks for some."""

from flask import Response, request, send_file

from service.context.app_context import parts
from service.storage.base import FileKind


def send_stored(job_id: str, kind: FileKind, mimetype: str, download_name: str | None = None) -> Response:
    """Return the answer with that file, to be saved as `download_name` if given. Raises `FileNotFoundError`.

    `Range`, `If-Range` and `If-None-Match` are honoured; of a part, no more than that is read from storage.
    """
    found = parts().files.stat(job_id, kind)
    file = parts().files.open(job_id, kind)
    try:
        response = send_file(
            file,
            mimetype=mimetype,
            as_attachment=download_name is not None,
            download_name=download_name,
            etag=found.etag,
            conditional=False,
        )
        response.content_length = found.size
        # Kept by the browser but asked for again: what was deleted or has expired is not shown from a cache.
        response.cache_control.no_cache = True
        response.cache_control.public = False
        response.cache_control.private = True
        response.make_conditional(request.environ, accept_ranges=True, complete_length=found.size)
        return response
    except Exception:
        file.close()
        raise
