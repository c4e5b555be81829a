"""The one error handler: it answers any exception with a problem document or a readable page.

A reader is never shown a stack trace: what nobody expected gets a number, under which the log has the rest.
"""

import logging
from dataclasses import replace

from flask import Flask, Response, current_app, g, make_response, render_template, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import HTTPException

from service.context.app_context import parts
from service.domain.problems import JobNotFoundError, Problem, problem_of
from service.storage.local import FileGoneError

_log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
_HTML, _JSON = "text/html", "application/json"


def register_error_handler(app: Flask) -> None:
    """Make `app` answer every error through `handle_error`."""
    app.register_error_handler(Exception, handle_error)


def handle_error(error: Exception) -> Response:
    """Return the answer to a request that ended with `error`."""
    if isinstance(error, HTTPException) and (error.code is None or error.code < 400):
        return make_response(error.get_response(request.environ))
    problem = problem_of(error)
    if problem.status >= 500:
        problem = _logged(problem, error)
    is_gone = isinstance(error, JobNotFoundError | FileGoneError)
    response = _as_json(problem) if _wants_json() else _as_page(problem, is_gone)
    response.status_code = problem.status
    if "retry_after_s" in problem.data:
        response.headers["Retry-After"] = str(problem.data["retry_after_s"])
    if problem.status == 401:
        response.www_authenticate = WWWAuthenticate("bearer", {"realm": "photo-colorizer"})
    if isinstance(error, HTTPException):
        response.headers.extend([(name, value) for name, value in error.get_headers() if name == "Allow"])
    return response


def _logged(problem: Problem, error: Exception) -> Problem:
    number = problem.data.get("request_id") or g.request_id
    cause = error if problem.code == "internal_error" else None
    reason = _reason(problem, error)
    _log.error("request %s: %s %s: %s", number, request.method, request.endpoint, reason, exc_info=cause)
    return replace(problem, data={**problem.data, "request_id": number})


def _reason(problem: Problem, error: Exception) -> str:
    """Return what the log has of an error: no statement with what was in it, and no path with an id."""
    if isinstance(error, SQLAlchemyError):
        return f"{problem.code}: {getattr(error, 'orig', None) or type(error).__name__}"
    if isinstance(error, OSError):
        return f"{problem.code}: {error.strerror}"
    return f"{problem.code}: {type(error.__cause__).__name__}" if error.__cause__ else problem.code


def _wants_json() -> bool:
    if request.blueprint is None and request.path.startswith(f"{parts().settings.base_dir}/v1/"):
        return True
    accept = request.accept_mimetypes
    return request.blueprint == "api" or accept[_JSON] > accept[_HTML]


def _as_json(problem: Problem) -> Response:
    response = make_response(current_app.json.dumps(problem.as_json()) + "\n")
    response.mimetype = PROBLEM_TYPE
    return response


def _as_page(problem: Problem, is_gone: bool) -> Response:
    if is_gone:
        return make_response(render_template("gone.html", expire_hours=f"{parts().settings.expire_hours:g}"))
    page = render_template(
        "error.html", code=problem.code, title=problem.title, message=problem.text, status=problem.status
    )
    return make_response(page)
