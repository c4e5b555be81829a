"""Tests of the evaluation of hints by regions."""

import numpy as np
import pytest

from training.evaluation.evaluate_objects import read_outlines, shares


def test_outlines_are_objects_of_as_many_photographs() -> None:
    outlines = read_outlines()
    assert len({outline.photo for outline in outlines}) == len(outlines) == 60
    for outline in outlines:
        height, width = outline.mask.shape
        x, y = outline.center()
        assert min(height, width) == 128
        assert outline.mask[int(y * height), int(x * width)]
        assert 0.005 < outline.mask.mean() < 0.9


def test_shares_of_a_change_on_half_of_an_object_and_beside_it() -> None:
    mask = np.zeros((10, 40), bool)
    mask[:, :20] = True
    change = np.zeros((2, 10, 40), np.float32)
    change[0, :, 10:30] = 30
    assert shares(change, 40, mask) == pytest.approx((0.5, 0.5))
    assert shares(change, 80, mask) == pytest.approx((0.5, 0))
    assert shares(0 * change, 40, mask) == (0, 0)
