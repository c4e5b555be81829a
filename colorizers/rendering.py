"""A network's answer for a photo and how it is to be rendered in, the photo's pixels in colour out.

The network runs once; its answer is small, can be kept beside the photo, and renders again with other vividness, in
another format or at another size without it.
"""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from colorizers.colour import join
from colorizers.lab import Pixels
from colorizers.upsampling import bilinear_planes, edge_aware_planes


@dataclass(frozen=True, eq=False)
class Prediction:
    """A network's answer for one photo: `ab`, float32 (2, h', w') in raw units, and `L`, float32 (h, w), that it saw.

    Rows and columns of both are spread over the whole photo.
    """

    ab: NDArray[np.float32]
    L: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """Return the prediction as the bytes of an .npz file; the same prediction gives the same bytes."""
        file = BytesIO()
        np.savez(file, ab=self.ab, L=self.L)
        return file.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> "Prediction":
        """Return the prediction that `to_bytes` wrote; raises `ValueError` where the bytes are something else."""
        try:
            with np.load(BytesIO(data), allow_pickle=False) as arrays:
                return Prediction(arrays["ab"], arrays["L"])
        except Exception as error:  # Broken bytes make the reader raise whatever it was about to do.
            raise ValueError("these bytes are no prediction") from error


@dataclass(frozen=True)
class Rendering:
    """How a prediction becomes pixels.

    `saturation` multiplies the chroma. `edge_aware` lets colours follow the photo's edges; without it ab is brought to
    full size bilinearly. `clip` cuts off what is outside sRGB, which shifts luminance, instead of reducing chroma.
    """

    saturation: float = 1.0
    edge_aware: bool = True
    clip: bool = False


FAITHFUL = Rendering()
PUBLISHED = Rendering(edge_aware=False, clip=True)
"""What the published networks' authors do in their demo."""


def render(pixels: Pixels, prediction: Prediction, rendering: Rendering = FAITHFUL) -> Pixels:
    """Return RGB (h, w, 3) of the depth of `pixels`, gray (h, w) or RGB (h, w, 3), in the prediction's colours.

    Unless `rendering` clips, every pixel keeps its gray level. Raises `ValueError` where the prediction is not finite.
    """
    expand = edge_aware_planes if rendering.edge_aware else bilinear_planes
    planes = expand(prediction.ab, prediction.L)
    return join(pixels, planes * np.float32(rendering.saturation), clip=rendering.clip)
