"""Work and photographs in, results in their order out: shared by several processes, with progress and ETA."""

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch
from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")

_LINE_EVERY_S = 20.0
# The server imports these once; the processes it forks start with them at no cost.
_PRELOADED = ["training.evaluate", "training.evaluate_hints"]


def each(work: Callable[[T], R], items: Sequence[T], processes: int, what: str) -> Iterator[R]:
    """Yield `work` of each of `items`, in their order, as soon as it is there; `what` says whose progress is shown.

    With several processes each computes in one thread, and `work` and `items` must be picklable. Who stops asking
    stops the work.
    """
    return _shown(_spread(work, items, min(processes, len(items))), len(items), what)


def _spread(work: Callable[[T], R], items: Sequence[T], processes: int) -> Iterator[R]:
    if processes <= 1:
        yield from map(work, items)
        return
    # Forked from a server that never computed anything: torch's threads do not survive a fork.
    context = get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    pool = ProcessPoolExecutor(processes, context, _begin)
    try:
        yield from pool.map(work, items, chunksize=max(1, min(4, len(items) // processes)))
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    torch.set_num_threads(1)
    # Ctrl-C is the first process's to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _shown(results: Iterable[R], total: int, what: str) -> Iterator[R]:
    """Yield `results` and tell how far they are: a bar on a terminal, a line now and then elsewhere."""
    began = told = time.monotonic()
    with tqdm(total=total, unit="photo", desc=what, disable=None) as bar:
        for done, result in enumerate(results, 1):
            yield result
            bar.update()
            now = time.monotonic()
            if bar.disable and now - told > _LINE_EVERY_S:
                told = now
                left = (now - began) / done * (total - done)
                print(f"{what}: {done} of {total} photos, {left:.0f} s left", file=sys.stderr, flush=True)
