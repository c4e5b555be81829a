"""The blueprint that all JSON routes register on: every error of its routes is a problem document of RFC 9457."""

from flask import Blueprint

blueprint = Blueprint("api", __name__)
