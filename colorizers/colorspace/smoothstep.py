"""The smoothstep function."""

import numpy as np
from numpy.typing import NDArray


def smooth_step(value: NDArray[np.float32] | float, start: float, end: float) -> NDArray[np.float32]:
    """Return 0 up to `start`, 1 from `end` on, and a smooth rise in between; `end` may be less than `start`."""
    t = np.clip((np.asarray(value, np.float32) - np.float32(start)) / np.float32(end - start), 0, 1)
    rise: NDArray[np.float32] = t * t * (3 - 2 * t)
    return rise
