"""A network's answer for a photo and how it is to be rendered in, the photo's pixels in colour out.

The network runs once; its answer is small, can be kept beside the photo, and renders again with other vividness, in
another format or at another size without it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from colorizers.colour import join, join_bands
from colorizers.lab import Pixels
from colorizers.prediction import Prediction as Prediction
from colorizers.upsampling import bilinear_planes, edge_aware_planes

WARM_AB = (3.0, 12.0)
"""The ab that full warmth adds: the yellow of a lamp; minus that is the blue of a shadow."""


@dataclass(frozen=True)
class Rendering:
    """How a prediction becomes pixels.

    `saturation` multiplies the chroma, then `warmth`, -1..1, adds so much of `WARM_AB`. `edge_aware` lets colours
    follow the photo's edges; without it ab is brought to full size bilinearly. `clip` cuts off what is outside sRGB,
    which shifts luminance, instead of reducing chroma.
    """

    saturation: float = 1.0
    edge_aware: bool = True
    clip: bool = False
    warmth: float = 0.0


FAITHFUL = Rendering()
PUBLISHED = Rendering(edge_aware=False, clip=True)
"""What the published networks' authors do in their demo."""


def render(pixels: Pixels, prediction: Prediction, rendering: Rendering = FAITHFUL) -> Pixels:
    """Return RGB (h, w, 3) of the depth of `pixels`, gray (h, w) or RGB (h, w, 3), in the prediction's colours.

    Unless `rendering` clips, every pixel keeps its gray level. Raises `ValueError` where the prediction is not finite.
    """
    return join(pixels, _planes(prediction, rendering), clip=rendering.clip)


def render_bands(pixels: Pixels, prediction: Prediction, rendering: Rendering = FAITHFUL) -> Iterator[Pixels]:
    """Yield what `render` returns, from top to bottom, band by band: it is never held as a whole."""
    yield from join_bands(pixels, _planes(prediction, rendering), clip=rendering.clip)


def _planes(prediction: Prediction, rendering: Rendering) -> NDArray[np.float32]:
    expand = edge_aware_planes if rendering.edge_aware else bilinear_planes
    planes = expand(prediction.ab, prediction.L) * np.float32(rendering.saturation)
    planes[:2] += np.array(WARM_AB, np.float32)[:, None, None] * np.float32(rendering.warmth)
    return planes
