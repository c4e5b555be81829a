"""Restriction of color hints to their spots and to what belongs to them.

Hints tint the whole picture in a network that has learned how the colors of a photo go together, but people mean the
object that they point at. So the change that hints make to a prediction is kept where it is a large part of the change
asked for, where the photo is about as light as at the spot, and near it. The spot itself gets the color of the hint.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizers.colorspace.smoothstep import smooth_step
from colorizers.prediction.hints import Hint

_Floats = NDArray[np.float32]

MOST_SEEN_RADIUS = 0.0215
"""Largest radius that networks are shown. They are trained with patches of a few pixels (Zhang et al. 2017: up to 9 of
176) and respond less to larger ones."""
# Shares of the change asked for: up to the first it is only a tint, from the second on it is the same object.
_SHARES = (0.25, 0.6)
# How far from the spot, in short sides of the photo, the change begins to fade and has faded.
_REACH = (0.15, 0.6)
# A difference in L at which a place is likely part of another object.
_LIKE_L = 35.0
# A change asked for that is as small as this, in ab, does not tell what belongs to the spot.
_LEAST_CHANGE = 5.0
# Width of a spot's soft edge, in cells of the prediction.
_SOFT_CELLS = 1.5


def seen_hints(hints: Sequence[Hint]) -> list[Hint]:
    """Return the hints with the radius limited to what networks are trained with."""
    return [replace(hint, radius=min(hint.radius, MOST_SEEN_RADIUS)) for hint in hints]


def localized(
    plain: _Floats, hinted: _Floats, L: _Floats, hints: Sequence[Hint], photo_size: tuple[int, int]
) -> _Floats:
    """Return ab (2, h, w), raw units, from predictions without and with `hints`, `plain` and `hinted` (2, h, w).

    `L` (h', w') is the network's input, `photo_size` the photo's width and height. Later hints cover earlier ones.
    """
    height, width = plain.shape[1:]
    guide = np.asarray(Image.fromarray(L).resize((width, height), Image.Resampling.BOX))
    change = hinted - plain
    gate = np.zeros((height, width), np.float32)
    spots = [(hint, _distance(hint, height, width, photo_size)) for hint in hints]
    for hint, distance in spots:
        inside = distance <= max(hint.radius, distance.min())
        wanted = np.array([hint.a, hint.b], np.float32) - plain[:, inside].mean(axis=1)
        share = np.tensordot(wanted, change, 1) / (wanted @ wanted + _LEAST_CHANGE**2)
        like = np.exp(-(((guide - guide[inside].mean()) / _LIKE_L) ** 2))
        near = 1 - smooth_step(distance - hint.radius, *_REACH)
        gate = np.maximum(gate, smooth_step(share, *_SHARES) * like * near)
    ab = plain + gate * change
    soft = _SOFT_CELLS * photo_size[1] / (height * min(photo_size))
    for hint, distance in spots:
        cover = 1 - smooth_step(distance - max(hint.radius, distance.min()), 0, soft)
        ab += cover * (np.array([[[hint.a]], [[hint.b]]], np.float32) - ab)
    return ab.astype(np.float32)


def _distance(hint: Hint, height: int, width: int, photo_size: tuple[int, int]) -> _Floats:
    """Return the distance of every cell of a prediction (h, w) from the hint's center, in short sides of the photo."""
    short = min(photo_size)
    across = ((np.arange(width) + 0.5) / width - hint.x) * (photo_size[0] / short)
    down = ((np.arange(height) + 0.5) / height - hint.y) * (photo_size[1] / short)
    return np.hypot(down[:, None], across).astype(np.float32)
