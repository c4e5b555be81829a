"""Measurement of CPU and wall time, as medians of alternating runs, and of the memory of a process."""

import gc
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.support.processes import memory_mib

_WANTED_S = 6.0
_MOST_REPEATS = 7


@dataclass(frozen=True)
class Times:
    """Medians in milliseconds."""

    cpu_ms: float
    wall_ms: float


def alternating(tasks: dict[str, Callable[[], object]], repeats: int | None = None) -> dict[str, Times]:
    """Return the times of `tasks` by name; each round does every task once, so that all see the same machine.

    The first round warms up and does not count. Without `repeats` there are 2 to 7 rounds, about six seconds of the
    slowest task.
    """
    slowest = max(_once(task)[1] for task in tasks.values())
    rounds = repeats or max(2, min(_MOST_REPEATS, int(_WANTED_S * 1000 / slowest)))
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            samples[name].append(_once(task))
    return {
        name: Times(median(cpu for cpu, _ in taken), median(wall for _, wall in taken))
        for name, taken in samples.items()
    }


def _once(task: Callable[[], object]) -> tuple[float, float]:
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    task()
    return 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)


class PeakMemory:
    """The most memory this process holds from a moment on (Linux)."""

    def __init__(self) -> None:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        self._before = memory_mib(os.getpid())

    def growth_mib(self) -> float:
        """Return by how much memory has grown at its peak since this object was made, in MiB."""
        return memory_mib(os.getpid(), "VmHWM") - self._before


def machine() -> dict[str, Any]:
    """Return what kind of machine this is, and with which libraries."""
    capabilities = torch.cpu.get_capabilities()
    found = [name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if capabilities.get(name)]
    return {
        "processor": capabilities.get("cpu_name") or platform.machine(),
        "vector_instructions": found,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numba", "numpy", "pillow", "scikit-image")},
    }
