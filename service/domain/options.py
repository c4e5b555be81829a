"""What somebody asks for beside a photo in, checked `Options` out: the network, hints, colours, and the file's kind.

They come as the members of a JSON object or the fields of a form, and are kept as JSON in the row of the job.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from colorizers.errors import ColorizerError
from colorizers.fileformats.output_formats import check_output_size
from colorizers.json_text import parse_json
from colorizers.prediction.hints import Hint, hints_from
from colorizers.recipe import FORMATS, QUALITIES, SATURATIONS, SIZES_PX, TEMPERATURES, WARMTHS

Format = Literal["jpeg", "png", "tiff", "webp", "layer"]
LOSSY = ("jpeg", "webp")
DEEP = ("png", "tiff")
LEAST_PX = 16
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class InvalidOptionError(ColorizerError):
    """An option has a value that cannot be used. Data: `field`, its name; `errors` lists what is wrong by field."""

    code = "invalid_value"

    def __init__(self, name: str, rule: str) -> None:
        message = f"The option {name!r} {rule}."
        super().__init__(message, field=name, errors=[{"field": name, "message": message}])


def _check(holds: bool, name: str, rule: str) -> None:
    if not holds:
        raise InvalidOptionError(name, rule)


def _check_range(value: float | None, name: str, least: float, most: float) -> None:
    _check(value is None or least <= value <= most, name, f"has to be between {least:g} and {most:g}")


@dataclass(frozen=True)
class Options:
    """What one colouring or rendering is to be like; None stands for the network's or the photo's own.

    `model` is a network's name; `hints` and `temperature` steer it. `saturation` multiplies the chroma and `warmth`
    (-1..1) shifts all colours. `format` is the kind of the file (`layer`: the colours alone, as a transparent PNG),
    `quality` that of a JPEG or WebP, `bits` the depth of a PNG or TIFF, `size_px` its long side, never more than the
    photo's. `strip_location` leaves out what tells where the photo was made. Raises `InvalidOptionError`.
    """

    model: str | None = None
    hints: tuple[Hint, ...] = ()
    temperature: float | None = None
    saturation: float = 1.0
    warmth: float = 0.0
    format: Format | None = None
    quality: int = 95
    bits: Literal[8, 16] | None = None
    size_px: int | None = None
    strip_location: bool = False

    def __post_init__(self) -> None:
        _check(self.model is None or 0 < len(self.model) <= 100, "model", "has to be the name of a network")
        _check_range(self.temperature, "temperature", *TEMPERATURES)
        _check_range(self.saturation, "saturation", *SATURATIONS)
        _check_range(self.warmth, "warmth", *WARMTHS)
        _check(self.format is None or self.format in FORMATS, "format", f"has to be one of {', '.join(FORMATS)}")
        _check_range(self.quality, "quality", *QUALITIES)
        _check(self.bits in (None, 8, 16), "bits", "has to be 8 or 16")
        deep = self.bits != 16 or self.format is None or self.format in DEEP
        _check(deep, "bits", f"can be 16 for {' and '.join(DEEP)} only")
        _check_range(self.size_px, "size_px", LEAST_PX, SIZES_PX[1])

    @classmethod
    def of(cls, members: Mapping[str, Any], base: "Options | None" = None) -> "Options":
        """Return the options that `members` names, the others as in `base` or by default; texts count as values do.

        An empty text stands for the default. Raises `InvalidOptionError`, also where there is no such option.
        """
        known = {f.name for f in fields(cls)}
        for name in members:
            _check(name in known, name, f"is no option; there are {', '.join(sorted(known))}")
        return replace(base or DEFAULT, **{name: _READERS[name](name, value) for name, value in members.items()})

    @classmethod
    def from_json(cls, text: str | None) -> "Options":
        """Return the options that `to_json` wrote, the default ones of None."""
        return cls.of(json.loads(text)) if text else DEFAULT

    def to_json(self) -> str:
        """Return what differs from the default as a JSON object."""
        default = asdict(DEFAULT)
        return json.dumps({name: value for name, value in asdict(self).items() if value != default[name]})


DEFAULT = Options()


def check_result_size(width: int, height: int, options: Options) -> None:
    """Raise `TooLargeForFormatError` where a photo of that size cannot become a file as `options` ask for.

    A photo's own format holds it in any case.
    """
    if options.format:
        check_output_size(width, height, options.format.upper(), options.size_px)


def _text(name: str, value: Any) -> str | None:
    _check(value is None or isinstance(value, str), name, "has to be a text")
    return value.strip() or None if value else None


def _number(name: str, value: Any) -> float | None:
    if value is None or value == "":
        return None
    _check(isinstance(value, int | float | str) and not isinstance(value, bool), name, "has to be a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    _check(math.isfinite(number), name, "has to be a number")
    return number


def _number_or_default(name: str, value: Any) -> float:
    number = _number(name, value)
    return float(getattr(Options, name)) if number is None else number


def _whole(name: str, value: Any) -> int | None:
    number = _number(name, value)
    _check(number is None or number == int(number), name, "has to be a whole number")
    return None if number is None else int(number)


def _whole_or_default(name: str, value: Any) -> int:
    number = _whole(name, value)
    return int(getattr(Options, name)) if number is None else number


def _yes_or_no(name: str, value: Any) -> bool:
    text = str(value if value is not None else "").lower()
    _check(text in _TRUE | _FALSE, name, "has to be true or false")
    return text in _TRUE


def _hints(name: str, value: Any) -> tuple[Hint, ...]:
    try:
        said = parse_json(value or "[]") if isinstance(value, str) else value or []
    except ValueError:
        raise InvalidOptionError(name, "has to be a JSON list") from None
    return hints_from(said)


_READERS: dict[str, Any] = {
    "model": _text,
    "hints": _hints,
    "temperature": _number,
    "saturation": _number_or_default,
    "warmth": _number_or_default,
    "format": _text,
    "quality": _whole_or_default,
    "bits": _whole,
    "size_px": _whole,
    "strip_location": _yes_or_no,
}
