"""Checked values from a request's body or address."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from colorizers.recipe import Options
from service.domain.options import DEFAULT, OptionsAsText
from service.domain.problems import Problem, ProblemError
from service.usecases.submit import FIELD
from service.web.access import TOKEN_FIELD
from service.web.photo_request import PhotoRequest

Model = TypeVar("Model", bound=BaseModel)
_NAME = re.compile(r"\w+")
_KINDS = ("str", "int", "float", "bool")
_MOST_JSON_BYTES = 1_000_000
# What pydantic says of JSON that is nested too deeply, or has a number of thousands of digits.
_BEYOND_LIMITS = ("recursion limit exceeded", "number out of range")
_CHUNK_BYTES = 1 << 16


def read_json(request: Request, model: type[Model]) -> Model:
    """Return the JSON object of `request`, an empty one without a body. Raises `ProblemError` where it is wrong."""
    if request.mimetype != "application/json" and request.content_length:
        raise UnsupportedMediaType("The body has to be application/json.")
    request.max_content_length = _MOST_JSON_BYTES
    data = request.get_data(cache=False) or b"{}"
    try:
        return model.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise _refused(error) from error


def read_query(request: Request, model: type[Model]) -> Model:
    """Return the parameters of the address. Raises `ProblemError` where they are wrong."""
    return _read_texts(request.args, model)


def read_options(request: Request, base: Options = DEFAULT) -> Options:
    """Return the options that the fields of a form name, the others as in `base`.

    A photo that is no file is not one of them. Raises `ProblemError` or `InvalidOptionError`.
    """
    fields = {name: text for name, text in request.form.items() if name not in (TOKEN_FIELD, FIELD)}
    return _read_texts(fields, OptionsAsText).over(base)


def _read_texts(texts: Mapping[str, Any], model: type[Model]) -> Model:
    try:
        return model.model_validate(dict(texts.items()))
    except ValidationError as error:
        raise _refused(error) from error


def receive_body(request: Request, name: str) -> FileStorage:
    """Return the body of `request` as a file of that name, like one of a form: it goes straight to the data folder."""
    upload = cast(PhotoRequest, request).receive()
    while chunk := request.stream.read(_CHUNK_BYTES):
        upload.write(chunk)
    upload.seek(0)
    return FileStorage(upload, name)  # type: ignore[arg-type]


def _refused(error: ValidationError) -> Exception:
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    if wrong[0]["type"] == "json_invalid" and not any(limit in wrong[0]["msg"] for limit in _BEYOND_LIMITS):
        return BadRequest()
    errors = [
        {"field": _field_of(one["loc"]), "message": f"{one['msg']}."} for one in wrong if "none" not in one["loc"]
    ]
    said = f"{errors[0]['field']}: {errors[0]['message']}"
    return ProblemError(Problem("invalid_value", 422, said, {"field": errors[0]["field"], "errors": errors}))


def _field_of(location: tuple[int | str, ...]) -> str:
    """Return the member that pydantic means, without the kinds of value that it tried."""
    return ".".join(str(part) for part in location if _NAME.fullmatch(str(part)) and part not in _KINDS) or "body"
