"""What programs send and are told, as types: the JSON objects and forms of every route.

`service/openapi.py` makes the document of them. In answers, a member that does not apply is absent, never null.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel
from pydantic.json_schema import SkipJsonSchema, WithJsonSchema

from service.options import MOST_HINTS, Format

Maybe = SkipJsonSchema[None]
Status = Literal["queued", "running", "done", "failed"]
Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="128 random bits.")]
File = Annotated[bytes, WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})]


class Document(BaseModel):
    """A JSON object of an answer."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    def as_json(self) -> dict[str, Any]:
        """Return the members that apply."""
        return self.model_dump(mode="json", exclude_none=True)


class Problem(Document):
    """What went wrong (RFC 9457). `code` is for programs; `title` and `detail` are in the reader's language."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(description="`urn:photo-colorizer:problem:` and the code.")]
    title: str
    status: Annotated[int, Field(ge=400, le=599, description="The HTTP status.")]
    detail: Annotated[str, Field(description="What is wrong, and what to do.")]
    code: Annotated[str, Field(description="Stable, for programs.", examples=["not_a_picture"])]
    field: Annotated[str, Field(description="The option or member that is wrong.")] | Maybe = None
    retry_after_s: Annotated[int, Field(description="Seconds until it makes sense to try again.")] | Maybe = None
    request_id: Annotated[str, Field(description="The log's number for a fault of the server.")] | Maybe = None


class Hint(BaseModel):
    """A place whose colour is known."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    x: Annotated[float, Field(ge=0, le=1, description="From the left, in widths of the upright photo.")]
    y: Annotated[float, Field(ge=0, le=1, description="From the top, in heights of the upright photo.")]
    radius: Annotated[float, Field(ge=0, le=1, description="In short sides of the photo.")]
    a: Annotated[float, Field(ge=-128, le=128, description="Green to red, in Lab units.")]
    b: Annotated[float, Field(ge=-128, le=128, description="Blue to yellow, in Lab units.")]


class PlainOptions(BaseModel):
    """What somebody may ask for beside a photo, but for the hints; empty values stand for the default."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())

    model: Annotated[str, Field(min_length=1, max_length=100, description="A network, by its name.")] | Maybe = None
    temperature: (
        Annotated[float, Field(ge=0.01, le=5, description="How daring the colours are: towards 0 the likeliest ones.")]
        | Maybe
    ) = None
    saturation: Annotated[float, Field(ge=0, le=4, description="What the chroma is multiplied with.")] = 1.0
    warmth: Annotated[float, Field(ge=-1, le=1, description="Shifts all colours, from cold to warm.")] = 0.0
    format: (
        Annotated[Format, Field(description="The kind of the file; `layer`: the colours alone, as a transparent PNG.")]
        | Maybe
    ) = None
    quality: Annotated[int, Field(ge=1, le=100, description="Of a JPEG or WebP file.")] = 95
    bits: Annotated[Literal[8, 16], Field(description="Of a PNG or TIFF file.")] | Maybe = None
    size_px: (
        Annotated[int, Field(ge=16, le=65_500, description="The long side of the file, never more than the photo's.")]
        | Maybe
    ) = None
    strip_location: Annotated[bool, Field(description="Leave out what tells where the photo was made.")] = False


class OptionsAsText(PlainOptions):
    """Options as parameters of an address or fields of a form."""

    hints: Annotated[str, Field(description="A JSON list of hints, objects with x, y, radius, a, b.")] | Maybe = None


class OptionsAsJson(PlainOptions):
    """Options as members of a JSON object."""

    hints: Annotated[list[Hint], Field(max_length=MOST_HINTS, description="Places whose colour is known.")] = []


class PhotosForm(OptionsAsText):
    """A form with photos."""

    photo: Annotated[list[File], Field(min_length=1, description="One file or several.")]


class Urls(Document):
    """Where the parts of a photo are; relative to the server."""

    self: str
    original: str
    result: Annotated[str, Field(description="The coloured photo at full size.")] | Maybe = None
    original_view: Annotated[str, Field(description="The original, upright, at most 2048 px.")] | Maybe = None
    result_view: Annotated[str, Field(description="The coloured photo, at most 2048 px.")] | Maybe = None
    page: Annotated[str, Field(description="The page that shows the photo to people.")] | Maybe = None


class Colorization(Document):
    """A photo, and how it fares."""

    id: Id
    status: Status
    name: Annotated[str, Field(description="The name that the file was sent with.")]
    width: Annotated[int, Field(ge=1, description="Pixels, upright once the photo is done.")]
    height: Annotated[int, Field(ge=1)]
    urls: Urls
    timings: Annotated[
        dict[str, float], Field(description="Seconds: `queued_s`, `total_s`, and those of each step of the work.")
    ]
    model: Annotated[str, Field(description="The network that did the work.")] | Maybe = None
    model_title: str | Maybe = None
    model_verified: Annotated[bool, Field(description="Whether the weights' SHA-256 is a known one.")] | Maybe = None
    weights_sha256: str | Maybe = None
    mimetype: Annotated[str, Field(description="The media type of the result.")] | Maybe = None
    uncoloured: Annotated[bool, Field(description="Whether the network found no colour anywhere.")] | Maybe = None
    queue_position: Annotated[int, Field(ge=1, description="1 is the next; while queued.")] | Maybe = None
    problem: Annotated[Problem, Field(description="Why it failed.")] | Maybe = None


class Refusal(Problem):
    """A photo of a request with several that was not accepted or not coloured."""

    name: Annotated[str, Field(description="The name that the file was sent with.")]
    id: Id | Maybe = None


class Colorizations(Document):
    """The photos of one request, in the order they were sent."""

    results: list[Colorization | Refusal]


class ColorizationOrSeveral(RootModel[Colorization | Colorizations]):
    """One photo, or those of a request with several."""


class Network(Document):
    """A network that can colour photos."""

    name: Annotated[str, Field(description="What the option `model` takes.", examples=["default"])]
    title: str
    licence: str
    trained_on: str
    installed: Annotated[bool, Field(description="Whether its weights are on this server.")]
    is_default: Annotated[bool, Field(description="Whether it is used where no `model` is asked for.")]
    accepts_hints: Annotated[bool, Field(description="Whether known colours can be given.")]
    has_distribution: Annotated[
        bool, Field(description="Whether temperature, suggestions and uncertainty are available.")
    ]
    working_size_px: Annotated[int, Field(description="The side at which it looks at a photo.")]


class Networks(Document):
    """Every network that this server knows."""

    models: list[Network]
