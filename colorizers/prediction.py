"""A network's answer for a photo as arrays in, as bytes to keep beside the photo out, and back. Loads no torch."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from colorizers.distribution import Distribution
from colorizers.hints import cell
from colorizers.lab import gray_share


@dataclass(frozen=True, eq=False)
class Prediction:
    """A network's answer for one photo: `ab`, float32 (2, h', w') in raw units, and `L`, float32 (h, w), that it saw.

    Rows and columns of both are spread over the whole photo, whose width and height in pixels are `photo_size`: a
    network's input may have other proportions. `distribution` is what the answer was chosen from, where the network
    tells; it is kept apart.
    """

    ab: NDArray[np.float32]
    L: NDArray[np.float32]
    photo_size: tuple[int, int] | None = None
    distribution: Distribution | None = None

    def gray_level_at(self, x: float, y: float) -> int:
        """Return the gray level, 0..255, that the network saw at `x` and `y`, 0..1 of the upright photo."""
        height, width = self.L.shape
        return round(255 * float(gray_share(self.L[cell(y, height), cell(x, width), None])[0]))

    def to_bytes(self) -> bytes:
        """Return the prediction, without its distribution, as the bytes of an .npz file.

        The same prediction gives the same bytes.
        """
        file = BytesIO()
        size = {} if self.photo_size is None else {"photo_size": np.array(self.photo_size, np.int64)}
        np.savez(file, ab=self.ab, L=self.L, **size)  # type: ignore[arg-type]  # numpy's own keyword is meant apart.
        return file.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> "Prediction":
        """Return the prediction that `to_bytes` wrote; raises `ValueError` where the bytes are something else."""
        try:
            with np.load(BytesIO(data), allow_pickle=False) as arrays:
                size = None
                if "photo_size" in arrays.files:
                    width, height = arrays["photo_size"].tolist()
                    size = (int(width), int(height))
                return Prediction(arrays["ab"], arrays["L"], size)
        except Exception as error:  # Broken bytes make the reader raise whatever it was about to do.
            raise ValueError("these bytes are no prediction") from error
