"""Tests of loading: recognition of families, strict keys and shapes, and verification."""

import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.support.standin_weights import reference, standin_state_dict
from colorizers.eccv16 import ECCVGenerator
from colorizers.errors import WeightsCorruptError, WeightsMissingError
from colorizers.networks.embedded import EmbeddedColorizer
from colorizers.networks.load import FAMILIES, load_file, load_network, recognise_family
from colorizers.weights.registry import ModelSpec, find_spec, write_manifest
from tests.support.specs import saved_spec


@pytest.fixture(scope="module")
def eccv_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in weights of ECCV16 as a PyTorch file, under a name that tells nothing."""
    path = tmp_path_factory.mktemp("weights") / "some.pth"
    torch.save(standin_state_dict("eccv16"), path)
    return path


@pytest.fixture
def small_spec(tmp_path: Path) -> ModelSpec:
    """An entry `small` of the embedded family in `tmp_path`, with random weights as float16 safetensors."""
    torch.manual_seed(0)
    state = {key: value.half().contiguous() for key, value in EmbeddedColorizer().state_dict().items()}
    spec = saved_spec(tmp_path, "small", state)
    write_manifest(tmp_path, (spec,))
    return spec


def test_nothing_slow_is_imported_to_load_a_network(small_spec: ModelSpec, tmp_path: Path) -> None:
    """Parts of PyTorch bring a computer algebra system along, most of a second."""
    code = (
        "import sys; from pathlib import Path; from colorizers.networks.load import load_network as load;"
        "from colorizers.weights.registry import find_spec as find; folder = Path(sys.argv[1]);"
        "load(find(sys.argv[2], folder), folder, quickest=True); assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path), small_spec.name], check=True)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_recognised_by_its_keys(family: str) -> None:
    state: dict[str, Tensor] = FAMILIES[family]().state_dict()
    assert recognise_family(state, Path("file")) == family
    with pytest.raises(WeightsCorruptError, match="no network that is known"):
        recognise_family({key: value for key, value in state.items() if not key.endswith("bias")}, Path("file"))


@torch.inference_mode()
def test_a_file_of_unknown_hash_is_unverified(eccv_file: Path) -> None:
    loaded = load_file(eccv_file)
    assert loaded.spec.family == "eccv16"
    assert loaded.spec.title == "ECCV16 (Zhang et al. 2016) (unverified)"
    assert not loaded.verified
    assert isinstance(loaded.module, ECCVGenerator)
    assert loaded.weights_sha256 == hashlib.sha256(eccv_file.read_bytes()).hexdigest()
    stored = reference("eccv16")
    no_hints = torch.zeros_like(stored["ab"]), torch.zeros_like(stored["l"])
    ab = loaded.module.upsample4(loaded.module.predict(stored["l"], *no_hints))
    assert float((ab - stored["ab"]).abs().max()) < 2e-3


def test_a_published_name_takes_no_other_weights(eccv_file: Path) -> None:
    spec = replace(find_spec("eccv16"), filename=eccv_file.name)
    with pytest.raises(WeightsCorruptError, match="weights import eccv16 FILE"):
        load_network(spec, eccv_file.parent)


@torch.inference_mode()
def test_a_listed_network_is_verified_by_name_and_by_path(small_spec: ModelSpec, tmp_path: Path) -> None:
    by_name = load_network(small_spec, tmp_path)
    by_path = load_file(tmp_path / small_spec.filename)
    assert by_name.verified
    assert by_path.verified
    assert by_name.spec == by_path.spec == small_spec
    assert by_name.weights_sha256 == by_path.weights_sha256 == small_spec.sha256
    for loaded in (by_name, by_path):
        assert isinstance(loaded.module, EmbeddedColorizer)
        assert not loaded.module.training
        assert {value.dtype for value in loaded.module.parameters()} == {torch.float32}
    inputs = torch.full((1, 1, 32, 48), 40.0), torch.zeros(1, 2, 32, 48), torch.zeros(1, 1, 32, 48)
    assert torch.equal(by_name.module.predict(*inputs), by_path.module.predict(*inputs))


def test_missing_weights_are_named(small_spec: ModelSpec, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match=r"nothing-here\.pth"):
        load_file(tmp_path / "nothing-here.pth")
    (tmp_path / small_spec.filename).unlink()
    with pytest.raises(WeightsMissingError, match=small_spec.filename):
        load_network(small_spec, tmp_path)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    state = dict(standin_state_dict("eccv16"))
    state["model_out.weight"] = torch.zeros(2, 300, 1, 1)
    path = tmp_path / "other-shape.pth"
    torch.save(state, path)
    with pytest.raises(WeightsCorruptError, match="do not fit ECCVGenerator"):
        load_file(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no weights at all",
        b"PK\x03\x04 no archive",
        b"\x10\0\0\0\0\0\0\0{broken",
        pickle.dumps({"a": [1, 2]}, protocol=2),
        pickle.dumps({"a": [1, 2]}, protocol=2)[:-4],
        None,
    ],
    ids=["empty", "text", "zip", "safetensors", "pickle", "half a pickle", "truncated"],
)
def test_broken_files_are_refused(tmp_path: Path, eccv_file: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.pth"
    path.write_bytes(eccv_file.read_bytes()[:1_000_000] if content is None else content)
    with pytest.raises(WeightsCorruptError, match=r"broken\.pth"):
        load_file(path)


class Intruder:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.target),)


def test_code_in_a_file_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "evil.pth"
    torch.save({"model1.0.weight": Intruder(tmp_path / "was here")}, path)
    with pytest.raises(WeightsCorruptError):
        load_file(path)
    assert not (tmp_path / "was here").exists()
