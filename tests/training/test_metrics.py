"""The figures of an evaluation, against values worked out otherwise."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tests.training.pictures import landscape
from training.metric_kernels import ciede2000_sum
from training.metrics import Figures, Truth, ab_errors, area_under_curve, colourfulness, psnr, ssim

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


def test_structure_is_what_scikit_image_finds() -> None:
    other = np.asarray(landscape(2))
    noise = np.random.default_rng(0).integers(0, 256, TRUTH.shape).astype(np.uint8)
    options = {"channel_axis": 2, "data_range": 255, "gaussian_weights": True, "use_sample_covariance": False}
    for result in (GRAY, other, noise, np.zeros_like(TRUTH)):
        assert ssim(result, TRUTH) == pytest.approx(structural_similarity(TRUTH, result, **options), abs=2e-5)
    with pytest.raises(ValueError, match="11 px at least"):
        ssim(TRUTH[:10], TRUTH[:10])


def test_colour_difference_is_what_scikit_image_finds() -> None:
    every = np.stack(np.meshgrid(*3 * [np.arange(0, 256, 51)]), axis=-1).reshape(-1, 3) / 255
    lab = rgb2lab(every).astype(np.float32)
    for one, other in ((lab, lab[::-1]), (lab, np.roll(lab, 7, 0)), (lab, lab * [1, 0.9, 0.9]), (lab, lab * [1, 0, 0])):
        pair = [np.ascontiguousarray(part, dtype=np.float32) for part in (one, other)]
        assert ciede2000_sum(*pair) == pytest.approx(deltaE_ciede2000(*pair).sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [  # Sharma, Wu, Dalal 2005, table 1: pairs 1, 7, 9, 13, 16, 20, 25
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.4900, -0.0010), (50, -2.4900, 0.0009), 7.1792),
        ((50, -0.0010, 2.4900), (50, 0.0009, -2.4900), 4.8045),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_colour_difference_of_the_standard_s_pairs(
    one: tuple[float, ...], other: tuple[float, ...], difference: float
) -> None:
    found = ciede2000_sum(np.array([one], np.float32), np.array([other], np.float32))
    assert found == pytest.approx(difference, abs=2e-4)


def test_figures_survive_being_written() -> None:
    figures = Truth(TRUTH).compare(GRAY)
    again = Figures.from_text(figures.to_text())
    assert again.to_text() == figures.to_text()
    assert (again.psnr, again.ssim, again.ciede2000) == (figures.psnr, figures.ssim, figures.ciede2000)
    assert area_under_curve([again.errors], rebalanced=True) == area_under_curve([figures.errors], rebalanced=True)
    assert area_under_curve([again.errors], rebalanced=False) == pytest.approx(figures.errors.auc)
