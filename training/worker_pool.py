"""Process pool that maps a function over photographs, with a progress bar."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch
from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")

_LOG_EVERY_S = 20.0


def parallel_map(work: Callable[[T], R], items: Sequence[T], processes: int, description: str) -> Iterator[R]:
    """Yield `work(item)` for each of `items`, in their order, and show progress under `description`.

    With several processes each of them computes on one thread, and `work` and `items` must be picklable. Closing the
    iterator cancels the remaining work.
    """
    results = _results(work, items, min(processes, len(items)))
    interval_s = 0.1 if sys.stderr.isatty() else _LOG_EVERY_S
    bar = tqdm(
        results, total=len(items), unit="photo", desc=description, mininterval=interval_s, maxinterval=interval_s
    )
    yield from bar


def _results(work: Callable[[T], R], items: Sequence[T], processes: int) -> Iterator[R]:
    if processes <= 1:
        yield from map(work, items)
        return
    # torch's threads do not survive a fork, so workers are forked from a server that has computed nothing yet.
    context = get_context("forkserver")
    # The server imports the function's module once, and workers start with it at no cost.
    context.set_forkserver_preload([getattr(work, "func", work).__module__])
    pool = ProcessPoolExecutor(processes, context, _initialize_worker)
    try:
        yield from pool.map(work, items, chunksize=max(1, min(4, len(items) // processes)))
    finally:
        pool.shutdown(cancel_futures=True)


def _initialize_worker() -> None:
    torch.set_num_threads(1)
    # Ctrl-C is handled by the main process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
