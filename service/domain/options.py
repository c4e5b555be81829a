"""Model of what a request may ask for beside a photo; forms, query strings and JSON are checked by it.

What passed the check is a `colorizers.recipe.Options`, kept as JSON in the row of the job.
"""

import json
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema, WithJsonSchema
from pydantic_core import PydanticCustomError

from colorizers.errors import ColorizerError
from colorizers.fileformats.output_formats import check_output_size
from colorizers.json_text import parse_json
from colorizers.prediction.hints import MOST_AB, MOST_HINTS, hints_from
from colorizers.recipe import DEPTHS, QUALITIES, QUALITY, SATURATIONS, SIZES_PX, TEMPERATURES, WARMTHS, Options

DEFAULT = Options()
_DEEP = ("png", "tiff")
LEAST_PX = 16
Maybe = SkipJsonSchema[None]
Format = Literal["jpeg", "png", "tiff", "webp", "layer"]
# 8 or 16, also where that comes as a text, which a `Literal` of numbers does not take.
_Depth = Annotated[int, Field(ge=DEPTHS[0], le=DEPTHS[1], multiple_of=8, json_schema_extra={"enum": list(DEPTHS)})]


class InvalidOptionError(ColorizerError):
    """An option has a value that cannot be used. Data: `field`, its name; `errors` lists what is wrong by field."""

    code = "invalid_value"

    def __init__(self, name: str, rule: str) -> None:
        message = f"The option {name!r} {rule}."
        super().__init__(message, field=name, errors=[{"field": name, "message": message}])


class Hint(BaseModel):
    """A place whose colour is known."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    x: Annotated[float, Field(ge=0, le=1, description="From the left, in widths of the upright photo.")]
    y: Annotated[float, Field(ge=0, le=1, description="From the top, in heights of the upright photo.")]
    radius: Annotated[float, Field(ge=0, le=1, description="In short sides of the photo.")]
    a: Annotated[float, Field(ge=-MOST_AB, le=MOST_AB, description="Green to red, in Lab units.")]
    b: Annotated[float, Field(ge=-MOST_AB, le=MOST_AB, description="Blue to yellow, in Lab units.")]


class RenderOptions(BaseModel):
    """How colours are rendered and written."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())

    saturation: Annotated[
        float, Field(ge=SATURATIONS[0], le=SATURATIONS[1], description="What the chroma is multiplied with.")
    ] = 1.0
    warmth: Annotated[
        float, Field(ge=WARMTHS[0], le=WARMTHS[1], description="Shifts all colours, from cold to warm.")
    ] = 0.0
    format: (
        Annotated[Format, Field(description="The kind of the file; `layer`: the colours alone, as a transparent PNG.")]
        | Maybe
    ) = None
    quality: Annotated[int, Field(ge=QUALITIES[0], le=QUALITIES[1], description="Of a JPEG or WebP file.")] = QUALITY
    # An enumeration for those who read the schema; its numbers are read from texts, too, which a `Literal` is not.
    bits: (
        Annotated[
            int,
            Field(
                ge=8, le=16, multiple_of=8, json_schema_extra={"enum": [8, 16]}, description="Of a PNG or TIFF file."
            ),
        ]
        | Maybe
    ) = None
    size_px: (
        Annotated[
            int,
            Field(ge=LEAST_PX, le=SIZES_PX[1], description="The long side of the file, never more than the photo's."),
        ]
        | Maybe
    ) = None
    strip_location: Annotated[bool, Field(description="Leave out what tells where the photo was made.")] = False

    def over(self, base: Options = DEFAULT) -> Options:
        """Return the options that are named here, the others as in `base`. Raises `InvalidOptionError`."""
        named = self.model_dump(include=self.model_fields_set & vars(DEFAULT).keys())
        if "hints" in named:
            named["hints"] = hints_from(named["hints"])
        options = replace(base, **named)
        if options.bits == 16 and options.format not in (None, *_DEEP):
            raise InvalidOptionError("bits", f"can be 16 for {' and '.join(_DEEP)} only")
        return options


class OptionsAsJson(RenderOptions):
    """Options as members of a JSON object."""

    model: Annotated[str, Field(min_length=1, max_length=100, description="A network, by its name.")] | Maybe = None
    temperature: (
        Annotated[
            float,
            Field(
                ge=TEMPERATURES[0],
                le=TEMPERATURES[1],
                description="How daring the colours are: towards 0 the likeliest ones.",
            ),
        ]
        | Maybe
    ) = None
    hints: Annotated[tuple[Hint, ...], Field(max_length=MOST_HINTS, description="Places whose colour is known.")] = ()


def _parse_hints(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError as error:
        raise PydanticCustomError("json_list", "Input should be a JSON list") from error


class OptionsAsText(OptionsAsJson):
    """Options as parameters of an address or fields of a form; an empty text stands for the default."""

    hints: Annotated[
        tuple[Hint, ...],
        Field(max_length=MOST_HINTS, default_factory=tuple),
        BeforeValidator(_parse_hints),
        WithJsonSchema({"type": "string", "description": "A JSON list of hints, objects with x, y, radius, a, b."}),
    ]

    @model_validator(mode="before")
    @classmethod
    def _fill_empty(cls, texts: dict[str, str]) -> dict[str, Any]:
        return {name: text.strip() or getattr(DEFAULT, name, "") for name, text in texts.items()}


def stored_options(text: str) -> Options:
    """Return the options whose `changes` are the JSON `text`."""
    return Options.from_members(json.loads(text))


def check_result_size(width: int, height: int, options: Options) -> None:
    """Raise `TooLargeForFormatError` where a photo of that size cannot become a file as `options` ask for.

    A photo's own format holds it in any case.
    """
    if options.format:
        check_output_size(width, height, options.format.upper(), options.size_px)
