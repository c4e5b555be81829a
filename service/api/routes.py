"""All modules with JSON routes; importing this one registers them on `blueprint`."""

from service.api import batches, colorizations, create, events, index, networks, photo_files, predictions, variants
from service.api.blueprint import blueprint

__all__ = [
    "batches",
    "blueprint",
    "colorizations",
    "create",
    "events",
    "index",
    "networks",
    "photo_files",
    "predictions",
    "variants",
]
