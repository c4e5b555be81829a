"""What tests of several areas share: the order of their files, and the service on several machines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.support.servers import Gate
from benchmarks.support.setups import SetUp, cluster
from tests.support.programs import pytest_addoption, pytest_collection_finish, pytest_configure, pytest_runtest_setup

__all__ = ["pytest_addoption", "pytest_collection_finish", "pytest_configure", "pytest_runtest_setup"]

# Several processes take one file of tests after the other. The long files go first: one that came last would be run by
# one process while the others have nothing left to do. Each is named with its folder, or a whole folder is.
LONG = ("browser", "training/loop/test_overfit.py", "service/test_machines.py", "training", "benchmarks", "service")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of `LONG` first, in its order; within a file all stays as it is."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return next((rank for rank, name in enumerate(LONG) if path == name or path.startswith(f"{name}/")), len(LONG))


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """Return two web processes and two Celery workers, each with an address or folder of its own, and their servers.

    They end with the file of tests that asked for them: while they wait for work they take a tenth of a core.
    """
    folder = tmp_path_factory.mktemp("machines")
    with cluster(folder, base_dir="/studio", model="default", max_upload_mb=1, max_files=10) as setup:
        yield setup


@pytest.fixture(scope="module")
def entrance(machines: SetUp) -> Iterator[str]:
    """Return an address whose connections go to either web process by turns, as a proxy's do."""
    targets = [(runner.settings.host, runner.settings.port) for runner in machines.webs]
    gate = Gate("127.0.0.1", *targets)
    yield f"http://127.0.0.1:{gate.port}/studio/"
    gate.close()
