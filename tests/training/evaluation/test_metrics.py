"""Tests of the evaluation metrics against values computed otherwise."""

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio

from tests.support.training_pictures import landscape
from training.evaluation.metrics import Errors, Figures, Truth, ab_errors, area_under_curve, colorfulness, psnr, ssim

TRUTH = np.asarray(landscape(1))
GRAY = np.repeat(np.asarray(landscape(1).convert("L"))[..., None], 3, 2)


def errors_of(ab: NDArray[np.float32], truth: NDArray[np.float32]) -> Errors:
    """Return the errors of ab against true ab, both (h, w, 2)."""
    return ab_errors(*(np.pad(each.reshape(-1, 2), ((0, 0), (1, 0))) for each in (ab, truth)))


def test_equal_pictures_have_no_error() -> None:
    figures = Truth(TRUTH).compare(TRUTH)
    own = Truth(TRUTH).own_figures()
    assert (figures.psnr, figures.ciede2000) == (100.0, 0.0)
    assert (figures.chroma, figures.colorfulness) == (own.chroma, own.colorfulness)
    assert figures.ssim == pytest.approx(1)
    assert area_under_curve([figures.errors], rebalanced=False) == pytest.approx(1)
    assert area_under_curve([figures.errors], rebalanced=True) == pytest.approx(1)


def test_a_gray_picture_has_no_chroma_and_errs_by_the_truth_s() -> None:
    figures, truth = Truth(TRUTH).compare(GRAY), Truth(TRUTH).own_figures()
    assert figures.chroma < 0.01 < truth.chroma
    assert figures.colorfulness < 0.01 < 20 < truth.colorfulness
    assert figures.psnr == pytest.approx(peak_signal_noise_ratio(TRUTH, GRAY), abs=1e-3)
    assert figures.ciede2000 > 5
    assert psnr(GRAY, TRUTH) == figures.psnr


def test_colorfulness_of_known_pictures() -> None:
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    # No spread; the means are 200 and 100: 0.3 * sqrt(200^2 + 100^2).
    assert colorfulness(red) == pytest.approx(0.3 * np.hypot(200, 100))


def test_the_area_counts_thresholds_from_0_to_150() -> None:
    truth = np.zeros((2, 2, 2), np.float32)
    shifted = truth.copy()
    shifted[..., 0] = 30.0
    # Below 30 no pixel counts, from 30 on all of them do: 121 of 151 thresholds.
    assert area_under_curve([errors_of(shifted, truth)], rebalanced=False) == pytest.approx(121 / 151)
    shifted[0, 0, 0] = 500.0
    assert area_under_curve([errors_of(shifted, truth)], rebalanced=False) == pytest.approx(0.75 * 121 / 151)


def test_rebalancing_makes_rare_colors_count() -> None:
    truth = np.zeros((10, 10, 2), np.float32)
    truth[0, 0] = (80.0, 60.0)
    errors = errors_of(np.zeros_like(truth), truth)
    assert area_under_curve([errors], rebalanced=False) == pytest.approx((99 + 51 / 151) / 100)
    # Both colors now weigh the same: one is right at every threshold, the other from 100 on.
    assert area_under_curve([errors], rebalanced=True) == pytest.approx((1 + 51 / 151) / 2, abs=0.01)


def test_structural_similarity_loses_by_noise_and_needs_11_px() -> None:
    noisy = (TRUTH.astype(int) + np.random.default_rng(0).integers(-20, 21, TRUTH.shape)).clip(0, 255).astype(np.uint8)
    assert ssim(np.zeros_like(TRUTH), TRUTH) < ssim(noisy, TRUTH) < 0.99
    with pytest.raises(ValueError, match="11 px at least"):
        ssim(TRUTH[:10], TRUTH[:10])


def test_figures_survive_being_written() -> None:
    figures = Truth(TRUTH).compare(GRAY)
    again = Figures.from_text(figures.to_text())
    assert again.to_text() == figures.to_text()
    assert (again.psnr, again.ssim, again.ciede2000) == (figures.psnr, figures.ssim, figures.ciede2000)
    assert area_under_curve([again.errors], rebalanced=True) == area_under_curve([figures.errors], rebalanced=True)
    assert area_under_curve([again.errors], rebalanced=False) == pytest.approx(figures.errors.auc)
