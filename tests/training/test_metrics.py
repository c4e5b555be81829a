"""The figures of an evaluation, against values worked out otherwise."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from tests.training.pictures import landscape
from training.metrics import Truth, ab_errors, area_under_curve, colourfulness, psnr

TRUTH = np.asarray(landscape(1))
GRAY = np.repeat(np.asarray(landscape(1).convert("L"))[..., None], 3, 2)


def test_equal_pictures_have_no_error() -> None:
    figures = Truth(TRUTH).compare(TRUTH)
    own = Truth(TRUTH).own_figures()
    assert (figures.psnr, figures.ciede2000) == (100.0, 0.0)
    assert (figures.chroma, figures.colourfulness) == (own.chroma, own.colourfulness)
    assert figures.ssim == pytest.approx(1)
    assert area_under_curve([figures.errors], rebalanced=False) == pytest.approx(1)
    assert area_under_curve([figures.errors], rebalanced=True) == pytest.approx(1)


def test_a_gray_picture_has_no_chroma_and_errs_by_the_truth_s() -> None:
    figures, truth = Truth(TRUTH).compare(GRAY), Truth(TRUTH).own_figures()
    assert figures.chroma < 0.01 < truth.chroma
    assert figures.colourfulness < 0.01 < 20 < truth.colourfulness
    assert figures.psnr == pytest.approx(peak_signal_noise_ratio(TRUTH, GRAY), abs=1e-3)
    assert figures.ciede2000 > 5
    assert psnr(GRAY, TRUTH) == figures.psnr


def test_colourfulness_of_known_pictures() -> None:
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    # No spread; the means are 200 and 100: 0.3 * sqrt(200^2 + 100^2).
    assert colourfulness(red) == pytest.approx(0.3 * np.hypot(200, 100))


def test_the_area_counts_thresholds_from_0_to_150() -> None:
    truth = np.zeros((2, 2, 2), np.float32)
    shifted = truth.copy()
    shifted[..., 0] = 30.0
    # Below 30 no pixel counts, from 30 on all of them do: 121 of 151 thresholds.
    assert area_under_curve([ab_errors(shifted, truth)], rebalanced=False) == pytest.approx(121 / 151)
    shifted[0, 0, 0] = 500.0
    assert area_under_curve([ab_errors(shifted, truth)], rebalanced=False) == pytest.approx(0.75 * 121 / 151)


def test_rebalancing_makes_rare_colours_count() -> None:
    truth = np.zeros((10, 10, 2), np.float32)
    truth[0, 0] = (80.0, 60.0)
    answer = np.zeros_like(truth)
    plain = area_under_curve([ab_errors(answer, truth)], rebalanced=False)
    rebalanced = area_under_curve([ab_errors(answer, truth)], rebalanced=True)
    assert plain == pytest.approx((99 + 51 / 151) / 100)
    # Both colours are now worth the same: one is right at once, the other from an error of 100 on.
    assert rebalanced == pytest.approx((1 + 51 / 151) / 2, abs=0.01)
