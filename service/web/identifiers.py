"""Ids in addresses, checked by their form before anything is looked for."""

from flask import Flask, request

from service.domain.job import is_id
from service.domain.problems import JobNotFoundError


def check_ids(app: Flask) -> None:
    """Answer requests to `app` whose address has an id that is none as those for what is not there."""

    @app.before_request
    def check() -> None:
        ids = (value for name, value in (request.view_args or {}).items() if name.endswith("_id"))
        if not all(is_id(value) for value in ids):
            raise JobNotFoundError("There is no photo with that id.")
