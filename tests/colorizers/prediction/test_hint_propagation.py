"""Tests of hints and the embedded network, and of their spread on made-up photographs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from colorizers.colorizer import Colorizer
from colorizers.errors import HintsNotAcceptedError, InvalidTemperatureError, TemperatureNotSupportedError
from colorizers.photo.photo import open_photo
from colorizers.prediction.hint_propagation import propagate
from colorizers.prediction.hints import Hint
from colorizers.rendering.color_pass import count_changed_grays
from colorizers.rendering.render import render
from colorizers.weights.registry import EMBEDDED

PHOTOS = Path(__file__).parents[2] / "data" / "photos"
PLACES = [(0.5, 0.5), (0.2, 0.3), (0.8, 0.75)]
COLOURS = [(40, 30), (-35, 30), (10, -45), (0, 0)]


@pytest.fixture(scope="module")
def embedded() -> Colorizer:
    return Colorizer.from_name(EMBEDDED)


def distances(shape: tuple[int, ...], hint: Hint, photo_size: tuple[int, int]) -> np.ndarray:
    """Return the distance of every place of ab from the hint, in short sides."""
    rows, columns = ((np.arange(side) + 0.5) / side for side in shape[1:])
    short = min(photo_size)
    down, across = (rows - hint.y) * photo_size[1] / short, (columns - hint.x) * photo_size[0] / short
    return np.hypot(down[:, None], across)


@pytest.mark.parametrize("name", ["migrant-mother.jpg", "detroit-1915.jpg"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("radius", [0.01, 0.08])
def test_a_hint_gives_its_spot_its_color(
    embedded: Colorizer, name: str, place: tuple[float, float], radius: float
) -> None:
    plain = embedded.predict(open_photo(PHOTOS / name))
    assert plain.photo_size is not None
    for a, b in COLOURS:
        hint = Hint(*place, radius, a, b)
        ab = embedded.predict_small(plain.L, [hint], photo_size=plain.photo_size).ab
        distance = distances(ab.shape, hint, plain.photo_size)
        assert np.hypot(ab[0] - a, ab[1] - b)[distance <= max(radius, distance.min())].max() < 0.01


def test_a_hint_reaches_beyond_its_spot(embedded: Colorizer) -> None:
    """What belongs to a small spot follows it, however unlikely the color."""
    photo = open_photo(PHOTOS / "migrant-mother.jpg")
    for place in PLACES:
        hint = Hint(*place, 0.015, -60, 60)
        ab = embedded.predict(photo, [hint]).ab
        followed = np.hypot(ab[0] + 60, ab[1] - 60) < 20
        covered = distances(ab.shape, hint, (photo.width, photo.height)) <= 0.015
        assert followed.sum() > 3 * covered.sum()


def test_hints_keep_the_grays_and_change_the_pixels(embedded: Colorizer) -> None:
    photo = open_photo(PHOTOS / "migrant-mother.jpg")
    hinted = render(photo.pixels, embedded.predict(photo, [Hint(0.5, 0.5, 0.1, -60, 50)]))
    assert count_changed_grays(photo.pixels, hinted) == 0
    red, green, blue = hinted[photo.height // 2, photo.width // 2].astype(int)
    assert green > red
    assert green > blue


def test_several_hints_each_have_their_place(embedded: Colorizer) -> None:
    photo = open_photo(PHOTOS / "migrant-mother.jpg")
    hints = [Hint(0.2, 0.2, 0.05, 40, 30), Hint(0.8, 0.8, 0.05, 0, -40), Hint(0.8, 0.8, 0.02, 0, 0)]
    ab = embedded.predict(photo, hints).ab
    height, width = ab.shape[1:]
    for hint in (hints[0], hints[2]):
        assert np.abs(ab[:, int(hint.y * height), int(hint.x * width)] - (hint.a, hint.b)).max() < 4


def test_the_same_from_the_photo_and_from_what_was_kept(embedded: Colorizer) -> None:
    photo = open_photo(PHOTOS / "migrant-mother.jpg")
    hints = [Hint(0.4, 0.4, 0.05, 20, 30)]
    whole = embedded.predict(photo, hints, temperature=0.6)
    small = embedded.predict_small(whole.L, hints, 0.6, whole.photo_size)
    assert np.array_equal(whole.ab, small.ab)
    assert whole.distribution is not None
    assert small.distribution is not None
    assert whole.distribution.to_bytes() == small.distribution.to_bytes()
    assert not np.array_equal(whole.ab, embedded.predict(photo, hints).ab)


def test_the_lightness_another_network_saw_will_do(embedded: Colorizer) -> None:
    """256 x 256 of a wide photo, as the published networks see it."""
    photo = open_photo(PHOTOS / "detroit-1915.jpg")
    own = embedded.predict(photo)
    square = np.random.default_rng(0).uniform(0, 100, (256, 256)).astype(np.float32)
    assert embedded.predict_small(square, photo_size=own.photo_size).ab.shape == own.ab.shape


def test_temperature_goes_from_the_likeliest_colour_to_a_mixture_of_all(embedded: Colorizer) -> None:
    photo = open_photo(PHOTOS / "detroit-1915.jpg")
    own, low, high = (embedded.predict(photo, temperature=value) for value in (None, 0.01, 10.0))
    assert own.distribution is not None
    likeliest = own.distribution.centres[own.distribution.logits.argmax(axis=0)].transpose(2, 0, 1)
    assert np.mean(np.hypot(*(low.ab - likeliest)) < 1) > 0.9
    share = np.exp(own.distribution.logits.astype(np.float32) / 10)
    softened = np.tensordot(own.distribution.centres.T, share / share.sum(axis=0), 1)
    assert np.hypot(*(high.ab - softened)).max() < 0.5
    mixture = own.distribution.centres.mean(axis=0)[:, None, None]
    far = [np.hypot(*(answer.ab - mixture)).mean() for answer in (low, own, high)]
    assert far[0] > far[1] > far[2]
    with pytest.raises(InvalidTemperatureError):
        embedded.predict(photo, temperature=0)


def test_what_a_network_cannot_do_is_refused(embedded: Colorizer, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = open_photo(PHOTOS / "detroit-1915.jpg")
    monkeypatch.setattr(embedded, "spec", replace(embedded.spec, accepts_hints=False, has_distribution=False))
    with pytest.raises(HintsNotAcceptedError, match="takes no colour hints"):
        embedded.predict(photo, [Hint(0.5, 0.5, 0.1, 0, 0)])
    with pytest.raises(TemperatureNotSupportedError):
        embedded.predict(photo, temperature=0.5)
    assert embedded.predict(photo).distribution is None


def test_a_hint_fills_its_region_and_stops_at_the_edge() -> None:
    """An answer at a quarter of the size; the photo is dark on the left, and a little noisy."""
    L = np.random.default_rng(0).normal(70, 1, (160, 240)).astype(np.float32)
    L[:, :100] -= 40
    plain = np.full((2, 40, 60), 10, np.float32)
    ab = propagate(plain, L, [Hint(0.2, 0.5, 0.02, -100, 60)], (240, 160))
    assert ab.shape == (2, 80, 120)
    assert np.allclose(ab[:, 40, 24], (-100, 60), atol=1e-3)
    assert np.abs(ab[0, :, :45] + 100).max() < 5
    assert np.abs(ab[:, :, 55:] - 10).max() < 1


def test_hints_everywhere_are_the_answer() -> None:
    plain, L = np.zeros((2, 8, 8), np.float32), np.full((32, 32), 50, np.float32)
    ab = propagate(plain, L, [Hint(0.5, 0.5, 1, 20, -30)], (32, 32))
    assert np.allclose(ab[0], 20) and np.allclose(ab[1], -30)


def test_two_hints_of_one_region_meet_between_them() -> None:
    plain, L = np.zeros((2, 16, 32), np.float32), np.full((64, 128), 50, np.float32)
    ab = propagate(plain, L, [Hint(0.1, 0.5, 0.02, 40, 0), Hint(0.9, 0.5, 0.02, -40, 0)], (128, 64))
    assert np.all(np.diff(ab[0, 16, 7:57]) < 0)
    assert abs(ab[0, 16, 31:33].mean()) < 2
