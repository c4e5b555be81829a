"""Blueprint of all JSON routes, whose errors are problem documents of RFC 9457."""

from flask import Blueprint

blueprint = Blueprint("api", __name__)
