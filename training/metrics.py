"""Two RGB pictures in, how far apart their colours are out: PSNR, SSIM, CIEDE2000, chroma, colourfulness, ab errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from training import metric_kernels

THRESHOLDS = 151  # 0, 1 ... 150 ab units, Zhang et al. 2016, section 3.1
_GRID = 10  # ab units of a colour class
_REACH = 12  # classes from -120 to 120
CLASSES = (2 * _REACH + 1) ** 2
_SIGMA = 5.0  # of the prior's smoothing, Zhang et al. 2016
_WINDOW = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))  # 11 px, sigma 1.5: Wang et al. 2004, section III.B
_WINDOW_F4 = (_WINDOW / _WINDOW.sum()).astype(np.float32)

RGB = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Errors:
    """The pixels of one photograph by colour class (of the truth): which classes it has, and how many pixels of each.

    `hits` counts, over the pixels of the class, the thresholds 0..150 that their ab error does not exceed.
    """

    classes: NDArray[np.int64]
    pixels: NDArray[np.int64]
    hits: NDArray[np.int64]

    @property
    def auc(self) -> float:
        """Return the mean over thresholds of the share of this photograph's pixels within them."""
        return float(self.hits.sum() / (THRESHOLDS * self.pixels.sum()))


@dataclass(frozen=True, eq=False)
class Figures:
    """One photograph's figures: dB, 0..1, CIEDE2000 units, mean ab chroma, Hasler-Suesstrunk's M, and ab errors."""

    psnr: float
    ssim: float
    ciede2000: float
    chroma: float
    colourfulness: float
    errors: Errors

    def to_text(self) -> list[str]:
        """Return the fields that `FIGURES` names; nothing is lost."""
        numbers = (self.psnr, self.ssim, self.ciede2000, self.chroma, self.colourfulness, self.errors.auc)
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
    """An original, RGB uint8 (h, w, 3) with sides of 11 px at least, and its Lab, to compare several results with."""

    def __init__(self, rgb: RGB) -> None:
        self.rgb = rgb
        self._lab = _lab(rgb)
        self._classes = _classes(self._lab)

    def own_figures(self) -> Figures:
        """Return the figures of the original itself, which has no error."""
        errors = _errors(self._lab, self._lab, self._classes)
        return Figures(100.0, 1.0, 0.0, _chroma(self._lab), colourfulness(self.rgb), errors)

    def compare(self, result: RGB) -> Figures:
        """Return the figures of `result`, RGB uint8 of the same size."""
        lab = _lab(result)
        return Figures(
            psnr=psnr(result, self.rgb),
            ssim=ssim(result, self.rgb),
            ciede2000=metric_kernels.ciede2000_sum(self._lab, lab) / len(lab),
            chroma=_chroma(lab),
            colourfulness=colourfulness(result),
            errors=_errors(lab, self._lab, self._classes),
        )


def psnr(result: RGB, truth: RGB) -> float:
    """Return the peak signal-to-noise ratio over all RGB values in dB; 100 for equal pictures."""
    error = float(((result.astype(np.float32) - truth.astype(np.float32)) ** 2).mean())
    return 100.0 if error == 0 else float(10 * np.log10(255**2 / error))


def ssim(result: RGB, truth: RGB) -> float:
    """Return the structural similarity as Wang et al. 2004 have it (Gaussian of sigma 1.5), mean over RGB."""
    height, width = truth.shape[0] - len(_WINDOW_F4) + 1, truth.shape[1] - len(_WINDOW_F4) + 1
    if min(height, width) < 1:
        raise ValueError(f"SSIM needs pictures of {len(_WINDOW_F4)} px at least.")
    positions: int = 3 * height * width
    return metric_kernels.ssim_sum(_planes(truth), _planes(result), _WINDOW_F4) / positions


def colourfulness(rgb: RGB) -> float:
    """Return M of Hasler and Suesstrunk 2003: 0 for gray, about 15 slightly, 45 quite, 109 extremely colourful."""
    red, green, blue = np.moveaxis(rgb.astype(np.float32), 2, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))


def ab_errors(ab: NDArray[np.float32], truth: NDArray[np.float32]) -> Errors:
    """Return the errors of `ab` against `truth`, both (h, w, 2) in raw units."""
    lab, lab_truth = (np.dstack([np.zeros_like(x[..., :1]), x]).reshape(-1, 3) for x in (ab, truth))
    return _errors(lab, lab_truth, _classes(lab_truth))


def area_under_curve(errors: list[Errors], rebalanced: bool) -> float:
    """Return the mean over thresholds of the share of pixels whose ab error is at most the threshold.

    `rebalanced` weighs each pixel by the inverse of its true colour's probability (Zhang et al. 2016, equation 4 with
    lambda 0), smoothed, as measured on these same photographs.
    """
    pixels, hits = np.zeros((2, CLASSES))
    for part in errors:
        pixels[part.classes] += part.pixels
        hits[part.classes] += part.hits
    weights = 1 / np.maximum(_smoothed(pixels), 1e-12) if rebalanced else np.ones(CLASSES)
    return float((hits * weights).sum() / ((pixels * weights).sum() * THRESHOLDS))


def _smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each class, a Gaussian of 5 ab units wide."""
    axis = np.arange(-_REACH, _REACH + 1) * _GRID
    kernel = np.exp(-(np.subtract.outer(axis, axis) ** 2) / (2 * _SIGMA**2))
    kernel /= kernel.sum(1, keepdims=True)
    square = counts.reshape(len(axis), -1) / counts.sum()
    smooth: NDArray[np.float64] = (kernel @ square @ kernel.T).reshape(-1)
    return smooth


def _planes(rgb: RGB) -> NDArray[np.float32]:
    """Return RGB (h, w, 3) as planes (3, h, w) around 0."""
    return np.ascontiguousarray(np.moveaxis(rgb, 2, 0), dtype=np.float32) - np.float32(128)


def _lab(rgb: RGB) -> NDArray[np.float32]:
    """Return Lab (pixels, 3)."""
    lab: NDArray[np.float32] = rgb2lab(rgb.astype(np.float32) / 255)
    return np.ascontiguousarray(lab.reshape(-1, 3))


def _chroma(lab: NDArray[np.float32]) -> float:
    return float(np.hypot(lab[:, 1], lab[:, 2]).mean())


def _classes(lab: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the colour class of every pixel of Lab (pixels, 3)."""
    cells = np.clip(np.round(lab[:, 1:] / _GRID).astype(np.int32), -_REACH, _REACH) + _REACH
    return np.ascontiguousarray(cells[:, 0] * (2 * _REACH + 1) + cells[:, 1])


def _errors(lab: NDArray[np.float32], truth: NDArray[np.float32], classes: NDArray[np.int32]) -> Errors:
    pixels, hits = np.zeros((2, CLASSES), np.int64)
    metric_kernels.count_errors(lab, truth, classes, THRESHOLDS, pixels, hits)
    (found,) = np.nonzero(pixels)
    return Errors(found, pixels[found], hits[found])
