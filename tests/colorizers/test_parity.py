"""Tests that the published networks have the state dict and the output of their authors' code."""

import pytest
import torch
from torch import Tensor, nn

from benchmarks.support.standin_weights import manifest, reference, standin_state_dict
from colorizers.base_color import BaseColor
from colorizers.eccv16 import BINS, ECCVGenerator, eccv16
from colorizers.siggraph17 import SIGGRAPHGenerator, siggraph17

TOLERANCE_AB = 2e-3


@pytest.fixture(scope="module")
def eccv() -> ECCVGenerator:
    network = eccv16(pretrained=False)
    network.load_state_dict(standin_state_dict("eccv16"))
    return network.eval()


@pytest.fixture(scope="module")
def siggraph() -> SIGGRAPHGenerator:
    network = siggraph17(pretrained=False)
    network.load_state_dict(standin_state_dict("siggraph17"))
    return network.eval()


@pytest.mark.parametrize(("network", "build"), [("eccv16", ECCVGenerator), ("siggraph17", SIGGRAPHGenerator)])
def test_state_dict_is_the_published_one(network: str, build: type[nn.Module]) -> None:
    with torch.device("meta"):
        state = build().state_dict()
    published = {e["key"]: (tuple(e["shape"]), e["dtype"]) for e in manifest(network)}
    ours = {key: (tuple(value.shape), str(value.dtype).removeprefix("torch.")) for key, value in state.items()}
    assert ours == published
    assert list(ours) == list(published)


@torch.inference_mode()
def test_eccv16_gives_the_published_output(eccv: ECCVGenerator) -> None:
    L, expected = reference("eccv16")["l"], reference("eccv16")["ab"]
    assert largest_difference(eccv(L), expected) < TOLERANCE_AB
    ab = eccv.predict(L, torch.zeros_like(expected), torch.zeros_like(L))
    assert largest_difference(eccv.upsample4(ab), expected) < TOLERANCE_AB


@torch.inference_mode()
def test_siggraph17_gives_the_published_output(siggraph: SIGGRAPHGenerator) -> None:
    stored = reference("siggraph17")
    L, hint_ab, mask = stored["l"], stored["hint_ab"], stored["hint_mask"]
    assert largest_difference(siggraph(L), stored["ab"]) < TOLERANCE_AB
    hinted = siggraph(L, hint_ab, mask)
    assert largest_difference(hinted, stored["ab_hinted"]) < TOLERANCE_AB
    assert torch.equal(hinted, siggraph(input_A=L, input_B=hint_ab, mask_B=mask))
    assert largest_difference(siggraph.predict(L, hint_ab, mask), stored["ab_hinted"]) < TOLERANCE_AB


def test_eccv16_refuses_hints(eccv: ECCVGenerator) -> None:
    stored = reference("siggraph17")
    with pytest.raises(ValueError, match="hints"):
        eccv.predict(stored["l"], stored["hint_ab"], stored["hint_mask"])


@torch.inference_mode()
def test_eccv16_temperature_anneals_the_mean(eccv: ECCVGenerator) -> None:
    """Temperature 1 is the published mean; near 0 the result is the ab of the most likely bin."""
    logits = torch.zeros(1, BINS, 2, 2)
    logits[:, 17] = 1.0
    assert largest_difference(eccv.decode(logits, 1.0), eccv.decode(logits)) < 1e-4
    mode = eccv.model_out.weight[:, 17, 0, 0] * 110
    assert largest_difference(eccv.decode(logits, 0.01), mode.view(1, 2, 1, 1).expand(1, 2, 2, 2)) < 1e-3


@torch.inference_mode()
def test_siggraph17_temperature_anneals_the_mean_of_its_cells(siggraph: SIGGRAPHGenerator) -> None:
    """The cells are numbered 23 * a_index + b_index from ab (-110, -110) on."""
    logits = torch.zeros(1, 529, 1, 1)
    logits[:, 23 * 13 + 4] = 1.0
    assert siggraph.annealed_mean(logits, 0.01).flatten().tolist() == pytest.approx([20.0, -70.0], abs=1e-3)
    stored = reference("siggraph17")
    some = stored["l"][:1], stored["hint_ab"][:1], stored["hint_mask"][:1]
    expected = siggraph.annealed_mean(siggraph.logits(siggraph.features(*some)), 0.5)
    assert torch.equal(siggraph.predict(*some, temperature=0.5), expected)


@pytest.mark.parametrize(("build", "gmac"), [(SIGGRAPHGenerator, 75.2), (ECCVGenerator, 41.8)])
def test_macs_at_256_px(build: type[nn.Module], gmac: float) -> None:
    """The published SIGGRAPH17 forward does 101.0 GMAC here."""
    with torch.device("meta"):
        network = build().eval()
        macs = count_macs(network, torch.zeros(1, 1, 256, 256))
    assert macs / 1e9 == pytest.approx(gmac, abs=0.1)


def test_normalisation_is_the_published_one() -> None:
    base = BaseColor()
    assert (base.l_cent, base.l_norm, base.ab_norm) == (50.0, 100.0, 110.0)
    values = torch.tensor([0.0, 50.0, 100.0])
    assert torch.equal(base.normalize_l(values), torch.tensor([-0.5, 0.0, 0.5]))
    assert torch.equal(base.unnormalize_l(base.normalize_l(values)), values)
    assert torch.equal(base.normalize_ab(torch.tensor([-110.0, 55.0])), torch.tensor([-1.0, 0.5]))
    assert torch.equal(base.unnormalize_ab(torch.tensor([-1.0, 0.5])), torch.tensor([-110.0, 55.0]))


def largest_difference(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape
    return float((a - b).abs().max())


def count_macs(network: nn.Module, input_l: Tensor) -> int:
    """Return the number of multiplications by weights in one forward pass."""
    macs = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal macs
        if isinstance(module, nn.ConvTranspose2d):
            macs += inputs[0][0, 0].numel() * module.weight.numel()
        elif isinstance(module, nn.Conv2d):
            macs += output[0, 0].numel() * module.weight.numel()

    for module in network.modules():
        module.register_forward_hook(count)
    network(input_l)
    return macs
