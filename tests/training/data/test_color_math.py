"""Tests of the color arithmetic behind the losses: Lab on tensors, bins, simulated hints, augmentations."""

import numpy as np
import pytest
import torch
from skimage.color import lab2rgb, rgb2lab

from colorizers.colorspace.lab import lightness
from colorizers.networks.torch_lab import lab_to_rgb, rgb_to_lab
from training.data.ab_quantization import SoftEncoder, bin_centres, cell_counts, gamut_ab, rebalancing_weights
from training.data.augment import aged_print, film_lightness
from training.data.simulated_hints import simulate_hints
from training.recipes.siggraph17 import cells


def test_lab_is_that_of_skimage_and_of_the_library() -> None:
    rgb = torch.rand(2, 3, 9, 7)
    pixels = (rgb * 255).round().to(torch.uint8)
    array = pixels.permute(0, 2, 3, 1).numpy()
    lab = rgb_to_lab(pixels.float() / 255)
    # scikit-image rounds the white point differently from the matrix, which makes grays up to 0.005 ab units colored.
    assert np.allclose(lab.permute(0, 2, 3, 1).numpy(), rgb2lab(array), atol=8e-3)
    assert np.allclose(lab[0, 0].numpy(), lightness(array[0]), atol=1e-3)
    assert torch.allclose(lab_to_rgb(lab), pixels.float() / 255, atol=1e-4)
    muted = torch.cat([lab[:, :1], lab[:, 1:] / 3], 1)
    expected = lab2rgb(muted.permute(0, 2, 3, 1).double().numpy())
    assert np.allclose(lab_to_rgb(muted).permute(0, 2, 3, 1).numpy(), expected, atol=1e-4)


def test_bins_are_the_fullest_cells_and_then_their_neighbors() -> None:
    ab = torch.tensor([[0.0, 0.0]] * 5 + [[21.0, -9.0]] * 3 + [[-30.0, 44.0]])
    assert cell_counts(ab) == {(0, 0): 5, (2, -1): 3, (-3, 4): 1}
    assert bin_centres(ab, 2).tolist() == [[0.0, 0.0], [20.0, -10.0]]
    filled = bin_centres(ab, 7)
    assert len({tuple(center) for center in filled.tolist()}) == 7
    nearest = torch.cdist(filled, torch.tensor([[0.0, 0.0], [20.0, -10.0], [-30.0, 40.0]])).min(1).values
    assert nearest.max() <= 10.0


def test_the_gamut_gives_313_bins() -> None:
    centers = bin_centres(gamut_ab(32))
    assert centers.shape == (313, 2)
    assert (centers % 10 == 0).all()
    assert centers.abs().max() <= 120


def test_soft_encoding_shares_among_the_five_nearest() -> None:
    centers = bin_centres(gamut_ab(32))
    encoder = SoftEncoder(centers)
    ab = torch.tensor([[20.0, 30.0], [-13.0, 7.0]])
    index, share = encoder.rows(ab)
    assert index.shape == share.shape == (2, 5)
    assert torch.allclose(share.sum(1), torch.ones(2))
    for row in range(2):
        distance = (centers - ab[row]).norm(dim=1)
        assert set(index[row].tolist()) == set(distance.topk(5, largest=False).indices.tolist())
        expected = torch.exp(-(distance[index[row]] ** 2) / 50)
        assert torch.allclose(share[row], expected / expected.sum(), atol=1e-6)
    pictured, _ = encoder(ab.T.reshape(1, 2, 1, 2))
    assert pictured[0, :, 0, :].T.tolist() == index.tolist()


def test_rebalancing_lifts_rare_colors_and_keeps_the_mean() -> None:
    centers = bin_centres(gamut_ab(32))
    encoder = SoftEncoder(centers)
    ab = 15 * torch.randn(1, 2, 64, 64)
    prior = encoder.prior(ab)
    assert float(prior.sum()) == pytest.approx(1, abs=1e-5)
    weights = rebalancing_weights(prior, centers)
    assert weights[prior.argmin()] > 5 * weights[prior.argmax()]
    assert torch.allclose(rebalancing_weights(prior, centers, mix=1.0), torch.ones(313), atol=1e-4)


def test_hints_carry_the_true_color_of_their_patches() -> None:
    ab = torch.tensor([30.0, -20.0]).view(1, 2, 1, 1).expand(200, 2, 40, 50)
    hints, mask = simulate_hints(ab, 1.0, 1 / 8, 9)
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert torch.allclose(hints, ab * mask, atol=1e-4)
    covered = mask.flatten(1).sum(1)
    assert (covered > 0).all()
    # The mean of 1 + Geometric(1/8) is 8 patches of 1 to 9 px, some of which lie on each other.
    assert 100 < float(covered.mean()) < 8 * 32
    _, none = simulate_hints(ab, 0.0, 1 / 8, 9)
    assert not none.any()
    _, some = simulate_hints(ab, 1.0, 1 / 8, 9, least=0)
    assert 0.04 < float((some.flatten(1).sum(1) == 0).float().mean()) < 0.25


def test_a_patch_carries_its_mean() -> None:
    ab = torch.randn(1, 2, 5, 5)
    hints, mask = simulate_hints(ab.expand(64, -1, -1, -1), 1.0, 0.999, 5)
    for sample in range(64):
        inside = mask[sample, 0].bool()
        assert torch.allclose(hints[sample][:, inside].mean(1), ab[0][:, inside].mean(1), atol=1e-5)


def test_siggraph_cells_are_numbered_by_a_and_then_b() -> None:
    ab = torch.tensor([[-110.0, -110.0], [0.0, 0.0], [110.0, 110.0], [14.9, -25.1]]).T.reshape(1, 2, 1, 4)
    assert cells(ab).flatten().tolist() == [0, 23 * 11 + 11, 528, 23 * 12 + 8]


def test_old_prints_keep_their_range_and_change_only_a_share() -> None:
    rgb = torch.rand(40, 3, 8, 8)
    L = rgb_to_lab(rgb)[:, :1]
    assert torch.equal(film_lightness(rgb, 0.0), L)
    changed = (film_lightness(rgb, 0.5) != L).flatten(1).any(1)
    assert 8 <= int(changed.sum()) <= 32
    assert torch.allclose(aged_print(L, 0.0), L, atol=0.02)
    aged = aged_print(L, 1.0)
    assert float(aged.min()) >= 0
    assert float(aged.max()) <= 100
    assert not torch.allclose(aged, L, atol=1.0)
