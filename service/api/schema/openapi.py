"""OpenAPI 3.1 document, generated from descriptions that stand at the views; its schemas are pydantic's.

Libraries that also take over routes and validation were tried: none describes one operation with several kinds of body,
nor answers that are not JSON.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from service.api.schema.responses import Problem

View = TypeVar("View", bound=Callable[..., Any])
Body = type[BaseModel] | None
Object = dict[str, Any]

PROBLEM_TYPE = "application/problem+json"
_ATTRIBUTE = "openapi_description"
_PLACEHOLDER = re.compile(r"<(?:\w+:)?(?:job_|batch_)?(\w+)>")
_SCHEMA = "#/components/schemas/{model}"
_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}

TAGS = {
    "Photographs": "Send photographs, follow them, fetch them, delete them.",
    "Renders and previews": "What can be made of a photograph that is done, without sending it again.",
    "Colours": "What the network thinks of a photograph.",
    "Batches": "Photographs that belong together.",
    "Networks": "The networks that can do the work.",
    "Pages": "What people see.",
    "Watching": "For those who run the server.",
}

_PROBLEMS = {
    400: "The request cannot be understood.",
    401: "This server asks programs for an API key.",
    403: "Another site's page sent this request.",
    404: "No such photograph: it never was, was deleted, has expired, or is somebody else's.",
    409: "Not in this state of the photograph.",
    413: "Too many bytes, photographs or fields at once.",
    415: "Not a picture of a supported format.",
    416: "The file ends before the part that was asked for.",
    422: "A value is out of its range, or the picture is damaged or has too many pixels.",
    429: "Too many requests in a short time; `Retry-After` says when to go on.",
    500: "The program failed at this photograph; `request_id` is the number in the server's log.",
    503: "As much is being done as can be; nothing was kept, and `Retry-After` says when to try again.",
}
# Given by gunicorn itself, before the application has seen the request.
_TOO_LONG = {414: "The address has more than 8190 bytes.", 431: "A header has more than 8190 bytes."}
_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "One of the server's `API_KEYS`, if it has any."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
# What guards every route for programs may answer.
_ALWAYS = {"GET": (401, 429), "POST": (400, 401, 403, 413, 429), "DELETE": (401, 403, 429)}


@dataclass(frozen=True)
class Answer:
    """A success: its status, what it says, its JSON object or the media types of its body, its headers."""

    status: int
    says: str
    model: type[BaseModel] | None = None
    media: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Description:
    """What a view takes (query, headers, bodies by media type) and how it answers."""

    tag: str
    answers: tuple[Answer, ...]
    problems: tuple[int, ...]
    query: type[BaseModel] | None
    headers: Mapping[str, str]
    bodies: Mapping[str, Body]


def describe(
    *answers: Answer,
    tag: str,
    problems: tuple[int, ...] = (),
    query: type[BaseModel] | None = None,
    headers: Mapping[str, str] | None = None,
    bodies: Mapping[str, Body] | None = None,
) -> Callable[[View], View]:
    """Attach the description of a route to its view; its docstring becomes summary and text."""

    def attach(view: View) -> View:
        setattr(view, _ATTRIBUTE, Description(tag, answers, problems, query, headers or {}, bodies or {}))
        return view

    return attach


def description_of(view: Callable[..., Any]) -> Description | None:
    """Return what `describe` attached to a view, or None."""
    found = getattr(view, _ATTRIBUTE, None)
    return found if isinstance(found, Description) else None


def make_document(app: Flask, base_dir: str, version: str) -> Object:
    """Return the OpenAPI document of the described routes of `app`, whose addresses begin with `base_dir`."""
    paths: dict[str, Object] = {}
    models: set[type[BaseModel]] = {Problem}
    for rule, description in _described(app):
        if rule.rule == f"{base_dir}/":
            continue  # The home page has an address among the routes, too.
        view, methods = app.view_functions[rule.endpoint], (rule.methods or set()) & {"GET", "POST", "DELETE"}
        item = {method.lower(): _operation(rule, method, view, description) for method in sorted(methods)}
        paths.setdefault(_PLACEHOLDER.sub(r"{\1}", rule.rule.removeprefix(base_dir)), {}).update(item)
        models |= {answer.model for answer in description.answers if answer.model}
        models |= {model for model in description.bodies.values() if model}
    problems = {f"Problem{status}": _problem_response(status, says) for status, says in _PROBLEMS.items()}
    problems |= {
        f"Problem{status}": _response(Answer(status, says, media=("text/html",))) for status, says in _TOO_LONG.items()
    }
    info = {"title": "Photo Colorizer", "version": version}
    return {
        "openapi": "3.1.1",
        "info": {**info, "description": "Black-and-white photographs in, colour photographs out."},
        "servers": [{"url": base_dir or "/"}],
        "tags": [{"name": name, "description": says} for name, says in TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": _schemas(models), "responses": problems, "securitySchemes": _KEYS},
        # A key is needed only where the server is set to ask for one.
        "security": [{}, {"bearer": []}, {"key": []}],
    }


def _schemas(models: set[type[BaseModel]]) -> Object:
    wanted = [(model, "validation") for model in sorted(models, key=lambda model: model.__name__)]
    schemas: Object = models_json_schema(wanted, ref_template=_SCHEMA)[1]["$defs"]  # type: ignore[arg-type]
    for schema in schemas.values():
        for member in _without_null(schema.get("properties", {})).values():
            member.pop("title", None)  # Only the name again.
    return schemas


def _without_null(members: Object) -> Object:
    """Take away defaults of null, which mean that a member is absent: none takes null as a value."""
    for member in members.values():
        if member.get("default", "") is None:
            del member["default"]
    return members


def _described(app: Flask) -> Iterator[tuple[Rule, Description]]:
    for rule in app.url_map.iter_rules():
        description = description_of(app.view_functions[rule.endpoint])
        if description:
            yield rule, description


def _operation(rule: Rule, method: str, view: Callable[..., Any], of: Description) -> Object:
    summary, _, text = (inspect.getdoc(view) or "").partition("\n\n")
    always = _ALWAYS[method] if rule.endpoint.startswith("api.") else ()
    statuses = [*sorted({*of.problems, *always, *((404,) if rule.arguments else ())}), *_TOO_LONG]
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}
    path = [_parameter(name, "path", _ID, True) for name in _PLACEHOLDER.findall(rule.rule)]
    headers = [_parameter(name, "header", {"type": "string"}, False, says) for name, says in of.headers.items()]
    operation = {
        "tags": [of.tag],
        "operationId": rule.endpoint.rsplit(".", 1)[-1],
        "summary": " ".join(summary.split()),
        "description": text,
        "parameters": [*path, *_query(of.query), *headers],
        "responses": {str(answer.status): _response(answer) for answer in of.answers} | problems,
    }
    if of.bodies:
        content = {media: _media(model) for media, model in of.bodies.items()}
        operation["requestBody"] = {"content": content, "required": True}
    return operation


def _query(model: Body) -> list[Object]:
    schema = model.model_json_schema() if model else {"properties": {}}
    return [
        _parameter(name, "query", of, name in schema.get("required", ()), of.pop("description", ""))
        for name, of in _without_null(schema["properties"]).items()
    ]


def _parameter(name: str, place: str, schema: Mapping[str, Any], required: bool, says: str = "") -> Object:
    parameter = {"name": name, "in": place, "required": required, "schema": schema}
    return {**parameter, "description": says} if says else parameter


def _response(answer: Answer) -> Object:
    headers = {name: {"description": says, "schema": {"type": "string"}} for name, says in answer.headers.items()}
    content = {media: _media(None) for media in answer.media}
    if answer.model:
        content["application/json"] = _media(answer.model)
    response = {"description": answer.says, "headers": headers, "content": content}
    return {name: value for name, value in response.items() if value}


def _media(model: Body) -> Object:
    """Return a body of that type; without a model, the bytes of a file."""
    return {"schema": {"$ref": _SCHEMA.format(model=model.__name__)}} if model else {}


def _problem_response(status: int, says: str) -> Object:
    description = f"{HTTPStatus(status).phrase}. {says}"
    response: Object = {"description": description, "content": {PROBLEM_TYPE: _media(Problem)}}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return response
