"""Metrics between a colored photograph and its original: PSNR, SSIM, CIEDE2000, chroma, colorfulness, ab errors."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000
from skimage.metrics import structural_similarity

from colorizers.networks.torch_lab import rgb_to_lab

THRESHOLDS = 151  # 0, 1 ... 150 ab units, Zhang et al. 2016, section 3.1
_GRID = 10  # ab units of a color class
_REACH = 12  # classes from -120 to 120
CLASSES = (2 * _REACH + 1) ** 2
_SIGMA = 5.0  # of the prior's smoothing, Zhang et al. 2016
_LEAST_SIDE_PX = 11  # of SSIM's window
# The Lab of a gray is not quite neutral: an ab error this small counts as none.
_NEGLIGIBLE_AB = 1e-4

RGB = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Errors:
    """Histogram of ab errors of one photograph by color class of the original.

    `classes` are the classes that occur, `pixels` their pixel counts; `hits` sums over a class's pixels how many of the
    thresholds 0..150 their ab error does not exceed.
    """

    classes: NDArray[np.int64]
    pixels: NDArray[np.int64]
    hits: NDArray[np.int64]

    @property
    def auc(self) -> float:
        """The mean over thresholds of the share of this photograph's pixels within them."""
        return float(self.hits.sum() / (THRESHOLDS * self.pixels.sum()))


@dataclass(frozen=True, eq=False)
class Figures:
    """Metrics of one photograph: dB, 0..1, CIEDE2000 units, mean ab chroma, Hasler-Suesstrunk's M, ab errors."""

    psnr: float
    ssim: float
    ciede2000: float
    chroma: float
    colorfulness: float
    errors: Errors

    def to_text(self) -> list[str]:
        """Return the values of the columns `FIGURES`, without loss."""
        numbers = (self.psnr, self.ssim, self.ciede2000, self.chroma, self.colorfulness, self.errors.auc)
        counts = zip(self.errors.classes, self.errors.pixels, self.errors.hits, strict=True)
        return [*map(repr, numbers), " ".join(f"{cell}:{pixels}:{hits}" for cell, pixels, hits in counts)]

    @staticmethod
    def from_text(fields: list[str]) -> "Figures":
        """Return the figures that `to_text` wrote."""
        numbers = [float(field) for field in fields[:5]]
        classes, pixels, hits = np.array([cell.split(":") for cell in fields[6].split()], np.int64).T
        return Figures(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], Errors(classes, pixels, hits))


FIGURES = ("psnr", "ssim", "ciede2000", "chroma", "colourfulness", "auc", "class:pixels:hits")


class Truth:
    """An original photograph, RGB uint8 (h, w, 3), and its Lab, to which several results are compared."""

    def __init__(self, rgb: RGB) -> None:
        self.rgb = rgb
        self._lab = _lab(rgb)

    def own_figures(self) -> Figures:
        """Return the figures of the original itself, which has no error."""
        errors = ab_errors(self._lab, self._lab)
        return Figures(100.0, 1.0, 0.0, _chroma(self._lab), colorfulness(self.rgb), errors)

    def compare(self, result: RGB) -> Figures:
        """Return the figures of `result`, RGB uint8 of the same size."""
        lab = _lab(result)
        return Figures(
            psnr=psnr(result, self.rgb),
            ssim=ssim(result, self.rgb),
            ciede2000=float(deltaE_ciede2000(self._lab, lab).mean()),  # type: ignore[no-untyped-call]
            chroma=_chroma(lab),
            colorfulness=colorfulness(result),
            errors=ab_errors(lab, self._lab),
        )


def psnr(result: RGB, truth: RGB) -> float:
    """Return the peak signal-to-noise ratio over all RGB values in dB; 100 for equal pictures."""
    error = float(((result.astype(np.float32) - truth.astype(np.float32)) ** 2).mean())
    return 100.0 if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(result: RGB, truth: RGB) -> float:
    """Return the structural similarity of Wang et al. 2004 (11 px, Gaussian of sigma 1.5), mean over RGB."""
    if min(truth.shape[:2]) < _LEAST_SIDE_PX:
        raise ValueError(f"SSIM needs pictures of {_LEAST_SIDE_PX} px at least.")
    options = {"data_range": 255, "gaussian_weights": True, "use_sample_covariance": False}
    return float(structural_similarity(truth, result, channel_axis=2, **options))  # type: ignore[no-untyped-call]


def colorfulness(rgb: RGB) -> float:
    """Return M of Hasler and Suesstrunk 2003: 0 for gray, about 15 slightly, 45 quite, 109 extremely colorful."""
    red, green, blue = np.moveaxis(rgb.astype(np.float32), 2, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def ab_errors(lab: NDArray[np.float32], truth: NDArray[np.float32]) -> Errors:
    """Return the ab errors of `lab` against `truth`, both Lab (pixels, 3) in raw units.

    A histogram can be summed over many photographs and fits a line of CSV; the errors themselves do neither.
    """
    cells = np.clip(np.round(truth[:, 1:] / _GRID).astype(np.int64), -_REACH, _REACH) + _REACH
    classes = cells[:, 0] * (2 * _REACH + 1) + cells[:, 1]
    missed = np.ceil(np.hypot(*(lab - truth)[:, 1:].T) - _NEGLIGIBLE_AB)
    pixels = np.bincount(classes)
    hits = np.bincount(classes, weights=np.clip(THRESHOLDS - missed, 0, THRESHOLDS)).astype(np.int64)
    (found,) = np.nonzero(pixels)
    return Errors(found, pixels[found], hits[found])


def area_under_curve(errors: list[Errors], rebalanced: bool) -> float:
    """Return the mean over thresholds of the share of pixels whose ab error is at most the threshold.

    `rebalanced` weighs each pixel by the inverse of its true color's probability (Zhang et al. 2016, equation 4 with
    lambda 0), smoothed, as measured on these same photographs.
    """
    pixels, hits = np.zeros((2, CLASSES))
    for part in errors:
        pixels[part.classes] += part.pixels
        hits[part.classes] += part.hits
    weights = 1 / np.maximum(_smoothed(pixels), 1e-12) if rebalanced else np.ones(CLASSES)
    return float((hits * weights).sum() / ((pixels * weights).sum() * THRESHOLDS))


def _smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each class, smoothed by a Gaussian of sigma 5 ab units."""
    axis = np.arange(-_REACH, _REACH + 1) * _GRID
    kernel = np.exp(-(np.subtract.outer(axis, axis) ** 2) / (2 * _SIGMA**2))
    kernel /= kernel.sum(1, keepdims=True)
    square = counts.reshape(len(axis), -1) / counts.sum()
    smooth: NDArray[np.float64] = (kernel @ square @ kernel.T).reshape(-1)
    return smooth


def _lab(rgb: RGB) -> NDArray[np.float32]:
    """Return Lab (pixels, 3) of RGB uint8 (h, w, 3)."""
    lab = rgb_to_lab(torch.from_numpy(np.moveaxis(rgb, 2, 0) / np.float32(255))[None])
    return np.ascontiguousarray(lab[0].flatten(1).T.numpy())


def _chroma(lab: NDArray[np.float32]) -> float:
    return float(np.hypot(lab[:, 1], lab[:, 2]).mean())
