"""Parser for untrusted JSON, with one kind of error for everything that can be wrong with it."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """Parse `text`.

    Raises `ValueError` where it is not JSON, contains NaN or Infinity, is nested deeper than Python's recursion limit,
    or has an integer of more digits than Python converts.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("The text is nested too deeply.") from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON.")
