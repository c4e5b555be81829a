"""Spread of color hints to the objects they lie on, along an affinity graph of the photo.

The residual between the hints and a network's answer is fixed in the hinted cells and diffuses from there to cells
that are alike in lightness (screened Poisson equation; Levin et al. 2004 for scribbles, Grady 2006 for segmentation by
random walks). A threshold on how much of a hint arrives in a cell cuts what leaks over edges. This works for every
network, and follows colors that no network would predict.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse
from scipy.sparse.linalg import splu

from colorizers.colorspace.smoothstep import smooth_step
from colorizers.prediction.hints import Hint, hint_planes

_Floats = NDArray[np.float32]

# The grid's short side in cells: finer ones follow edges little better, and the time grows faster than their cells.
_MOST_SHORT_CELLS = 96
# How much squared differences in lightness, in units of 100 L, count. This and the next three were chosen by
# `training evaluate` (objects); features of the embedded network's encoder beside lightness changed nothing there.
_SHARPNESS = 600.0
# What is left of an affinity over any edge.
_LEAST_AFFINITY = 1e-4
# The pull of every cell to the network's own answer.
_SCREENING = 1e-4
# Below the first influence, 0..1, a cell keeps the answer; above the second it takes the hints' residual whole.
_INFLUENCE = (0.2, 0.5)
_LEAST_INFLUENCE = 1e-6


def propagate(ab: _Floats, L: _Floats, hints: Sequence[Hint], photo_size: tuple[int, int]) -> _Floats:
    """Return ab (2, h, w), raw units, of a network's answer `ab` (2, h', w') corrected by one or more `hints`.

    `L` (h'', w'') in 0..100 is the network's input, of which (h, w) is half the size or less, and `photo_size` the
    photo's width and height. The result is exact in the cells of a hint. Of two hints for one place the later counts.
    """
    height, width = _grid_size(L.shape[0], L.shape[1])
    answer = np.stack([_resized(plane, height, width, Image.Resampling.BILINEAR) for plane in ab])
    hint_ab, mask = hint_planes(hints, height, width, photo_size)
    fixed = mask[0].ravel() > 0
    # The third plane is 1 in the hinted cells: how far their influence reaches.
    spread = np.concatenate([(hint_ab - answer).reshape(2, -1), np.ones((1, fixed.size), np.float32)])
    laplacian = _laplacian(_resized(L, height, width, Image.Resampling.BOX))
    free = np.flatnonzero(~fixed)
    if free.size:
        rows = laplacian[free]
        system = rows[:, free] + sparse.identity(free.size) * _SCREENING
        # The matrix is symmetric and diagonally dominant: it needs no pivoting, and an ordering of A + A' fits it.
        factors = splu(system.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        spread[:, free] = factors.solve(-(rows[:, fixed] @ spread[:, fixed].T)).T
    influence = spread[2]
    share = smooth_step(influence, *_INFLUENCE) / np.maximum(influence, _LEAST_INFLUENCE)
    result: _Floats = answer + (spread[:2] * share).reshape(2, height, width)
    return result.astype(np.float32)


def _grid_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of the graph's grid for an input of `height` x `width`."""
    scale = min(0.5, _MOST_SHORT_CELLS / min(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _resized(plane: _Floats, height: int, width: int, filter_: Image.Resampling) -> _Floats:
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), filter_))


def _laplacian(L: _Floats) -> sparse.csr_array:
    """Return the graph Laplacian (h * w, h * w) of the cells of L (h, w), each linked to its four neighbors."""
    cells = np.arange(L.size).reshape(L.shape)
    start = np.concatenate([cells[:, :-1].ravel(), cells[:-1].ravel()])
    end = np.concatenate([cells[:, 1:].ravel(), cells[1:].ravel()])
    step = (L.ravel()[start] - L.ravel()[end]).astype(np.float64) / 100
    affinity = np.exp(-_SHARPNESS * step**2) + _LEAST_AFFINITY
    half = sparse.coo_array((affinity, (start, end)), shape=(L.size, L.size))
    both = half + half.T
    return (sparse.diags_array(both.sum(axis=1)) - both).tocsr()
