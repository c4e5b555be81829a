"""What the page about the API shows of the OpenAPI document: groups of routes, and their objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SCHEMA = "#/components/schemas/"
_RESPONSE = "#/components/responses/"
_BYTES = "the bytes of a file"


@dataclass(frozen=True)
class Kind:
    """Part of what kind of value something is: words, and the object that they name, if they do."""

    text: str
    is_object: bool = False


@dataclass(frozen=True)
class Member:
    """A parameter, or a member of an object."""

    name: str
    kinds: tuple[Kind, ...]
    says: str
    place: str = ""
    is_required: bool = False


@dataclass(frozen=True)
class Body:
    """What is sent or answered: its media type, and what kind of value it is."""

    media: str
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Response:
    """One way in which a route answers."""

    status: str
    says: str
    headers: tuple[Member, ...]
    bodies: tuple[Body, ...]


@dataclass(frozen=True)
class Route:
    """A method of an address."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[Member, ...]
    bodies: tuple[Body, ...]
    responses: tuple[Response, ...]
    problems: tuple[Response, ...]


@dataclass(frozen=True)
class Group:
    """Routes that belong together."""

    name: str
    says: str
    routes: tuple[Route, ...]


@dataclass(frozen=True)
class Object:
    """A JSON object, or a form."""

    name: str
    says: str
    members: tuple[Member, ...]
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Reference:
    """All that the page shows."""

    groups: tuple[Group, ...]
    objects: tuple[Object, ...]


def read_document(document: Mapping[str, Any]) -> Reference:
    """Return what the page shows of an OpenAPI document that `service/api/schema/openapi.py` made."""
    routes = [
        (operation["tags"][0], _route(path, method, operation, document))
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    groups = tuple(
        Group(tag["name"], tag["description"], tuple(route for name, route in routes if name == tag["name"]))
        for tag in document["tags"]
    )
    objects = tuple(_object(name, schema) for name, schema in document["components"]["schemas"].items())
    return Reference(tuple(group for group in groups if group.routes), objects)


def _route(path: str, method: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Route:
    responses = [_response(status, of, document) for status, of in operation["responses"].items()]
    return Route(
        id=operation["operationId"],
        method=method.upper(),
        path=document["servers"][0]["url"].rstrip("/") + path,
        summary=operation["summary"],
        text=operation["description"],
        parameters=tuple(
            Member(of["name"], _kinds(of["schema"]), of.get("description", ""), of["in"], of["required"])
            for of in operation["parameters"]
        ),
        bodies=_bodies(operation.get("requestBody", {})),
        responses=tuple(response for response in responses if response.status < "4"),
        problems=tuple(response for response in responses if response.status >= "4"),
    )


def _response(status: str, of: Mapping[str, Any], document: Mapping[str, Any]) -> Response:
    if "$ref" in of:
        of = document["components"]["responses"][of["$ref"].removeprefix(_RESPONSE)]
    headers = (
        Member(name, _kinds(header["schema"]), header["description"]) for name, header in of.get("headers", {}).items()
    )
    return Response(status, of["description"], tuple(headers), _bodies(of))


def _bodies(of: Mapping[str, Any]) -> tuple[Body, ...]:
    contents = of.get("content", {}).items()
    return tuple(
        Body(media, _kinds(content["schema"]) if "schema" in content else (Kind(_BYTES),))
        for media, content in contents
    )


def _object(name: str, schema: Mapping[str, Any]) -> Object:
    required = schema.get("required", ())
    members = tuple(
        Member(member, _kinds(of), of.get("description", ""), is_required=member in required)
        for member, of in schema.get("properties", {}).items()
    )
    return Object(name, schema.get("description", ""), members, () if members else _kinds(schema))


def _kinds(schema: Mapping[str, Any]) -> tuple[Kind, ...]:
    return tuple(_parts(schema))


def _parts(schema: Mapping[str, Any]) -> Iterator[Kind]:
    if "$ref" in schema:
        yield Kind(schema["$ref"].removeprefix(_SCHEMA), is_object=True)
    elif "anyOf" in schema:
        for number, choice in enumerate(schema["anyOf"]):
            if number:
                yield Kind(" or ")
            yield from _parts(choice)
    elif schema.get("type") == "array":
        yield Kind("list of ")
        yield from _parts(schema["items"])
    elif "enum" in schema:
        yield Kind(", ".join(str(value) for value in schema["enum"]))
    elif "contentMediaType" in schema:
        yield Kind("file")
    else:
        yield Kind(schema.get("type", "anything") + _range(schema))
        yield from _default(schema)


def _range(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return ""
    return f", {least:g} or more" if most is None else f", {least:g} to {most:g}"


def _default(schema: Mapping[str, Any]) -> Iterator[Kind]:
    if schema.get("default") is not None:
        yield Kind(f", {schema['default']} by default")
