"""Tests of `Colorizer`: input, output, and what happens when something fails."""

import dataclasses
import hashlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.support.standin_weights import standin_state_dict
from colorizers.colorizer import (
    BrokenPredictionError,
    Colorizer,
    UncolouredWarning,
    network_lightness,
    working_size,
)
from colorizers.errors import UnknownModelError, WeightsMissingError
from colorizers.photo.photo import open_photo
from colorizers.util import load_img, preprocess_img
from colorizers.weights.registry import PUBLISHED, default_spec, find_spec
from tests.support import color_oracle, picture_files

PHOTO = Path(__file__).parent.parent / "data" / "photos" / "migrant-mother.jpg"


@pytest.fixture(scope="session")
def colorizer(model_dir: Path) -> Colorizer:
    return Colorizer(model_dir=model_dir)


def test_a_photo_comes_back_in_colour(colorizer: Colorizer) -> None:
    photo = open_photo(PHOTO)
    result = colorizer.colorize(PHOTO)
    assert result.shape == (photo.height, photo.width, 3)
    assert result.dtype == np.uint8
    assert np.array_equal(color_oracle.gray(result), photo.pixels)
    assert np.ptp(result.astype(int), axis=2).mean() > 5
    assert np.array_equal(colorizer.colorize(photo), result)
    assert np.array_equal(colorizer.colorize(str(PHOTO)), result)


def test_sixteen_bits_stay_sixteen(colorizer: Colorizer) -> None:
    result = colorizer.colorize(dataclasses.replace(open_photo(PHOTO), pixels=picture_files.gray16()))
    assert result.dtype == np.uint16
    assert np.abs(color_oracle.gray(result) - picture_files.gray16().astype(int)).max() <= 1


def test_one_prediction_renders_many_times(colorizer: Colorizer) -> None:
    photo = open_photo(PHOTO)
    prediction = colorizer.predict(photo)
    assert prediction.ab.dtype == np.float32
    assert prediction.ab.shape[0] == 2
    crop = dataclasses.replace(photo, pixels=np.ascontiguousarray(photo.pixels[:40, :30]))
    assert colorizer.render(crop, prediction).shape == (40, 30, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 3), (64, 64)])
def test_photos_of_any_shape(colorizer: Colorizer, shape: tuple[int, int]) -> None:
    photo = dataclasses.replace(open_photo(PHOTO), pixels=np.full(shape, 128, np.uint8))
    assert colorizer.colorize(photo).shape == (*shape, 3)


def test_provenance_names_network_and_original(colorizer: Colorizer, model_dir: Path) -> None:
    said = colorizer.provenance(open_photo(PHOTO))
    assert (said.model, said.title, said.verified) == ("default", "Stand-in default", True)
    assert said.weights_sha256 == hashlib.sha256((model_dir / "default.safetensors").read_bytes()).hexdigest()
    assert said.original_sha256 == hashlib.sha256(PHOTO.read_bytes()).hexdigest()


def test_the_published_networks_see_what_their_authors_showed_them() -> None:
    """The same L, for gray and for colour photos."""
    spec = PUBLISHED[0]
    noise = np.random.default_rng(0).integers(0, 256, (300, 410, 3)).astype(np.uint8)
    for photo, rgb in (
        (open_photo(PHOTO), load_img(PHOTO)),
        (dataclasses.replace(open_photo(PHOTO), pixels=noise), noise),
    ):
        expected = preprocess_img(rgb)[1].numpy()[0, 0]
        assert np.abs(network_lightness(photo, spec) - expected).max() < 1e-4


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 480), (80, 64)),
        ((480, 640), (64, 80)),
        ((64, 64), (64, 64)),
        ((10, 10), (64, 64)),
        ((10_000, 100), (256, 64)),
        ((1, 5_000), (64, 256)),
    ],
)
def test_working_size_keeps_proportions_within_bounds(
    model_dir: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert working_size(*size, find_spec("default", model_dir)) == expected
    assert working_size(*size, PUBLISHED[0]) == (256, 256)


def test_without_published_weights_the_embedded_default_works(model_dir: Path, tmp_path: Path) -> None:
    assert default_spec(model_dir).name == "default"
    (tmp_path / "eccv16.pth").touch()
    assert default_spec(tmp_path).name == "eccv16"
    (tmp_path / "siggraph17.pth").touch()
    assert default_spec(tmp_path).name == "siggraph17"


def test_a_network_by_name_and_never_another(model_dir: Path) -> None:
    assert Colorizer.from_name("gray", model_dir).spec.title == "Stand-in gray"
    with pytest.raises(UnknownModelError, match="no network called 'nonsense'"):
        Colorizer.from_name("nonsense", model_dir)
    with pytest.raises(WeightsMissingError, match=r"siggraph17\.pth"):
        Colorizer.from_name("siggraph17", model_dir)


def test_unknown_weights_in_the_place_of_published_ones_are_unverified(tmp_path: Path) -> None:
    torch.save(standin_state_dict("eccv16"), tmp_path / "eccv16.pth")
    colorizer = Colorizer(model_dir=tmp_path)
    assert colorizer.spec.family == "eccv16"
    assert not colorizer.verified


def test_a_file_with_unknown_weights_is_unverified(tmp_path: Path) -> None:
    path = tmp_path / "mine.pth"
    torch.save(standin_state_dict("eccv16"), path)
    colorizer = Colorizer(path)
    assert colorizer.spec.family == "eccv16"
    assert not colorizer.verified
    assert "unverified" in colorizer.provenance(open_photo(PHOTO)).title
    photo = open_photo(PHOTO)
    prediction = colorizer.predict(photo)
    assert np.array_equal(color_oracle.gray(colorizer.render(photo, prediction)), photo.pixels)


def test_an_uncoloured_picture_is_not_returned_silently(model_dir: Path) -> None:
    with pytest.warns(UncolouredWarning, match="Stand-in gray gave this photo no colour"):
        Colorizer.from_name("gray", model_dir).colorize(PHOTO)


def test_an_answer_without_numbers_is_an_error(model_dir: Path) -> None:
    with pytest.raises(BrokenPredictionError, match="not made of numbers"):
        Colorizer.from_name("broken", model_dir).colorize(PHOTO)


def test_without_a_gpu_the_cpu_works(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert Colorizer(use_gpu=True, model_dir=model_dir).device == torch.device("cpu")


class FullGpu:
    """A network on a GPU whose memory is full; on the CPU it answers."""

    def __init__(self) -> None:
        self.device = torch.device("cuda")

    def guess(self, *_: Any) -> tuple[Tensor, Tensor]:
        if self.device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return torch.full((1, 2, 8, 8), 20.0), torch.zeros((1, 5, 8, 8))

    def centres(self) -> Tensor:
        return torch.zeros((5, 2))

    def to(self, device: torch.device) -> "FullGpu":
        self.device = device
        return self


def test_when_the_gpus_memory_is_full_the_cpu_takes_over(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    colorizer = Colorizer(model_dir=model_dir)
    monkeypatch.setattr(colorizer, "_module", FullGpu())
    monkeypatch.setattr(colorizer, "device", torch.device("meta"))
    photo = open_photo(PHOTO)
    with pytest.warns(ResourceWarning, match="the CPU takes over"):
        assert float(colorizer.predict(photo).ab.min()) == 20
    assert colorizer.device == torch.device("cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        colorizer.predict(photo)
