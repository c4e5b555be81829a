"""Types of what programs may send: JSON objects, forms, and parameters of addresses."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import WithJsonSchema

from service.api.schema.responses import Id, Maybe
from service.domain.options import OptionsAsJson, OptionsAsText, RenderOptions

File = Annotated[bytes, WithJsonSchema({"type": "string", "contentMediaType": "application/octet-stream"})]


class RawPhotoQuery(OptionsAsText):
    """Options beside a photo that is the body itself."""

    name: Annotated[str, Field(max_length=1000, description="The name of the file.")] | Maybe = None


class PhotosForm(OptionsAsText):
    """A form with photos."""

    photo: Annotated[list[File], Field(min_length=1, description="One file or several.")]


class NewVersion(OptionsAsJson):
    """A photo that was sent before, to be coloured once more; what is not named stays as it was for that photo."""

    source: Annotated[Id, Field(description="The id of a photo of one's own.")]


class NewRender(RenderOptions):
    """How the same colours are to be rendered; what is not named stays as it is for the photo."""


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
