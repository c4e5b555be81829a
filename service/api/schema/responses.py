"""Types of the JSON objects of all answers, from which `openapi` generates the document.

A member that does not apply is absent, never null. Addresses are relative to the server.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from service.domain.job import Status
from service.domain.options import Maybe

Id = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="128 random bits.")]


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
    errors: Annotated[list[dict[str, str]], Field(description="All that is wrong: `field`, `message`.")] | Maybe = None
    retry_after_s: Annotated[int, Field(description="Seconds until it makes sense to try again.")] | Maybe = None
    request_id: Annotated[str, Field(description="The log's number for a fault of the server.")] | Maybe = None


class Urls(Document):
    """Where the parts of a photo are; some are there once it is done."""

    self: str
    original: str
    events: Annotated[str, Field(description="Server-sent events about it, until it has ended.")]
    page: Annotated[str, Field(description="The page that shows the photo to people.")]
    result: Annotated[str, Field(description="The coloured photo at full size.")] | Maybe = None
    original_view: Annotated[str, Field(description="The original, upright, at most 2048 px.")] | Maybe = None
    result_view: Annotated[str, Field(description="The coloured photo, at most 2048 px.")] | Maybe = None
    recipe: Annotated[str, Field(description="How to make the result again from the original.")] | Maybe = None
    ab: Annotated[str, Field(description="The network's colours, as a picture.")] | Maybe = None
    suggestions: Annotated[str, Field(description="Likely colours of a place.")] | Maybe = None
    uncertainty: Annotated[str, Field(description="Where the network guesses, as a picture.")] | Maybe = None
    renders: Annotated[str, Field(description="Where to ask for the same colours in another way.")] | Maybe = None
    previews: Annotated[str, Field(description="Where to ask how other hints would look.")] | Maybe = None


class Grays(Document):
    """In how many pixels the gray level is not the original's."""

    pixels: int
    changed_exact: Annotated[int, Field(description="In the rendered picture, before it is written.")] | Maybe = None
    changed_in_file: Annotated[int, Field(description="In the written file, decoded again.")] | Maybe = None


class Frames(Document):
    """How many pages or frames there are in a file that has several."""

    in_file: Annotated[int, Field(ge=2, description="In the original.")]
    coloured: Annotated[int, Field(ge=1, description="In the result: all pages of a TIFF file, else the first alone.")]


class Work(Document):
    """What every kind of work has in common: how it fares, and what it gave."""

    id: Id
    status: Status
    options: Annotated[dict[str, Any], Field(description="The options that differ from the default.")]
    timings: Annotated[
        dict[str, float], Field(description="Seconds: `queued_s`, `total_s`, and those of each step of the work.")
    ]
    created_at: Annotated[datetime, Field(description="When it was asked for.")]
    queue_position: Annotated[int, Field(ge=1, description="1 is the next; while queued.")] | Maybe = None
    progress: Annotated[str, Field(description="The step that is being done; while running.")] | Maybe = None
    problem: Annotated[Problem, Field(description="Why it failed.")] | Maybe = None
    model: Annotated[str, Field(description="The network that did the work.")] | Maybe = None
    model_title: str | Maybe = None
    model_verified: Annotated[bool, Field(description="Whether the weights' SHA-256 is a known one.")] | Maybe = None
    weights_sha256: str | Maybe = None
    mimetype: Annotated[str, Field(description="The media type of the result.")] | Maybe = None
    uncoloured: Annotated[bool, Field(description="Whether the network found no colour anywhere.")] | Maybe = None
    had_colour: Annotated[bool, Field(description="Whether the original had colours of its own.")] | Maybe = None
    grays: Grays | Maybe = None
    frames: Frames | Maybe = None


class Colorization(Work):
    """A photo, and how it fares."""

    name: Annotated[str, Field(description="The name that the file was sent with.")]
    width: Annotated[int, Field(ge=1, description="Pixels, upright once the photo is done.")]
    height: Annotated[int, Field(ge=1)]
    expires_at: Annotated[datetime, Field(description="When it will be removed, with the photo that was sent.")]
    source: Annotated[Id, Field(description="The photo that was sent, of which this is a version.")] | Maybe = None
    batch: Annotated[Id, Field(description="The batch that it came with.")] | Maybe = None
    urls: Urls


class RenderUrls(Document):
    """Where a render is."""

    self: str
    photo: Annotated[str, Field(description="The photo that it was made of.")]
    file: Annotated[str, Field(description="The file, once it is done.")] | Maybe = None


class Render(Work):
    """The colours of a photo in another vividness, format or size."""

    urls: RenderUrls


class PreviewUrls(Document):
    """Where a preview is; the pictures are there once it is done."""

    self: str
    photo: Annotated[str, Field(description="The photo that it was made of.")]
    view: Annotated[str, Field(description="The coloured photo, at most 1024 px.")] | Maybe = None
    ab: Annotated[str, Field(description="The network's colours, as a picture.")] | Maybe = None
    suggestions: Annotated[str, Field(description="Likely colours of a place.")] | Maybe = None
    uncertainty: Annotated[str, Field(description="Where the network guesses, as a picture.")] | Maybe = None


class Preview(Work):
    """How a photo would look with other hints, another temperature or another network, small."""

    urls: PreviewUrls


class Refusal(Problem):
    """A photo of a request with several that was not accepted or not coloured."""

    name: Annotated[str, Field(description="The name that the file was sent with.")]
    id: Id | Maybe = None


class Colorizations(Document):
    """The photos of one request, in the order they were sent."""

    results: list[Colorization | Refusal]


class ColorizationOrSeveral(RootModel[Colorization | Colorizations]):
    """One photo, or those of a request with several."""


class BatchUrls(Document):
    """Where a batch is."""

    self: str
    archive: Annotated[str, Field(description="All results as a ZIP file.")]


class Batch(Document):
    """Several photos that belong together, in the order they were sent; those that were deleted are missing."""

    id: Id
    counts: Annotated[dict[Status, int], Field(description="How many photos there are by status.")]
    results: list[Colorization | Refusal]
    urls: BatchUrls


class ColorizationOrBatch(RootModel[Colorization | Batch]):
    """One photo, or the batch that several make."""


class Page(Document):
    """Photos of one's own, the latest first."""

    items: list[Colorization]
    next: Annotated[str, Field(description="Where the earlier ones are, if there are any.")] | Maybe = None


class Suggestion(Document):
    """A likely colour of a place: `a` and `b` for a hint, and how it looks there."""

    a: float
    b: float
    share: Annotated[float, Field(ge=0, le=1, description="How likely the network thinks it, or one near to it.")]
    rgb: Annotated[list[int], Field(min_length=3, max_length=3, description="0 to 255 each.")]


class Suggestions(Document):
    """Likely colours of a place, the likeliest first."""

    suggestions: list[Suggestion]


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


class Health(Document):
    """A process that answers."""

    status: Literal["ok"]


class Readiness(Document):
    """Whether a photo sent now would be coloured at once."""

    status: Literal["ready", "starting", "not ready"]
    checks: Annotated[dict[str, bool], Field(description="What holds: `database`, `storage`, `worker`, `model`...")]
