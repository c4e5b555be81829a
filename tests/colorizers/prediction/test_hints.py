"""Tests of color hints: validation, JSON, and the input planes."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from colorizers.errors import InvalidHintError
from colorizers.prediction.hints import MOST_HINTS, Hint, hint_planes, hints_from


@pytest.mark.parametrize(
    ("field", "value"),
    [("x", -0.01), ("y", 1.01), ("radius", -0.1), ("a", 200), ("b", math.nan), ("a", "12"), ("b", None), ("x", True)],
)
def test_an_invalid_value_is_refused_with_its_field(field: str, value: Any) -> None:
    with pytest.raises(InvalidHintError) as caught:
        Hint(**{"x": 0.5, "y": 0.5, "radius": 0.1, "a": 0.0, "b": 0.0} | {field: value})
    assert caught.value.data["field"] == field


def test_hints_travel_as_json() -> None:
    hints = (Hint(0.25, 1, 0, -128, 12.5), Hint(0, 0, 1, 0, 0))
    assert hints_from(json.loads(json.dumps([asdict(hint) for hint in hints]))) == hints
    assert hints_from([]) == ()


@pytest.mark.parametrize("value", [None, "x", {}, [1], [{"x": 0.5}], [asdict(Hint(0, 0, 0, 0, 0)) | {"c": 1}]])
def test_other_json_is_no_list_of_hints(value: Any) -> None:
    with pytest.raises(InvalidHintError):
        hints_from(value)


def test_too_many_hints_are_refused() -> None:
    with pytest.raises(InvalidHintError, match=f"at most {MOST_HINTS}"):
        hints_from([asdict(Hint(0, 0, 0, 0, 0))] * (MOST_HINTS + 1))


@pytest.mark.parametrize(
    ("x", "y", "row", "column"), [(0, 0, 0, 0), (1, 1, 7, 11), (0.5, 0.51, 4, 6), (0.99, 0, 0, 11)]
)
def test_the_smallest_hint_covers_one_pixel(x: float, y: float, row: int, column: int) -> None:
    ab, mask = hint_planes([Hint(x, y, 0, 40, -30)], 8, 12)
    assert mask.sum() == mask[0, row, column] == 1
    assert ab[:, row, column].tolist() == [40, -30]
    assert np.count_nonzero(ab) == 2


def test_a_hint_covers_its_circle_in_units_of_the_short_side() -> None:
    _, mask = hint_planes([Hint(0.5, 0.5, 0.25, 0, 0)], 200, 400)
    assert mask.sum() == pytest.approx(math.pi * 50**2, rel=0.01)
    rows, columns = mask[0].any(axis=1), mask[0].any(axis=0)
    assert (rows.sum(), columns.sum()) == (100, 100)
    assert set(np.unique(mask)) == {0, 1}


def test_a_circle_in_the_photo_is_squeezed_with_it() -> None:
    """The input of a network may be square: 256 x 256 for a photo of 400 x 200."""
    _, mask = hint_planes([Hint(0.5, 0.5, 0.25, 0, 0)], 256, 256, (400, 200))
    assert mask[0].any(axis=1).sum() == 128
    assert mask[0].any(axis=0).sum() == 64


def test_a_later_hint_covers_an_earlier_one() -> None:
    ab, mask = hint_planes([Hint(0.5, 0.5, 0.4, 10, 20), Hint(0.5, 0.5, 0.1, 0, 0)], 50, 50)
    assert ab[:, 25, 25].tolist() == [0, 0]
    assert mask[0, 25, 25] == 1
    assert ab[:, 25, 10].tolist() == [10, 20]


def test_without_hints_the_planes_are_empty() -> None:
    ab, mask = hint_planes([], 4, 6)
    assert (ab.shape, mask.shape) == ((2, 4, 6), (1, 4, 6))
    assert not ab.any()
    assert not mask.any()
