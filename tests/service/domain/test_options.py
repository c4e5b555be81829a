"""What may be asked for beside a photo, and how wrong values are answered."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from colorizers.prediction.hints import Hint
from colorizers.recipe import Options
from service.domain.options import InvalidOptionError, OptionsAsJson, OptionsAsText, stored_options

HINT = {"x": 0.5, "y": 0.25, "radius": 0.1, "a": -20.0, "b": 30.0}
SAID = {"model": "eccv16", "hints": [HINT], "temperature": 0.5, "saturation": 1.2, "warmth": -0.5, "format": "tiff"}
SAID |= {"quality": 80, "bits": 16, "size_px": 640, "strip_location": True}


def of_json(members: dict[str, Any]) -> OptionsAsJson:
    return OptionsAsJson.model_validate_json(json.dumps(members), strict=True)


def of_texts(members: dict[str, Any]) -> OptionsAsText:
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
    return OptionsAsText.model_validate(texts)


def test_form_fields_and_json_members_mean_the_same() -> None:
    options = of_json(SAID).over()
    assert options == of_texts(SAID).over() == of_texts(SAID | {"strip_location": "on", "format": " tiff "}).over()
    assert options.hints == (Hint(**HINT),)
    assert json.loads(json.dumps(options.changes())) == SAID
    assert stored_options(json.dumps(SAID)) == options


def test_empty_fields_mean_the_default() -> None:
    assert of_texts(dict.fromkeys(SAID, "")).over(of_json(SAID).over()) == Options()
    assert stored_options("{}") == of_json({}).over() == Options()


def test_what_is_not_said_stays_as_it_was() -> None:
    base = Options(saturation=2.0, format="png")
    assert of_json({"warmth": 1}).over(base) == Options(saturation=2.0, format="png", warmth=1)


WRONG = [("model", "m" * 200), ("temperature", 0), ("temperature", "hot"), ("temperature", "nan")]
WRONG += [("temperature", "Infinity"), ("saturation", -1), ("saturation", True), ("saturation", 10**400), ("warmth", 2)]
WRONG += [("saturation", "1" * 5000), ("format", "gif"), ("format", ["png"]), ("quality", 101), ("quality", 95.5)]
WRONG += [("quality", "1e999"), ("quality", 10**400), ("bits", 12), ("bits", 0), ("bits", 24), ("size_px", 1)]
WRONG += [("strip_location", "perhaps"), ("hints", "nonsense"), ("hints", "[" * 3000), ("hints", "1" * 5000)]
WRONG += [("hints", "[NaN]"), ("hints", [{"x": 1}]), ("hints", {"x": 1}), ("hints", [HINT] * 1000), ("vividness", 1)]
WRONG += [("hints", [{**HINT, "x": x}]) for x in (2, 10**400, "1", None, True)]


@pytest.mark.parametrize("read", [of_json, of_texts])
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_value_is_a_problem_with_the_options_name(read: Any, name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        read({name: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {name}


@pytest.mark.parametrize("members", [{"saturation": "2"}, {"quality": "80"}, {"strip_location": "on"}, {"hints": "[]"}])
def test_texts_are_no_numbers_in_json(members: dict[str, Any]) -> None:
    assert of_texts(members)
    with pytest.raises(ValidationError):
        of_json(members)


def test_sixteen_bits_need_a_file_that_holds_them() -> None:
    with pytest.raises(InvalidOptionError) as caught:
        of_json({"format": "jpeg"}).over(Options(format="png", bits=16))
    assert caught.value.data["field"] == "bits"
    assert of_json({"format": "png", "bits": 16}).over().bits == 16
