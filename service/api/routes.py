"""The JSON routes, one module per kind of thing; importing this package registers all of them on `blueprint`."""

from service.api import batches, colorizations, create, events, networks, photo_files, predictions, variants
from service.api.blueprint import blueprint
from service.api.index import overall_status

__all__ = [
    "batches",
    "blueprint",
    "colorizations",
    "create",
    "events",
    "networks",
    "overall_status",
    "photo_files",
    "predictions",
    "variants",
]
