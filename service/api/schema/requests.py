"""What programs may send, as types: the options and other JSON objects, forms and parameters of every route."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import WithJsonSchema

from colorizers.prediction.hints import MOST_HINTS
from colorizers.recipe import QUALITIES, SATURATIONS, SIZES_PX, TEMPERATURES, WARMTHS
from service.api.schema.responses import Id, Maybe
from service.domain.options import LEAST_PX, Format

File = Annotated[bytes, WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})]


class Hint(BaseModel):
    """A place whose colour is known."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    x: Annotated[float, Field(ge=0, le=1, description="From the left, in widths of the upright photo.")]
    y: Annotated[float, Field(ge=0, le=1, description="From the top, in heights of the upright photo.")]
    radius: Annotated[float, Field(ge=0, le=1, description="In short sides of the photo.")]
    a: Annotated[float, Field(ge=-128, le=128, description="Green to red, in Lab units.")]
    b: Annotated[float, Field(ge=-128, le=128, description="Blue to yellow, in Lab units.")]


Saturation = Annotated[
    float, Field(ge=SATURATIONS[0], le=SATURATIONS[1], description="What the chroma is multiplied with.")
]
Warmth = Annotated[float, Field(ge=WARMTHS[0], le=WARMTHS[1], description="Shifts all colours, from cold to warm.")]
Kind = Annotated[Format, Field(description="The kind of the file; `layer`: the colours alone, as a transparent PNG.")]
Quality = Annotated[int, Field(ge=QUALITIES[0], le=QUALITIES[1], description="Of a JPEG or WebP file.")]
Bits = Annotated[Literal[8, 16], Field(description="Of a PNG or TIFF file.")]
SizePx = Annotated[
    int, Field(ge=LEAST_PX, le=SIZES_PX[1], description="The long side of the file, never more than the photo's.")
]
StripLocation = Annotated[bool, Field(description="Leave out what tells where the photo was made.")]


class PlainOptions(BaseModel):
    """What somebody may ask for beside a photo, but for the hints; empty values stand for the default."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())

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
    saturation: Saturation = 1.0
    warmth: Warmth = 0.0
    format: Kind | Maybe = None
    quality: Quality = 95
    bits: Bits | Maybe = None
    size_px: SizePx | Maybe = None
    strip_location: StripLocation = False


class OptionsAsText(PlainOptions):
    """Options as parameters of an address or fields of a form."""

    hints: Annotated[str, Field(description="A JSON list of hints, objects with x, y, radius, a, b.")] | Maybe = None


class RawPhotoQuery(OptionsAsText):
    """Options beside a photo that is the body itself."""

    name: Annotated[str, Field(max_length=1000, description="The name of the file.")] | Maybe = None


class OptionsAsJson(PlainOptions):
    """Options as members of a JSON object."""

    hints: Annotated[list[Hint], Field(max_length=MOST_HINTS, description="Places whose colour is known.")] = []


class PhotosForm(OptionsAsText):
    """A form with photos."""

    photo: Annotated[list[File], Field(min_length=1, description="One file or several.")]


class NewVersion(OptionsAsJson):
    """A photo that was sent before, to be coloured once more; what is not named stays as it was for that photo."""

    source: Annotated[Id, Field(description="The id of a photo of one's own.")]


class NewRender(BaseModel):
    """How the same colours are to be rendered; what is not named stays as it is for the photo."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    saturation: Saturation = 1.0
    warmth: Warmth = 0.0
    format: Kind | Maybe = None
    quality: Quality = 95
    bits: Bits | Maybe = None
    size_px: SizePx | Maybe = None
    strip_location: StripLocation = False


class NewBatch(BaseModel):
    """Photos that were sent before, to be fetched together."""

    model_config = ConfigDict(extra="forbid", strict=True)

    colorizations: Annotated[list[Id], Field(min_length=1, max_length=1000)]


class PageQuery(BaseModel):
    """Which part of a list."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 20
    after: (
        Annotated[
            str,
            Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,7})?-[0-9a-f]{32}$", description="From `next` of the page before."),
        ]
        | Maybe
    ) = None


class PlaceQuery(BaseModel):
    """A place in a photo."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    x: Annotated[float, Field(ge=0, le=1, description="From the left, in widths of the upright photo.")]
    y: Annotated[float, Field(ge=0, le=1, description="From the top, in heights of the upright photo.")]
