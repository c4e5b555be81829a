"""What may be asked for beside a photo, and how a wrong wish is answered."""

from typing import Any

import pytest

from colorizers.errors import InvalidHintError
from colorizers.prediction.hints import Hint
from service.domain.options import InvalidOptionError as Invalid
from service.domain.options import Options

HINT = {"x": 0.5, "y": 0.25, "radius": 0.1, "a": -20.0, "b": 30.0}


def test_form_fields_and_json_members_mean_the_same() -> None:
    as_json = {"model": "eccv16", "hints": [HINT], "temperature": 0.5, "saturation": 1.2, "warmth": -0.5}
    as_json |= {"format": "tiff", "quality": 80, "bits": 16, "size_px": 640, "strip_location": True}
    as_form = {"model": "eccv16", "hints": str([HINT]).replace("'", '"'), "temperature": "0.5", "saturation": "1.2"}
    as_form |= {"warmth": "-0.5", "format": "tiff", "quality": "80", "bits": "16", "size_px": "640"}
    as_form |= {"strip_location": "on"}
    options = Options.of(as_json)
    assert options == Options.of(as_form)
    assert options.hints == (Hint(**HINT),)
    assert Options.from_json(options.to_json()) == options


def test_empty_fields_mean_the_default() -> None:
    names = ("model", "hints", "temperature", "saturation", "warmth", "format", "quality", "bits", "size_px")
    assert Options.of(dict.fromkeys((*names, "strip_location"), "")) == Options()
    assert Options.from_json(None) == Options.from_json("{}") == Options()


def test_what_is_not_said_stays_as_it_was() -> None:
    base = Options(saturation=2.0, format="png")
    assert Options.of({"warmth": 1}, base) == Options(saturation=2.0, format="png", warmth=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 7),
        ("model", "m" * 200),
        ("temperature", 0),
        ("temperature", "hot"),
        ("temperature", "nan"),
        ("saturation", -1),
        ("saturation", True),
        ("warmth", 2),
        ("format", "gif"),
        ("format", ["png"]),
        ("quality", 101),
        ("quality", 95.5),
        ("quality", "1e999"),
        ("bits", 12),
        ("size_px", 1),
        ("strip_location", "perhaps"),
        ("hints", "nonsense"),
        ("hints", "[" * 3000),
        ("hints", "1" * 5000),
        ("hints", "[NaN]"),
        ("saturation", 10**400),
        ("saturation", "1" * 5000),
        ("quality", 10**400),
        ("temperature", "Infinity"),
        ("vividness", 1),
    ],
)
def test_wrong_value_is_a_problem_with_the_options_name(name: str, value: Any) -> None:
    with pytest.raises(Invalid) as caught:
        Options.of({name: value})
    assert caught.value.status == 422
    assert caught.value.data["field"] == name
    assert repr(name) in caught.value.message


@pytest.mark.parametrize("x", [2, 10**400, float("nan"), "1", None])
def test_wrong_place_is_a_problem_too(x: Any) -> None:
    with pytest.raises(InvalidHintError):
        Options.of({"hints": [{**HINT, "x": x}]})


@pytest.mark.parametrize("hints", [[{"x": 1}], {"x": 1}, [HINT] * 1000])
def test_wrong_hint_is_a_problem_too(hints: Any) -> None:
    with pytest.raises(InvalidHintError) as caught:
        Options.of({"hints": hints})
    assert caught.value.status == 422


def test_sixteen_bits_need_a_file_that_holds_them() -> None:
    with pytest.raises(Invalid):
        Options(format="jpeg", bits=16)
    assert Options(format="png", bits=16).bits == 16
