"""Points of a photo whose colour somebody knows in, the planes that a network reads them from out.

Users say where in the upright photo, how large a spot and which ab; the network wants an ab plane and a mask of {0, 1}
at its working size (Zhang et al. 2017). Nothing here loads torch or numba.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from colorizers.errors import InvalidHintError

MOST_HINTS = 500
MOST_AB = 128.0
_RANGES = {"x": (0.0, 1.0), "y": (0.0, 1.0), "radius": (0.0, 1.0), "a": (-MOST_AB, MOST_AB), "b": (-MOST_AB, MOST_AB)}


@dataclass(frozen=True)
class Hint:
    """A round spot of a known colour: "this is gray" is a hint with a = b = 0.

    `x` and `y`, 0..1, are its centre in the upright photo, from the left and from the top; `radius`, 0..1, is a
    fraction of the photo's short side; `a` and `b`, -128..128, are CIELAB's. Raises `InvalidHintError` for others.
    """

    x: float
    y: float
    radius: float
    a: float
    b: float

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not least <= value <= most:
                message = f"The {name} of a hint is a number from {least:g} to {most:g}."
                raise InvalidHintError(message, field=name, least=least, most=most)

    @classmethod
    def from_dict(cls, said: Any) -> Self:
        """Return the hint that `as_dict` told of; raises `InvalidHintError` where `said` is anything else."""
        names = [field.name for field in fields(cls)]
        if not isinstance(said, Mapping) or set(said) != set(names):
            raise InvalidHintError(f"A hint has exactly {', '.join(names)}.", field="hints")
        return cls(**{name: said[name] for name in names})

    def as_dict(self) -> dict[str, float]:
        """Return the hint as JSON can hold it."""
        return asdict(self)


def hints_from(said: Any) -> tuple[Hint, ...]:
    """Return the hints of a list of mappings; raises `InvalidHintError` where it is none or has too many."""
    if not isinstance(said, Sequence) or isinstance(said, str | bytes):
        raise InvalidHintError("Hints are a list.", field="hints")
    if len(said) > MOST_HINTS:
        raise InvalidHintError(f"There are at most {MOST_HINTS} hints.", field="hints", most=MOST_HINTS)
    return tuple(Hint.from_dict(hint) for hint in said)


def hint_planes(
    hints: Sequence[Hint], height: int, width: int, photo_size: tuple[int, int] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ab (2, h, w) in raw units and the mask (1, h, w) in {0, 1} of `hints` at a network's working size.

    A hint covers its circle in the photo, and the pixel of its centre at least; a later hint covers an earlier one.
    `photo_size` (width, height) tells the photo's proportions where the working size has others, so that a circle
    squeezed by the network's input stays one in the photo.
    """
    ab, mask = np.zeros((2, height, width), np.float32), np.zeros((1, height, width), np.float32)
    photo_width, photo_height = photo_size or (width, height)
    short = min(photo_width, photo_height)
    rows = (np.arange(height) + 0.5) / height
    columns = (np.arange(width) + 0.5) / width
    for hint in hints:
        down = (rows - hint.y) * (photo_height / short)
        across = (columns - hint.x) * (photo_width / short)
        inside = down[:, None] ** 2 + across**2 <= hint.radius**2
        inside[cell(hint.y, height), cell(hint.x, width)] = True
        ab[:, inside] = np.array([[hint.a], [hint.b]], np.float32)
        mask[:, inside] = 1
    return ab, mask


def cell(position: float, count: int) -> int:
    """Return in which of `count` equal parts of 0..1 `position` lies."""
    return min(int(position * count), count - 1)
