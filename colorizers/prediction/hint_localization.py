"""Limits to the change that hints make in a network with hint inputs of its own.

A hint tints the whole picture in a network that has learnt how the colours of a photo go together; people mean the one
thing they point at. So the network's change counts where it is a good part of the change that was asked for, where the
photo is about as light as at the spot, and not too far from it. The spot itself gets the colour that was said.
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
"""Networks learn from patches of a few pixels (Zhang et al. 2017: up to 9 of 176); from large ones they turn away."""
# Below the first share of the wanted change it is a tint, above the second it is the same thing.
_SHARES = (0.25, 0.6)
# How far from the spot, in short sides of the photo, the change begins to fade and has faded.
_REACH = (0.15, 0.6)
# Lightness that differs by this, in L, is likely something else.
_LIKE_L = 35.0
# A wanted change as small as this, in ab, says nothing about what follows it.
_LEAST_CHANGE = 5.0
# The spot's edge fades over so many cells of the network's answer.
_SOFT_CELLS = 1.5


def seen_hints(hints: Sequence[Hint]) -> list[Hint]:
    """Return the hints as a network is to see them."""
    return [replace(hint, radius=min(hint.radius, MOST_SEEN_RADIUS)) for hint in hints]


def localized(
    plain: _Floats, hinted: _Floats, L: _Floats, hints: Sequence[Hint], photo_size: tuple[int, int]
) -> _Floats:
    """Return ab (2, h, w), raw units, from a network's answers without and with `hints`, both (2, h, w).

    `L` (h', w') is what the network saw, `photo_size` the photo's width and height. Of two hints for one place the
    later counts.
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
    """Return how far every cell of an answer (h, w) is from the hint's centre, in short sides of the photo."""
    short = min(photo_size)
    across = ((np.arange(width) + 0.5) / width - hint.x) * (photo_size[0] / short)
    down = ((np.arange(height) + 0.5) / height - hint.y) * (photo_size[1] / short)
    return np.hypot(down[:, None], across).astype(np.float32)
