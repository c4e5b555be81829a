"""Rendering of a prediction: the photo's pixels in color.

The network runs once. Its prediction is small, can be stored with the photo, and is rendered again with another
saturation, format or size without the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.lab import Pixels
from colorizers.prediction.prediction import Prediction as Prediction
from colorizers.rendering.color_pass import join, join_bands
from colorizers.rendering.guided_upsampling import bilinear_planes, edge_aware_planes

WARM_AB = (3.0, 12.0)
"""The ab that a warmth of 1 adds: lamplight yellow; a warmth of -1 adds its opposite, a shadow's blue."""


@dataclass(frozen=True)
class Rendering:
    """Options of rendering.

    `saturation` multiplies the chroma, then `warmth`, -1..1, adds that share of `WARM_AB`. With `edge_aware` colors
    follow the photo's edges, without it ab is interpolated bilinearly. `clip` clips what is outside sRGB, which changes
    luminance, instead of reducing chroma.
    """

    saturation: float = 1.0
    edge_aware: bool = True
    clip: bool = False
    warmth: float = 0.0


FAITHFUL = Rendering()
PUBLISHED = Rendering(edge_aware=False, clip=True)
"""The rendering of the published networks' demo."""


def render(pixels: Pixels, prediction: Prediction, rendering: Rendering = FAITHFUL) -> Pixels:
    """Color `pixels`, gray (h, w) or RGB (h, w, 3), by the prediction: RGB (h, w, 3) of the same depth.

    Unless `rendering` clips, every pixel keeps its gray level. Raises `ValueError` where the prediction is not finite.
    """
    return join(pixels, _planes(prediction, rendering), clip=rendering.clip)


def render_bands(pixels: Pixels, prediction: Prediction, rendering: Rendering = FAITHFUL) -> Iterator[Pixels]:
    """Yield the result of `render` from top to bottom in bands, without holding all of it."""
    yield from join_bands(pixels, _planes(prediction, rendering), clip=rendering.clip)


def _planes(prediction: Prediction, rendering: Rendering) -> NDArray[np.float32]:
    expand = edge_aware_planes if rendering.edge_aware else bilinear_planes
    planes = expand(prediction.ab, prediction.L) * np.float32(rendering.saturation)
    planes[:2] += np.array(WARM_AB, np.float32)[:, None, None] * np.float32(rendering.warmth)
    return planes
