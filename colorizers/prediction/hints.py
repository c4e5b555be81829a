"""Color hints: spots of a photo with a known color, and the input planes that a network takes them from.

A hint has a position in the upright photo, a radius and ab; the network takes an ab plane and a mask of {0, 1} at its
working size (Zhang et al. 2017). Loads no torch and no numba.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from colorizers.errors import InvalidHintError

MOST_HINTS = 500
MOST_AB = 128.0
_RANGES = {"x": (0.0, 1.0), "y": (0.0, 1.0), "radius": (0.0, 1.0), "a": (-MOST_AB, MOST_AB), "b": (-MOST_AB, MOST_AB)}


def is_number(value: Any, least: float, most: float) -> bool:
    """Return whether `value` is a number, and no boolean, from `least` to `most`."""
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(least <= value <= most)


@dataclass(frozen=True)
class Hint:
    """A round spot of a known color; a = b = 0 is gray.

    `x` and `y`, 0..1, are its center in the upright photo, from the left and from the top; `radius`, 0..1, is a
    fraction of the photo's short side; `a` and `b`, -128..128, are CIELAB's. Raises `InvalidHintError`.
    """

    x: float
    y: float
    radius: float
    a: float
    b: float

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            if not is_number(getattr(self, name), least, most):
                message = f"The {name} of a hint is a number from {least:g} to {most:g}."
                raise InvalidHintError(message, field=name, least=least, most=most)

    @classmethod
    def from_dict(cls, value: Any) -> Self:
        """Return the hint whose fields are the items of a mapping; raises `InvalidHintError` for anything else."""
        names = [field.name for field in fields(cls)]
        if not isinstance(value, Mapping) or set(value) != set(names):
            raise InvalidHintError(f"A hint has exactly {', '.join(names)}.", field="hints")
        return cls(**value)


def hints_from(value: Any) -> tuple[Hint, ...]:
    """Return the hints of a list of mappings; raises `InvalidHintError` for anything else, or for too many."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise InvalidHintError("Hints are a list.", field="hints")
    if len(value) > MOST_HINTS:
        raise InvalidHintError(f"There are at most {MOST_HINTS} hints.", field="hints", most=MOST_HINTS)
    return tuple(Hint.from_dict(hint) for hint in value)


def hint_planes(
    hints: Sequence[Hint], height: int, width: int, photo_size: tuple[int, int] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ab (2, h, w) in raw units and the mask (1, h, w) in {0, 1} of `hints` at a network's working size.

    A hint covers its circle in the photo, at least the pixel of its center; a later hint covers an earlier one.
    `photo_size` (width, height) gives the photo's proportions where the working size has others, so that hints are
    circles in the photo and not in the network's input.
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
    """Return the index of the one of `count` equal parts of 0..1 that contains `position`."""
    return min(int(position * count), count - 1)
