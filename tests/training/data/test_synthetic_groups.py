"""Tests of synthetic groups of people."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from colorizers.networks.torch_lab import rgb_to_lab
from tests.support.training_pictures import GRASS, landscape, write_shard
from training.data.samples import index_shards
from training.data.synthetic_groups import People, add_groups, shows_skin

SKIN, MASK, WOOL = (205, 150, 120), (90, 140, 210), (60, 55, 60)
CPU = torch.device("cpu")


def face(is_masked: bool = False) -> Image.Image:
    """Draw a face of one color, or one with a blue mask."""
    image = Image.new("RGB", (64, 64), SKIN)
    if is_masked:
        ImageDraw.Draw(image).rectangle((10, 36, 54, 63), fill=MASK)
    return image


def pixels(image: Image.Image) -> Tensor:
    """Return a picture as (1, 3, h, w) in 0..1."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255


def people() -> People:
    """Return material of one face and one garment."""
    return People(pixels(face()), pixels(Image.new("RGB", (64, 64), WOOL)))


def meadows(count: int) -> Tensor:
    """Return pictures of plain grass."""
    return pixels(Image.new("RGB", (96, 72), GRASS)).repeat(count, 1, 1, 1)


def test_only_bare_faces_show_skin() -> None:
    shown = torch.cat([pixels(image) for image in (face(), face(is_masked=True), Image.new("RGB", (64, 64), WOOL))])
    assert shows_skin(shown).tolist() == [True, False, False]


def test_a_group_differs_from_the_meadow() -> None:
    torch.manual_seed(0)
    before = meadows(20)
    after = add_groups(before, people(), 1.0)
    assert after.shape == before.shape
    assert torch.equal(after, after.clamp(0, 1))
    assert torch.equal(before, meadows(20)), "the input is not modified"
    ab = rgb_to_lab(after)[:, 1:]
    is_green = ab[:, 0] < -5
    for picture in is_green:
        assert 0.03 < 1 - picture.float().mean() < 0.97
    skin = (ab[:, 0] > 5) & (ab[:, 1] > 5)
    assert skin.flatten(1).any(1).all(), "every group has a face"


def test_only_the_share_asked_for_gets_a_group() -> None:
    torch.manual_seed(0)
    before = meadows(200)
    changed = (add_groups(before, people(), 0.15) != before).flatten(1).any(1)
    assert 15 <= changed.sum() <= 45
    assert torch.equal(add_groups(before, people(), 0.0), before)


def test_people_are_found_by_name(tmp_path: Path) -> None:
    write_shard(tmp_path / "shard-00000.tar", [face(), Image.new("RGB", (64, 64), WOOL), landscape(0)])
    samples = index_shards(tmp_path)
    found = People.among(samples, "0000", "0001", CPU)
    assert found is not None
    assert (len(found.faces), len(found.clothes)) == (1, 1)
    assert People.among(samples, "0000", "nobody", CPU) is None
    assert People.among(samples, "0001", "0001", CPU) is None, "a garment is no face"
