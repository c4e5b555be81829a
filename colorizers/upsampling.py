"""A network's small ab picture and the L it saw in, the planes from which ab is drawn at full size out.

Interpolation alone lets colours bleed over edges that the photo shows sharply. Edge-aware planes also say how ab
changes with the gray level around each place, the slope of a line through its neighbourhood as in the guided filter
(He, Sun and Tang 2013); unlike there, the line passes through the network's own ab. What follows an edge of the gray
picture then follows it in the photo too: in photos of 12 to 24 megapixels that takes about a fifth of the error away
(`python -m benchmarks upsampling`). L in place of the gray level takes as much.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from colorizers.lab import gray_share

Floats = NDArray[np.float32]

# Added to the variance of gray levels in 0..1, so that noise in flat areas gives no slope.
_EPSILON = np.float32(3e-4)


def edge_aware_planes(ab: Floats, L: Floats) -> Floats:
    """Return ab at black and its rise up to white, (4, h', w'), for ab (2, h', w') and L (h, w) in 0..100.

    The rise goes by gray level. L is brought to the size of ab as the mean over the area of each of its pixels.
    """
    guide = gray_share(_resized(L, ab.shape[1:], Image.Resampling.BOX))
    slopes = _slopes(ab, guide)
    return np.concatenate([ab - slopes * guide, slopes])


def bilinear_planes(ab: Floats, L: Floats) -> Floats:
    """Return ab (2, h, w) as the published networks give it: first brought bilinearly to the size of L (h, w)."""
    return np.stack([_resized(plane, L.shape, Image.Resampling.BILINEAR) for plane in ab])


def _slopes(planes: Floats, guide: Floats) -> Floats:
    """Return by how much each of `planes` (n, h, w) rises with `guide` (h, w) around each pixel."""
    means = _smoothed(np.concatenate([planes, planes * guide, guide[None], guide[None] ** 2]))
    of_planes, of_products, of_guide, of_square = means[: len(planes)], means[len(planes) : -2], means[-2], means[-1]
    variance, covariances = of_square - of_guide * of_guide, of_products - of_guide * of_planes
    return _smoothed(covariances / (variance + _EPSILON))


def _resized(plane: Floats, shape: tuple[int, ...], filter_: Image.Resampling) -> Floats:
    height, width = shape
    return np.asarray(Image.fromarray(plane).resize((width, height), filter_))


def _smoothed(planes: Floats) -> Floats:
    """Return `planes` (n, h, w) as means over 3 x 3 pixels, those at the border repeated."""
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    sums: Floats = rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]
    return sums / np.float32(9)
