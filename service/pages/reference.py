"""The OpenAPI document out, for programs as JSON and for people as a page that loads nothing from elsewhere."""

from typing import Any

from flask import Blueprint, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from colorizers.version import __version__
from service.api.schema.openapi import make_document
from service.context.app_context import parts
from service.pages.reading import read_document

blueprint = Blueprint("reference", __name__)
_EXTENSION = "openapi-document"


@blueprint.get("/openapi.json")
def document() -> ResponseReturnValue:
    """Return the document, which is made of the code."""
    return jsonify(_document())


@blueprint.get("/docs")
def page() -> ResponseReturnValue:
    """Show the document."""
    return render_template("reference.html", reference=read_document(_document()))


def _document() -> dict[str, Any]:
    """Return the document of the application, made when it is first asked for."""
    made: dict[str, Any] | None = current_app.extensions.get(_EXTENSION)
    if made is None:
        made = make_document(current_app, parts().settings.base_dir, __version__)
        current_app.extensions[_EXTENSION] = made
    return made
