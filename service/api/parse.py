"""Parsing of a request's body and query: JSON objects by their models, options from wherever they stand."""

from typing import TypeVar, cast

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from service.domain.options import Options, RenderOptions, invalid_value
from service.usecases.submit import FIELD
from service.web.access import TOKEN_FIELD
from service.web.photo_request import PhotoRequest

Model = TypeVar("Model", bound=BaseModel)
_MOST_JSON_BYTES = 1_000_000
# What pydantic says of JSON that is nested too deeply, or has a number of thousands of digits.
_BEYOND_LIMITS = ("recursion limit exceeded", "number out of range")
_CHUNK_BYTES = 1 << 16


def read_json(request: Request, model: type[Model]) -> Model:
    """Return the JSON object of `request`, an empty one without a body. Raises `InvalidOptionError`."""
    if request.mimetype != "application/json" and request.content_length:
        raise UnsupportedMediaType("The body has to be application/json.")
    request.max_content_length = _MOST_JSON_BYTES
    data = request.get_data(cache=False) or b"{}"
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _refused(error) from error


def read_query(request: Request, model: type[Model]) -> Model:
    """Return the parameters of the address. Raises `InvalidOptionError`."""
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise _refused(error) from error


def options_of_form(request: Request) -> Options:
    """Return the options that the fields of a form ask for; a photo that is no file is not one of them.

    Raises `InvalidOptionError`.
    """
    return Options.of_texts({name: text for name, text in request.form.items() if name not in (TOKEN_FIELD, FIELD)})


def options_of_json(body: RenderOptions, base: Options | None = None) -> Options:
    """Return the options that a JSON object names, the others as in `base`. Raises `InvalidOptionError`."""
    named = body.model_fields_set & Options.model_fields.keys()
    return Options.of({name: getattr(body, name) for name in named}, base)


def receive_body(request: Request, name: str) -> FileStorage:
    """Return the body of `request` as a file of that name, like one of a form: it goes straight to the data folder."""
    upload = cast(PhotoRequest, request).receive()
    while chunk := request.stream.read(_CHUNK_BYTES):
        upload.write(chunk)
    upload.seek(0)
    return FileStorage(upload, name)  # type: ignore[arg-type]


def _refused(error: ValidationError) -> Exception:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    is_json = first["type"] != "json_invalid" or any(limit in first["msg"] for limit in _BEYOND_LIMITS)
    return invalid_value(error) if is_json else BadRequest()
