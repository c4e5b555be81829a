"""Deterministic stream of training batches, decoded by threads from pictures on disk.

Order, crops and mirroring depend only on seed, epoch and picture: a resumed run, or a run shared between processes,
gets the same batches.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.data.samples import Canvas, DecodedCache, Sample

_BATCHES_AHEAD = 3


@lru_cache(maxsize=2)
def shuffled(size: int, seed: tuple[int, ...], buffer: int | None = None) -> NDArray[np.int64]:
    """Return 0..size-1 in random order; with `buffer`, the order in which a shuffle buffer of that size draws them."""
    rng = np.random.default_rng(seed)
    if buffer is None or buffer >= size:
        return rng.permutation(size)
    pool = np.arange(buffer)
    drawn = np.empty(size, np.int64)
    for place, incoming in enumerate(range(buffer, size)):
        slot = rng.integers(buffer)
        drawn[place] = pool[slot]
        pool[slot] = incoming
    drawn[size - buffer :] = rng.permutation(pool)
    return drawn


@dataclass(frozen=True)
class Stream:
    """Batches of `batch` pictures; an epoch is one pass over one of `chunks` equal parts of the set, in turn.

    Process `rank` of `world` takes every `world`-th picture of a batch. Raises `ValueError` where a batch cannot be
    shared evenly or a chunk has fewer pictures than a batch.
    """

    samples: Sequence[Sample]
    canvas: Canvas
    batch: int
    seed: int
    buffer: int | None = None
    chunks: int = 1
    rank: int = 0
    world: int = 1
    threads: int = 2

    def __post_init__(self) -> None:
        if self.batch % self.world:
            raise ValueError(f"A batch of {self.batch} cannot be shared evenly by {self.world} processes.")
        if self.steps_per_epoch < 1:
            raise ValueError(
                f"{len(self.samples)} photographs are too few: {self.chunks} chunks with batches of {self.batch} take "
                f"{self.chunks * self.batch} at least. --set chunks=N and --set batch=N make do with fewer."
            )

    @property
    def steps_per_epoch(self) -> int:
        """The number of complete batches in a chunk."""
        return len(self.samples) // self.chunks // self.batch

    def chosen(self, step: int) -> tuple[int, list[int]]:
        """Return the epoch of `step` and the indices of this process's pictures in it."""
        epoch, within = divmod(step, self.steps_per_epoch)
        size = len(self.samples) // self.chunks
        order = shuffled(size, (self.seed, epoch), self.buffer)
        batch = order[within * self.batch : (within + 1) * self.batch][self.rank :: self.world]
        return epoch, [int(index) + epoch % self.chunks * size for index in batch]

    def batches(self, first_step: int = 0) -> Iterator[Tensor]:
        """Yield RGB uint8 batches (n, 3, h, w) without end, from `first_step` on; threads decode ahead."""
        cache = DecodedCache()
        with ThreadPoolExecutor(self.threads) as pool:
            ahead: deque[list[Future[NDArray[np.uint8]]]] = deque()
            for step in count(first_step):
                epoch, indices = self.chosen(step)
                ahead.append([pool.submit(self._picture, cache, epoch, index) for index in indices])
                if len(ahead) > _BATCHES_AHEAD:
                    yield _to_tensor([future.result() for future in ahead.popleft()])

    def _picture(self, cache: DecodedCache, epoch: int, index: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([self.seed, epoch, index])
        return self.canvas.fit(cache.open(self.samples[index]), rng)


def still_pictures(samples: Sequence[Sample], canvas: Canvas) -> Tensor:
    """Fit all `samples` to `canvas` without random crops: RGB uint8 (n, 3, h, w)."""
    return _to_tensor([canvas.fit(sample.open()) for sample in samples])


def _to_tensor(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
