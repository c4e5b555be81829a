"""Recipes: all settings that determine a result, as a value that is stored as JSON beside it. Loads no torch.

The same recipe, photo and weights give the same bytes again on the same machine, with the same versions of the packages
and the same number of threads.
"""

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from colorizers.errors import InvalidRecipeError, InvalidTemperatureError
from colorizers.json_text import parse_json
from colorizers.prediction.hints import Hint, hints_from, is_number
from colorizers.version import __version__

FORMATS = ("jpeg", "png", "tiff", "webp", "layer")
"""Formats of results; a layer is a transparent PNG file with the colors alone."""
SATURATIONS = (0.0, 4.0)
WARMTHS = (-1.0, 1.0)
QUALITIES = (1, 100)
TEMPERATURES = (0.01, 10.0)
SIZES_PX = (1, 65535)
DEPTHS = (8, 16)
QUALITY = 95
_SHA256 = re.compile("[0-9a-f]{64}")
_NAMES_OF_HASHES = ("weights_sha256", "original_sha256")


def check_temperature(temperature: float) -> None:
    """Raise `InvalidTemperatureError` where `temperature` is not a number within `TEMPERATURES`."""
    least, most = TEMPERATURES
    if not is_number(temperature, least, most):
        message = f"The temperature is a number from {least:g} to {most:g}."
        raise InvalidTemperatureError(message, least=least, most=most)


@dataclass(frozen=True)
class Recipe:
    """The network, the hints, the rendering and the file format of a result.

    `temperature` None is the network's own, `format` None the photo's, `bits` None the photo's depth; `size_px` is the
    long side of a result that is smaller than the photo. `working_size_px` is the network's (`ModelSpec`), `version`
    that of this package. Hashes are lower-case hexadecimal SHA-256. Raises `InvalidRecipeError`, `InvalidHintError` or
    `InvalidTemperatureError` for invalid values.
    """

    model: str
    weights_sha256: str
    working_size_px: int
    original_sha256: str | None = None
    hints: tuple[Hint, ...] = ()
    temperature: float | None = None
    saturation: float = 1.0
    warmth: float = 0.0
    edge_aware: bool = True
    format: str | None = None
    quality: int = QUALITY
    bits: int | None = None
    size_px: int | None = None
    strip_location: bool = False
    version: str = __version__

    def __post_init__(self) -> None:
        if self.temperature is not None:
            check_temperature(self.temperature)
        for name, limits in {"saturation": SATURATIONS, "warmth": WARMTHS}.items():
            _check(is_number(getattr(self, name), *limits), name, f"a number from {limits[0]:g} to {limits[1]:g}")
        _check(_is_whole(self.quality, QUALITIES), "quality", "a whole number from 1 to 100")
        _check(self.size_px is None or _is_whole(self.size_px, SIZES_PX), "size_px", "a number of pixels")
        _check(_is_whole(self.working_size_px, SIZES_PX), "working_size_px", "a number of pixels")
        _check(self.format is None or self.format in FORMATS, "format", f"one of {', '.join(FORMATS)}")
        _check(self.bits is None or (_is_whole(self.bits, DEPTHS) and self.bits in DEPTHS), "bits", "8 or 16")
        for name in ("edge_aware", "strip_location"):
            _check(isinstance(getattr(self, name), bool), name, "true or false")
        for name in ("model", "version"):
            _check(isinstance(getattr(self, name), str), name, "a text")
        for name in _NAMES_OF_HASHES:
            value = getattr(self, name)
            is_hash = isinstance(value, str) and _SHA256.fullmatch(value) is not None
            _check(is_hash or (value is None and name == "original_sha256"), name, "a SHA-256 in hexadecimal")

    def to_json(self) -> str:
        """Return the recipe as JSON, one field a line."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse what `to_json` wrote; missing fields have their default.

        Raises `InvalidRecipeError`, `InvalidHintError` or `InvalidTemperatureError`.
        """
        try:
            said = parse_json(text)
        except ValueError as error:
            raise InvalidRecipeError("This is no recipe: it is not JSON.", field=None) from error
        known = {field.name for field in fields(cls)}
        if not isinstance(said, dict) or not set(said) <= known:
            unknown = ", ".join(sorted(set(said) - known)) if isinstance(said, dict) else "no fields"
            raise InvalidRecipeError(f"This is no recipe that is known here: it has {unknown}.", field=None)
        for name in ("model", "weights_sha256", "working_size_px"):
            _check(name in said, name, "needed")
        return cls(**{**said, "hints": hints_from(said.get("hints", ()))})


def _check(fine: bool, field: str, wanted: str) -> None:
    if not fine:
        raise InvalidRecipeError(f"{field} is {wanted}.", field=field)


def _is_whole(value: Any, limits: tuple[int, int]) -> bool:
    return isinstance(value, int) and is_number(value, *limits)
