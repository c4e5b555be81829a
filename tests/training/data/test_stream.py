"""Tests of the training stream: order, sharing between processes, fitting to the canvas."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.training_pictures import landscape, write_shards
from training.data.memory_data import MemoryData
from training.data.samples import Canvas, index_shards
from training.data.stream import Stream, shuffled, still_pictures


def test_a_shuffle_buffer_mixes_only_nearby_pictures() -> None:
    whole, buffered = shuffled(1000, (1, 0)), shuffled(1000, (1, 0), 50)
    assert sorted(whole) == sorted(buffered) == list(range(1000))
    assert (np.arange(1000) - buffered).min() > -50 - 1
    assert (np.arange(1000) - whole).min() < -500
    assert not np.array_equal(shuffled(1000, (1, 0)), shuffled(1000, (1, 1)))


def test_processes_share_a_global_batch(tmp_path: Path) -> None:
    samples = index_shards(write_shards(tmp_path, 10))
    canvas = Canvas(16, 16, "random", mirror=True)
    alone = Stream(samples, canvas, 4, seed=3)
    halves = [Stream(samples, canvas, 4, seed=3, rank=rank, world=2) for rank in range(2)]
    for step in range(7):
        epoch, indices = alone.chosen(step)
        assert epoch == step // 2
        first, second = (half.chosen(step)[1] for half in halves)
        assert indices == [index for pair in zip(first, second, strict=True) for index in pair]
    whole = next(alone.batches(5))
    parts = [next(half.batches(5)) for half in halves]
    assert torch.equal(whole[0::2], parts[0])
    assert torch.equal(whole[1::2], parts[1])
    with pytest.raises(ValueError, match="shared evenly"):
        Stream(samples, canvas, 3, seed=3, world=2)


def test_a_later_start_sees_the_same_batches(tmp_path: Path) -> None:
    samples = index_shards(write_shards(tmp_path, 6))
    stream = Stream(samples, Canvas(16, 24, "random", mirror=True), 2, seed=1)
    from_the_start = list(islice(stream.batches(), 8))
    assert all(torch.equal(a, b) for a, b in zip(from_the_start[5:], stream.batches(5), strict=False))
    assert from_the_start[0].shape == (2, 3, 16, 24)


def test_chunks_take_turns(tmp_path: Path) -> None:
    samples = index_shards(write_shards(tmp_path, 8))
    stream = Stream(samples, Canvas(8, 8), 2, seed=1, chunks=2)
    assert stream.steps_per_epoch == 2
    seen = [set(stream.chosen(step)[1]) for step in range(8)]
    assert seen[0] | seen[1] == seen[4] | seen[5] == {0, 1, 2, 3}
    assert seen[2] | seen[3] == seen[6] | seen[7] == {4, 5, 6, 7}


def test_too_few_photographs_are_an_error(tmp_path: Path) -> None:
    samples = index_shards(write_shards(tmp_path, 10))
    with pytest.raises(ValueError, match="3 chunks with batches of 4 take 12 at least"):
        Stream(samples, Canvas(16, 16), 4, seed=3, chunks=3)


def test_pictures_cover_the_canvas_from_the_top_left_or_the_middle() -> None:
    ramp = Image.fromarray(np.arange(100, dtype=np.uint8)[None, :, None].repeat(50, 0).repeat(3, 2))
    left = Canvas(50, 50, "top-left").fit(ramp)
    middle = Canvas(50, 50, "centre").fit(ramp)
    assert (left[0, 0, 0], left[0, -1, 0]) == (0, 49)
    assert (middle[0, 0, 0], middle[0, -1, 0]) == (25, 74)
    assert Canvas(100, 100).fit(ramp).shape == (100, 100, 3)
    zoomed = Canvas(25, 25, "top-left", load_px=50).fit(ramp)
    assert (zoomed[0, 0, 0], zoomed[0, -1, 0]) == (0, 24)


def test_random_crops_and_mirroring(tmp_path: Path) -> None:
    image = landscape(3)
    canvas = Canvas(32, 32, "random", mirror=True)
    fits = {canvas.fit(image, np.random.default_rng(seed)).tobytes() for seed in range(12)}
    assert len(fits) == 12
    assert canvas.fit(image).tobytes() == Canvas(32, 32).fit(image).tobytes()
    still = still_pictures(index_shards(write_shards(tmp_path, 2)), Canvas(16, 16))
    assert still.shape == (2, 3, 16, 16)


def test_no_shards_are_explained(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="training prepare"):
        index_shards(tmp_path)


def test_memory_crops_are_of_the_pictures(tmp_path: Path) -> None:
    memory = MemoryData.load(index_shards(write_shards(tmp_path, 5)), 64)
    assert len(memory) == 5
    assert memory.pixels.shape == (5, 3, 64, 64)
    assert memory.sizes.tolist() == [[48, 64]] * 5
    batch = next(memory.batches(4, [(24, 32)], 0.5))
    assert batch.shape == (4, 3, 24, 32)
    assert float(batch.min()) >= 0
    assert float(batch.max()) <= 1
    whole = memory.crops(torch.arange(5), 48, 64, 1.0)
    original = memory.pixels[:, :, :48].float() / 255
    mirrored = original.flip(3)
    difference = torch.minimum((whole - original).abs().mean((1, 2, 3)), (whole - mirrored).abs().mean((1, 2, 3)))
    assert float(difference.max()) < 0.12
