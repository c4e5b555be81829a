"""Spread of color hints to the objects they lie on, along an affinity graph of the photo.

The residual between the hints and a network's answer is fixed in the hinted cells and diffuses from there to cells that
are alike: in lightness, and in the features of the network's encoder where it offers them. Edges of the photo stop it
(screened Poisson equation; Levin et al. 2004 for scribbles, Grady 2006 for segmentation by random walks). It works for
every network, and follows colors that no network would predict.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse
from scipy.sparse.linalg import splu

from colorizers.prediction.hints import Hint, hint_planes

_Floats = NDArray[np.float32]

# The grid's short side in cells: finer ones follow edges little better, and the time grows faster than their cells.
_MOST_SHORT_CELLS = 96
# How much differences in lightness, in units of 100 L, and in features count. Chosen by regions (docs/training.md).
_LIGHTNESS_SHARPNESS = 300.0
_FEATURE_SHARPNESS = 2.5
# What is left of an affinity over any edge, so that the system is well conditioned.
_LEAST_AFFINITY = 1e-3
# The pull of every cell to the network's own answer.
_SCREENING = 3e-4


def propagate(
    ab: _Floats, L: _Floats, hints: Sequence[Hint], photo_size: tuple[int, int], features: _Floats | None = None
) -> _Floats:
    """Return ab (2, h, w), raw units, of a network's answer `ab` (2, h', w') corrected by `hints`.

    `L` (h'', w'') in 0..100 is the network's input, `photo_size` the photo's width and height, and `features`
    (c, h''', w''') any features in which parts of one object are alike; all of them cover the whole photo. The result
    is exact in the cells of a hint. Of two hints for one place the later counts.
    """
    height, width = _grid_size(L.shape[0], L.shape[1])
    answer = np.stack([_resized(plane, height, width, Image.Resampling.BILINEAR) for plane in ab])
    if not hints:
        return answer
    hint_ab, mask = hint_planes(hints, height, width, photo_size)
    fixed = mask[0].ravel() > 0
    residual = (hint_ab - answer).reshape(2, -1)
    laplacian = _laplacian(*_affinities(_resized(L, height, width, Image.Resampling.BOX), features))
    free = ~fixed
    from_free = laplacian[free]
    system = from_free[:, free] + sparse.identity(int(free.sum())) * _SCREENING
    known = -(from_free[:, fixed] @ residual[:, fixed].T)
    if free.any():
        # The matrix is symmetric and diagonally dominant: it needs no pivoting, and an ordering of A + A' fits it.
        factors = splu(system.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        residual[:, free] = factors.solve(known).T
    return (answer + residual.reshape(2, height, width)).astype(np.float32)


def _grid_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of the graph's grid for an input of `height` x `width`."""
    scale = min(0.5, _MOST_SHORT_CELLS / min(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _resized(plane: _Floats, height: int, width: int, filter_: Image.Resampling) -> _Floats:
    return np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), filter_))


def _affinities(L: _Floats, features: _Floats | None) -> tuple[_Floats, _Floats]:
    """Return the affinities, 0..1, of horizontal (h, w - 1) and vertical (h - 1, w) neighbors."""
    height, width = L.shape
    across, down = _squared_steps(L[None] / 100)
    across, down = _LIGHTNESS_SHARPNESS * across, _LIGHTNESS_SHARPNESS * down
    if features is not None:
        grid = np.stack([_resized(plane, height, width, Image.Resampling.BILINEAR) for plane in features])
        feature_across, feature_down = _squared_steps(grid)
        across, down = across + _FEATURE_SHARPNESS * feature_across, down + _FEATURE_SHARPNESS * feature_down
    return np.exp(-across) + _LEAST_AFFINITY, np.exp(-down) + _LEAST_AFFINITY


def _squared_steps(planes: _Floats) -> tuple[_Floats, _Floats]:
    """Return the squared differences of horizontal and vertical neighbors, summed over planes (c, h, w)."""
    across, down = np.diff(planes, axis=2), np.diff(planes, axis=1)
    return np.einsum("chw,chw->hw", across, across), np.einsum("chw,chw->hw", down, down)


def _laplacian(across: _Floats, down: _Floats) -> "sparse.csr_array":
    """Return the graph Laplacian (h * w, h * w) of a grid with the given affinities."""
    cells = np.arange(across.shape[0] * down.shape[1]).reshape(across.shape[0], down.shape[1])
    start = np.concatenate([cells[:, :-1].ravel(), cells[:-1].ravel()])
    end = np.concatenate([cells[:, 1:].ravel(), cells[1:].ravel()])
    weight = np.concatenate([across.ravel(), down.ravel()]).astype(np.float64)
    half = sparse.coo_array((weight, (start, end)), shape=(cells.size, cells.size))
    affinity = (half + half.T).tocsr()
    degree = affinity.sum(axis=1)
    return (sparse.diags_array(degree) - affinity).tocsr()
