"""Tests of the limits to what hints change in a network with hint inputs."""

import numpy as np
import pytest

from colorizers.prediction.hint_localization import localized
from colorizers.prediction.hints import Hint


def test_a_change_counts_where_it_is_much_of_what_was_asked() -> None:
    """The network moves the left half all the way and tints the right half."""
    plain = np.zeros((2, 20, 40), np.float32)
    hinted = plain.copy()
    hinted[0, :, :20], hinted[0, :, 20:] = 50, 10
    L = np.full((80, 160), 50, np.float32)
    ab = localized(plain, hinted, L, [Hint(0.2, 0.5, 0.05, 50, 0)], (160, 80))
    assert ab[0, 10, 8] == pytest.approx(50, abs=1e-3)
    assert ab[0, 10, 11] > 45
    assert np.abs(ab[:, :, 20:]).max() == 0
    dark = L.copy()
    dark[:, 44:] = 0
    ab = localized(plain, hinted, dark, [Hint(0.2, 0.5, 0.05, 50, 0)], (160, 80))
    assert ab[0, 10, 11] < 10
