"""Number of workers, and their threads and GPUs."""

from pathlib import Path

import pytest

from service.workers import capacity
from tests.service.conftest import MakeSettings

GB = 10**9


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of eight cores without limits and GPUs; returns the folder of its limits."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": 64 * GB}.__getitem__)
    monkeypatch.setattr(capacity, "_CGROUP", tmp_path)
    monkeypatch.setattr(capacity, "_NVIDIA", tmp_path / "gpus")
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_one_worker_for_each_core_unless_told_otherwise(make_settings: MakeSettings) -> None:
    assert capacity.worker_count(make_settings(workers=0)) == 8
    assert capacity.worker_count(make_settings(workers=3)) == 3


def test_limits_of_a_container_count(make_settings: MakeSettings, machine: Path) -> None:
    settings = make_settings(workers=0)
    (machine / "cpu.max").write_text("250000 100000\n")
    assert capacity.worker_count(settings) == 2
    (machine / "cpu.max").write_text("max 100000\n")
    (machine / "memory.max").write_text(f"{5 * GB}\n")
    assert capacity.worker_count(settings) == 3
    (machine / "memory.max").write_text(f"{GB}\n")
    assert capacity.worker_count(settings) == 1


def test_each_worker_has_one_thread_unless_the_environment_says_otherwise(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = capacity.worker_environ(make_settings(), 0)
    assert environ == dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert capacity.worker_environ(make_settings(), 0)["OMP_NUM_THREADS"] == "5"


def test_each_gpu_gets_a_worker(make_settings: MakeSettings, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (machine / "gpus" / name).mkdir(parents=True)
    settings = make_settings(workers=0, device="auto")
    assert capacity.worker_count(settings) == 2
    assert [capacity.worker_environ(settings, i)["CUDA_VISIBLE_DEVICES"] for i in range(3)] == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert capacity.worker_count(settings) == 1
    assert "CUDA_VISIBLE_DEVICES" not in capacity.worker_environ(settings, 0)
    assert capacity.worker_count(make_settings(workers=0, device="cpu")) == 8
