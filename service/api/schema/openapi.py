"""OpenAPI 3.1 document, generated from descriptions that stand at the views.

The object model is openapi-pydantic's, the schemas are pydantic's. Libraries that also take over routes and validation
were tried: none describes one operation with several kinds of body, nor answers that are not JSON.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask
from openapi_pydantic import (
    Components,
    Header,
    Info,
    MediaType,
    OpenAPI,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Response,
    Schema,
    SecurityScheme,
    Server,
    Tag,
)
from openapi_pydantic.util import PydanticSchema, construct_open_api_with_schema_class
from pydantic import BaseModel
from werkzeug.routing import Rule

from service.api.schema.responses import Problem

View = TypeVar("View", bound=Callable[..., Any])
Body = type[BaseModel] | None

PROBLEM_TYPE = "application/problem+json"
_ATTRIBUTE = "openapi_description"
_PLACEHOLDER = re.compile(r"<(?:\w+:)?(?:job_|batch_)?(\w+)>")
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
    "bearer": SecurityScheme(
        type="http", scheme="bearer", description="One of the server's `API_KEYS`, if it has any."
    ),
    "key": SecurityScheme.model_validate({"type": "apiKey", "in": "header", "name": "X-API-Key"}),
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


def make_document(app: Flask, base_dir: str, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of the described routes of `app`, whose addresses begin with `base_dir`."""
    paths: dict[str, PathItem] = {}
    for rule, description in _described(app):
        if rule.rule == f"{base_dir}/":
            continue  # The home page has an address among the routes, too.
        path = _PLACEHOLDER.sub(r"{\1}", rule.rule.removeprefix(base_dir))
        view = app.view_functions[rule.endpoint]
        for method in sorted((rule.methods or set()) & {"GET", "POST", "DELETE"}):
            item = paths.setdefault(path, PathItem())
            setattr(item, method.lower(), _operation(rule, method, view, description))
    problems: dict[str, Response | Reference] = {
        _problem_name(status): _problem_response(status, says) for status, says in _PROBLEMS.items()
    }
    problems |= {
        _problem_name(status): _response(Answer(status, says, media=("text/html",)))
        for status, says in _TOO_LONG.items()
    }
    document = OpenAPI(
        openapi="3.1.1",
        info=Info(
            title="Photo Colorizer",
            version=version,
            description="Black-and-white photographs in, colour photographs out.",
        ),
        servers=[Server(url=base_dir or "/")],
        tags=[Tag(name=name, description=says) for name, says in TAGS.items()],
        paths=dict(sorted(paths.items())),
        components=Components(responses=problems, securitySchemes=dict(_KEYS)),
        # A key is needed only where the server is set to ask for one.
        security=[{}, {"bearer": []}, {"key": []}],
    )
    complete = construct_open_api_with_schema_class(document).model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude_none=True
    )
    for schema in complete["components"]["schemas"].values():
        for member in schema.get("properties", {}).values():
            member.pop("title", None)  # Only the name again.
    return complete


def _described(app: Flask) -> Iterator[tuple[Rule, Description]]:
    for rule in app.url_map.iter_rules():
        description = description_of(app.view_functions[rule.endpoint])
        if description:
            yield rule, description


def _operation(rule: Rule, method: str, view: Callable[..., Any], of: Description) -> Operation:
    summary, _, text = (inspect.getdoc(view) or "").partition("\n\n")
    always = _ALWAYS[method] if rule.endpoint.startswith("api.") else ()
    statuses = sorted({*of.problems, *always, *((404,) if rule.arguments else ())})
    responses: dict[str, Response | Reference] = {str(answer.status): _response(answer) for answer in of.answers}
    for status in statuses:
        responses[str(status)] = Reference.model_validate({"$ref": f"#/components/responses/{_problem_name(status)}"})
    for status in _TOO_LONG:
        responses[str(status)] = Reference.model_validate({"$ref": f"#/components/responses/{_problem_name(status)}"})
    path = [_parameter(name, "path", _ID, True, "") for name in _PLACEHOLDER.findall(rule.rule)]
    headers = [_parameter(name, "header", {"type": "string"}, False, says) for name, says in of.headers.items()]
    operation = Operation(
        tags=[of.tag],
        operationId=rule.endpoint.rsplit(".", 1)[-1],
        summary=" ".join(summary.split()),
        description=text,
        parameters=[*path, *_query(of.query), *headers],
        responses=responses,
    )
    if of.bodies:
        content = {media: _media(model) for media, model in of.bodies.items()}
        operation.requestBody = RequestBody(content=content, required=True)
    return operation


def _query(model: type[BaseModel] | None) -> list[Parameter | Reference]:
    if model is None:
        return []
    schema = model.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        _parameter(name, "query", {**of, "description": None}, name in required, of.get("description", ""))
        for name, of in schema["properties"].items()
    ]


def _parameter(name: str, place: str, schema: Mapping[str, Any], required: bool, says: str) -> Parameter:
    values = {"name": name, "in": place, "required": required, "schema": Schema.model_validate(dict(schema))}
    return Parameter.model_validate({**values, "description": says} if says else values)


def _response(answer: Answer) -> Response:
    headers = {
        name: Header.model_validate({"description": says, "schema": Schema.model_validate({"type": "string"})})
        for name, says in answer.headers.items()
    }
    content = {media: _media(None) for media in answer.media}
    if answer.model:
        content["application/json"] = _media(answer.model)
    response = Response(description=answer.says)
    if headers:
        response.headers = dict(headers)
    if content:
        response.content = content
    return response


def _media(model: Body) -> MediaType:
    """Return a body of that type; without a model, the bytes of a file."""
    return MediaType.model_validate({"schema": PydanticSchema.model_validate({"schema_class": model})} if model else {})


def _problem_name(status: int) -> str:
    return f"Problem{status}"


def _problem_response(status: int, says: str) -> Response:
    response = Response(description=f"{HTTPStatus(status).phrase}. {says}", content={PROBLEM_TYPE: _media(Problem)})
    if status in (429, 503):
        seconds = {"description": "Seconds.", "schema": Schema.model_validate({"type": "integer"})}
        response.headers = {"Retry-After": Header.model_validate(seconds)}
    return response
