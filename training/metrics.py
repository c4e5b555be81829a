"""Two RGB pictures in, how far apart their colours are out: PSNR, SSIM, CIEDE2000, chroma, colourfulness, ab errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

THRESHOLDS = 151  # 0, 1 ... 150 ab units, Zhang et al. 2016, section 3.1
_GRID = 10  # ab units of a colour class
_REACH = 12  # classes from -120 to 120
CLASSES = (2 * _REACH + 1) ** 2
_SIGMA = 5.0  # of the prior's smoothing, Zhang et al. 2016

RGB = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Errors:
    """How many pixels of each colour class (of the truth) are off by so many ab units.

    `cells` holds class * (THRESHOLDS + 1) + the error rounded up (THRESHOLDS for all larger ones), `counts` how many.
    """

    cells: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Figures:
    """One photograph's figures: dB, 0..1, CIEDE2000 units, mean ab chroma, Hasler-Suesstrunk's M, and ab errors."""

    psnr: float
    ssim: float
    ciede2000: float
    chroma: float
    colourfulness: float
    errors: Errors


class Truth:
    """An original, RGB uint8 (h, w, 3) with sides of 11 px at least, and its Lab, to compare several results with."""

    def __init__(self, rgb: RGB) -> None:
        self.rgb = rgb
        self.lab = _lab(rgb)

    def own_figures(self) -> Figures:
        """Return the figures of the original itself, which has no error."""
        errors = ab_errors(self.lab[..., 1:], self.lab[..., 1:])
        return Figures(100.0, 1.0, 0.0, _chroma(self.lab), colourfulness(self.rgb), errors)

    def compare(self, result: RGB) -> Figures:
        """Return the figures of `result`, RGB uint8 of the same size."""
        lab = _lab(result)
        return Figures(
            psnr=psnr(result, self.rgb),
            ssim=ssim(result, self.rgb),
            ciede2000=float(deltaE_ciede2000(self.lab, lab).mean()),  # type: ignore[no-untyped-call]
            chroma=_chroma(lab),
            colourfulness=colourfulness(result),
            errors=ab_errors(lab[..., 1:], self.lab[..., 1:]),
        )


def psnr(result: RGB, truth: RGB) -> float:
    """Return the peak signal-to-noise ratio over all RGB values in dB; 100 for equal pictures."""
    error = float(((result.astype(np.float32) - truth.astype(np.float32)) ** 2).mean())
    return 100.0 if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(result: RGB, truth: RGB) -> float:
    """Return the structural similarity as Wang et al. 2004 have it (Gaussian of sigma 1.5), mean over RGB."""
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(truth, result, channel_axis=2, data_range=255, **options))  # type: ignore[no-untyped-call]


def colourfulness(rgb: RGB) -> float:
    """Return M of Hasler and Suesstrunk 2003: 0 for gray, about 15 slightly, 45 quite, 109 extremely colourful."""
    red, green, blue = np.moveaxis(rgb.astype(np.float32), 2, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def ab_errors(ab: NDArray[np.float32], truth: NDArray[np.float32]) -> Errors:
    """Return the errors of `ab` against `truth`, both (h, w, 2) in raw units."""
    error = np.hypot(*np.moveaxis(ab - truth, 2, 0))
    rounded = np.minimum(np.ceil(error - 1e-4).astype(np.int64), THRESHOLDS)
    a, b = np.moveaxis(np.clip(np.round(truth / _GRID).astype(np.int64), -_REACH, _REACH) + _REACH, 2, 0)
    cells, counts = np.unique((a * (2 * _REACH + 1) + b) * (THRESHOLDS + 1) + rounded, return_counts=True)
    return Errors(cells, counts)


def area_under_curve(errors: list[Errors], rebalanced: bool) -> float:
    """Return the mean over thresholds of the share of pixels whose ab error is at most the threshold.

    `rebalanced` weighs each pixel by the inverse of its true colour's probability (Zhang et al. 2016, equation 4 with
    lambda 0), smoothed, as measured on these same photographs.
    """
    table = np.zeros((CLASSES, THRESHOLDS + 1))
    for part in errors:
        np.add.at(table.reshape(-1), part.cells, part.counts)
    weights = 1 / np.maximum(_smoothed(table.sum(1)), 1e-12) if rebalanced else np.ones(CLASSES)
    weighted = (table * weights[:, None]).sum(0)
    return float(np.cumsum(weighted)[:THRESHOLDS].mean() / weighted.sum())


def _smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each class, a Gaussian of 5 ab units wide."""
    axis = np.arange(-_REACH, _REACH + 1) * _GRID
    kernel = np.exp(-(np.subtract.outer(axis, axis) ** 2) / (2 * _SIGMA**2))
    kernel /= kernel.sum(1, keepdims=True)
    square = counts.reshape(len(axis), -1) / counts.sum()
    smooth: NDArray[np.float64] = (kernel @ square @ kernel.T).reshape(-1)
    return smooth


def _lab(rgb: RGB) -> NDArray[np.float32]:
    lab: NDArray[np.float32] = rgb2lab(rgb.astype(np.float32) / 255)
    return lab


def _chroma(lab: NDArray[np.float32]) -> float:
    return float(np.hypot(lab[..., 1], lab[..., 2]).mean())
