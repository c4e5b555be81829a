"""Tests of the package's public names, and that the torch-free parts load no torch."""

import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

import colorizers

ROOT = Path(__file__).parent.parent.parent
AUTHORS_NAMES = [
    *("BaseColor", "ECCVGenerator", "SIGGRAPHGenerator", "eccv16", "siggraph17"),
    *("load_img", "resize_img", "preprocess_img", "postprocess_tens"),
    *("torch", "nn", "np", "F", "Image", "color"),
]
TORCH_FREE = [
    *("colorspace.gamut_lookup", "colorspace.lab", "errors", "photo.photo", "photo.resizing", "recipe", "cli.weights"),
    *("prediction.hints", "prediction.distribution", "prediction.prediction"),
    *("weights.registry", "weights.store", "weights.download"),
]


def run(code: str) -> list[str]:
    """Return the words that `code` prints in a fresh interpreter."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()


@pytest.mark.parametrize("module", ["colorizers", *(f"colorizers.{name}" for name in TORCH_FREE)])
def test_torch_free_parts(module: str) -> None:
    code = f"import sys, {module}; print(*(name in sys.modules for name in ('torch', 'numba', 'skimage')))"
    assert run(code) == ["False", "False", "False"]


def test_star_import_gives_the_authors_names() -> None:
    code = f"from colorizers import *; print(*(name for name in {AUTHORS_NAMES!r} if name not in globals()))"
    assert run(code) == []


@pytest.mark.parametrize("first", ["pass", "import colorizers.eccv16", "import colorizers.networks.load"])
def test_functions_win_over_the_modules_of_their_name(first: str) -> None:
    """As in the authors' package, and whatever was imported before."""
    code = f"""
import colorizers
{first}
print(callable(colorizers.eccv16), callable(colorizers.siggraph17))
from colorizers import *
print(callable(eccv16), callable(siggraph17))
"""
    assert run(code) == ["True"] * 4


@pytest.mark.parametrize("name", [*colorizers.__all__, "Hint", "Rendering", "write"])
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(colorizers, name) is getattr(colorizers, name)
    assert name in dir(colorizers)
    assert isinstance(getattr(colorizers, name), FunctionType) or name not in ("eccv16", "siggraph17")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = colorizers.nonsense
