"""A picture file in, the library's colour picture out: what the worker and the command line do."""

from colorizers.colorizer import Colorizer
from colorizers.output.encode import encode
from colorizers.photo.photo import open_photo
from colorizers.rendering.render import Rendering


def pipeline(data: bytes, colorizer: Colorizer, rendering: Rendering) -> bytes:
    """Return the coloured file of a picture file, in its format."""
    photo = open_photo(data)
    return encode(colorizer.colorize(photo, rendering), photo, colorizer.provenance(photo))
