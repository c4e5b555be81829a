"""Number of workers for this machine or container, and the CPU threads and GPU of each. Does not import torch."""

import os
from pathlib import Path

from service.settings import Settings

# torch and a network take about half of it, a photo of 100 megapixels the rest.
_BYTES_PER_WORKER = 1_500_000_000
_NVIDIA = Path("/proc/driver/nvidia/gpus")
_CGROUP = Path("/sys/fs/cgroup")


def worker_count(settings: Settings) -> int:
    """Return `WORKERS` if set, else the number of GPUs or cores, limited by memory."""
    if settings.workers:
        return settings.workers
    return max(1, min(len(gpus(settings)) or cores(), memory_bytes() // _BYTES_PER_WORKER))


def worker_environ(settings: Settings, slot: int) -> dict[str, str]:
    """Return the environment variables that give the worker number `slot` one CPU thread, and its GPU.

    One thread, because several workers do more than several threads, and so that results are the same to the byte on
    all machines. Thread counts that the environment sets already remain.
    """
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environ = {name: os.environ.get(name) or "1" for name in names}
    there = gpus(settings)
    return {**environ, "CUDA_VISIBLE_DEVICES": there[slot % len(there)]} if len(there) > 1 else environ


def cores() -> int:
    """Return the number of usable cores, within the limit of a container."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read(_CGROUP / "cpu.max").partition(" ")
    return max(1, min(available, int(quota) // int(period))) if quota.isdigit() and period else available


def memory_bytes() -> int:
    """Return the memory of this machine or container in bytes."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(_CGROUP / "memory.max")
    return min(installed, int(limit)) if limit.isdigit() else installed


def gpus(settings: Settings) -> list[str]:
    """Return the usable NVIDIA GPUs, as `CUDA_VISIBLE_DEVICES` names them."""
    if settings.device == "cpu" or not _NVIDIA.is_dir():
        return []
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name.strip() for name in chosen.split(",") if name.strip()]
    return [str(number) for number in range(len(list(_NVIDIA.iterdir())))]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
