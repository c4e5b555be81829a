"""JSON that strangers wrote, parsed with one kind of error for all that can be wrong with it."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Return the value of `text`.

    Raises `ValueError` where that is no JSON, which knows neither NaN nor Infinity, is nested deeper than the
    interpreter follows, or has an integer of more digits than it converts.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("The text is nested too deeply.") from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON.")
