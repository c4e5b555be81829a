"""Options of a colouring or rendering: the one definition of what a request may ask for.

JSON bodies, forms and parameters of addresses are all validated by these models, and are refused in the same words. The
row of a job keeps them as JSON.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.json_schema import SkipJsonSchema

from colorizers.errors import ColorizerError
from colorizers.fileformats.output_formats import check_output_size
from colorizers.json_text import parse_json
from colorizers.prediction.hints import MOST_AB, MOST_HINTS, Hint
from colorizers.recipe import QUALITIES, QUALITY, SATURATIONS, SIZES_PX, TEMPERATURES, WARMTHS

Format = Literal["jpeg", "png", "tiff", "webp", "layer"]
DEEP = ("png", "tiff")
LEAST_PX = 16
Maybe = SkipJsonSchema[None]


class InvalidOptionError(ColorizerError):
    """A member of a request has a value that cannot be used.

    Data: `field`, the name of the first such member; `errors`, all that is wrong: `field` and `message` of each.
    """

    code = "invalid_value"

    def __init__(self, first: tuple[str, str], *others: tuple[str, str]) -> None:
        """Take the field and the message of each."""
        errors = [{"field": field, "message": message} for field, message in (first, *others)]
        super().__init__(f"{first[0]!r}: {first[1]}", field=first[0], errors=errors)


def invalid_value(error: ValidationError) -> InvalidOptionError:
    """Return the error for a request that pydantic has refused."""
    wrong = error.errors(include_url=False, include_context=False, include_input=False)
    return InvalidOptionError(
        *(
            (_field_of(one["loc"]), f"{one['msg'].removeprefix('Value error, ').rstrip('.')}.")
            for one in wrong
            if "none" not in one["loc"]
        )
    )


def _field_of(location: tuple[int | str, ...]) -> str:
    """Return the member that pydantic means, without the kinds of value that it tried."""
    kinds = ("str", "int", "float", "bool")
    return ".".join(str(part) for part in location if re.fullmatch(r"\w+", str(part)) and part not in kinds) or "body"


def _whole(value: Any) -> Any:
    """Return the number that a text is, which pydantic does not look for among fixed values."""
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else value


def _parsed(value: Any) -> Any:
    """Return a list, or the one that a JSON text holds, as a tuple; anything else as it is. Raises `ValueError`."""
    found = parse_json(value) if isinstance(value, str) else value
    return tuple(found) if isinstance(found, list) else found


class HintOption(BaseModel):
    """A place whose colour is known."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, title="Hint")

    x: Annotated[float, Field(ge=0, le=1, description="From the left, in widths of the upright photo.")]
    y: Annotated[float, Field(ge=0, le=1, description="From the top, in heights of the upright photo.")]
    radius: Annotated[float, Field(ge=0, le=1, description="In short sides of the photo.")]
    a: Annotated[float, Field(ge=-MOST_AB, le=MOST_AB, description="Green to red, in Lab units.")]
    b: Annotated[float, Field(ge=-MOST_AB, le=MOST_AB, description="Blue to yellow, in Lab units.")]


class RenderOptions(BaseModel):
    """How the colours of a photo are to be rendered; None stands for the photo's own."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())

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
    bits: Annotated[Literal[8, 16], BeforeValidator(_whole), Field(description="Of a PNG or TIFF file.")] | Maybe = None
    size_px: (
        Annotated[
            int,
            Field(ge=LEAST_PX, le=SIZES_PX[1], description="The long side of the file, never more than the photo's."),
        ]
        | Maybe
    ) = None
    strip_location: Annotated[bool, Field(description="Leave out what tells where the photo was made.")] = False

    @field_validator("bits")
    @classmethod
    def _check_depth(cls, bits: int | None, info: ValidationInfo) -> int | None:
        format_ = info.data.get("format")
        if bits == 16 and format_ is not None and format_ not in DEEP:
            raise ValueError(f"Can be 16 for {' and '.join(DEEP)} only")
        return bits


class Options(RenderOptions):
    """What somebody may ask for beside a photo; None stands for the network's or the photo's own."""

    model: Annotated[str, Field(min_length=1, max_length=100, description="A network, by its name.")] | Maybe = None
    hints: Annotated[
        tuple[HintOption, ...],
        BeforeValidator(_parsed),
        Field(max_length=MOST_HINTS, description="Places whose colour is known."),
    ] = ()
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

    @property
    def known_colors(self) -> tuple[Hint, ...]:
        """The hints as the library takes them."""
        return tuple(Hint(**dict(hint)) for hint in self.hints)

    @classmethod
    def of(cls, members: Mapping[str, Any], base: "Options | None" = None) -> "Options":
        """Return the options that `members`, typed values, name; the others are as in `base` or by default.

        Raises `InvalidOptionError`.
        """
        return cls._merged(members, base, strict=True)

    @classmethod
    def of_texts(cls, texts: Mapping[str, str], base: "Options | None" = None) -> "Options":
        """Return the options that fields of a form or parameters of an address name, as `of`.

        An empty text stands for the default.
        """
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        members = {name: text if text.strip() else defaults.get(name, text) for name, text in texts.items()}
        return cls._merged(members, base, strict=False)

    @classmethod
    def _merged(cls, members: Mapping[str, Any], base: "Options | None", strict: bool) -> "Options":
        try:
            named = cls.model_validate(members, strict=strict)
            if base is None:
                return named
            return cls.model_validate({**dict(base), **{name: getattr(named, name) for name in members}})
        except ValidationError as error:
            raise invalid_value(error) from error

    @classmethod
    def from_json(cls, text: str | None) -> "Options":
        """Return the options that `to_json` wrote, the default ones of None."""
        return cls.model_validate_json(text) if text else DEFAULT

    def to_json(self) -> str:
        """Return what differs from the default as a JSON object."""
        return self.model_dump_json(exclude_defaults=True)


DEFAULT = Options()


def check_result_size(width: int, height: int, options: Options) -> None:
    """Raise `TooLargeForFormatError` where a photo of that size cannot become a file as `options` ask for.

    A photo's own format holds it in any case.
    """
    if options.format:
        check_output_size(width, height, options.format.upper(), options.size_px)
