"""The prediction of a network for a photo, and its serialization. Loads no torch."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.lab import gray_share
from colorizers.prediction.distribution import Distribution
from colorizers.prediction.hints import cell


@dataclass(frozen=True, eq=False)
class Prediction:
    """The ab that a network predicted, float32 (2, h', w') in raw units, and its input L, float32 (h, w) in 0..100.

    Both cover the whole photo, whose width and height in pixels are `photo_size`; a network's input may have other
    proportions. `distribution` is the distribution over ab bins, of networks that have one; it is serialized apart.
    """

    ab: NDArray[np.float32]
    L: NDArray[np.float32]
    photo_size: tuple[int, int] | None = None
    distribution: Distribution | None = None

    def gray_level_at(self, x: float, y: float) -> int:
        """Return the gray level, 0..255, of the network's input at `x` and `y`, 0..1 of the upright photo."""
        height, width = self.L.shape
        return round(255 * float(gray_share(self.L[cell(y, height), cell(x, width), None])[0]))

    def to_bytes(self) -> bytes:
        """Serialize the prediction, without its distribution, as an .npz file; equal predictions give equal bytes."""
        file = BytesIO()
        size = {} if self.photo_size is None else {"photo_size": np.array(self.photo_size, np.int64)}
        np.savez(file, ab=self.ab, L=self.L, **size)  # type: ignore[arg-type]  # mypy takes it for the keyword `allow_pickle`.
        return file.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> "Prediction":
        """Read what `to_bytes` wrote; raises `ValueError` for other bytes."""
        try:
            with np.load(BytesIO(data), allow_pickle=False) as arrays:
                size = None
                if "photo_size" in arrays.files:
                    width, height = arrays["photo_size"].tolist()
                    size = (int(width), int(height))
                return Prediction(arrays["ab"], arrays["L"], size)
        except Exception as error:  # Broken files make numpy raise errors of many kinds.
            raise ValueError("these bytes are no prediction") from error
