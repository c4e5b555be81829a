"""The JSON routes, one module per kind of thing; importing this package registers all of them on `blueprint`."""

from service.api import batches, children, colorizations, colours, creating, events, networks, photos
from service.api.blueprint import blueprint
from service.api.index import overall_status

__all__ = [
    "batches",
    "blueprint",
    "children",
    "colorizations",
    "colours",
    "creating",
    "events",
    "networks",
    "overall_status",
    "photos",
]
