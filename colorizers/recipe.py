"""Recipes: all settings that determine a result, as a value that is stored as JSON beside it. Loads no torch.

The same recipe, photo and weights give the same bytes again on the same machine, with the same versions of the packages
and the same number of threads.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
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
class Options:
    """What one colouring or rendering is to be like; None stands for the network's or the photo's own.

    `model` is a network's name; `hints` and `temperature` steer it. `saturation` multiplies the chroma and `warmth`
    (-1..1) shifts all colours. `format` is the kind of the file (`layer`: the colours alone, as a transparent PNG),
    `quality` that of a JPEG or WebP, `bits` the depth of a PNG or TIFF, `size_px` its long side, never more than the
    photo's. `strip_location` leaves out where the photo was made. Raises `InvalidRecipeError`, `InvalidHintError` or
    `InvalidTemperatureError` for invalid values.
    """

    model: str | None = None
    hints: tuple[Hint, ...] = ()
    temperature: float | None = None
    saturation: float = 1.0
    warmth: float = 0.0
    format: str | None = None
    quality: int = QUALITY
    bits: int | None = None
    size_px: int | None = None
    strip_location: bool = False

    def __post_init__(self) -> None:
        _check(self.model is None or isinstance(self.model, str), "model", "a text")
        if self.temperature is not None:
            check_temperature(self.temperature)
        for name, limits in {"saturation": SATURATIONS, "warmth": WARMTHS}.items():
            _check(is_number(getattr(self, name), *limits), name, f"a number from {limits[0]:g} to {limits[1]:g}")
        _check(_is_whole(self.quality, QUALITIES), "quality", "a whole number from 1 to 100")
        _check(self.size_px is None or _is_whole(self.size_px, SIZES_PX), "size_px", "a number of pixels")
        _check(self.format is None or self.format in FORMATS, "format", f"one of {', '.join(FORMATS)}")
        _check(self.bits is None or (_is_whole(self.bits, DEPTHS) and self.bits in DEPTHS), "bits", "8 or 16")
        _check(isinstance(self.strip_location, bool), "strip_location", "true or false")

    @classmethod
    def from_members(cls, members: Mapping[str, Any]) -> Self:
        """Return the value with those members, whose hints are mappings as in JSON; missing ones have their default.

        Raises `InvalidHintError`, and what the class does.
        """
        return cls(**{**members, "hints": hints_from(members.get("hints", ()))})

    def changes(self) -> dict[str, Any]:
        """Return the members that differ from the default, as in JSON."""
        default = asdict(Options())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


@dataclass(frozen=True, kw_only=True)
class Recipe(Options):
    """The options by which a photo became a result, and the network, weights and photo that they were applied to.

    `working_size_px` is the network's (`ModelSpec`), `version` that of this package. Hashes are lower-case hexadecimal
    SHA-256. Raises what `Options` does.
    """

    model: str
    weights_sha256: str
    working_size_px: int
    original_sha256: str | None = None
    edge_aware: bool = True
    version: str = __version__

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(_is_whole(self.working_size_px, SIZES_PX), "working_size_px", "a number of pixels")
        _check(isinstance(self.edge_aware, bool), "edge_aware", "true or false")
        for name in ("model", "version"):
            _check(isinstance(getattr(self, name), str), name, "a text")
        for name in _NAMES_OF_HASHES:
            value = getattr(self, name)
            is_hash = isinstance(value, str) and _SHA256.fullmatch(value) is not None
            _check(is_hash or (value is None and name == "original_sha256"), name, "a SHA-256 in hexadecimal")

    def with_options(self, options: Options) -> Self:
        """Return the recipe with other options, for the same network."""
        return replace(self, **{**vars(options), "model": self.model})

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
        return cls.from_members(said)


def _check(fine: bool, field: str, wanted: str) -> None:
    if not fine:
        raise InvalidRecipeError(f"{field} is {wanted}.", field=field)


def _is_whole(value: Any, limits: tuple[int, int]) -> bool:
    return isinstance(value, int) and is_number(value, *limits)
