"""The JSON routes, one module per kind of thing; importing this package registers all of them on `blueprint`."""

from service.api import colorizations, networks, photos
from service.api.blueprint import blueprint
from service.api.index import overall_status

__all__ = ["blueprint", "colorizations", "networks", "overall_status", "photos"]
