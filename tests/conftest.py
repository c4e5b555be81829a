"""What tests of several areas share: the service on several machines, which takes a while to start."""

from collections.abc import Iterator

import pytest

from benchmarks.servers import Gate
from benchmarks.setups import SetUp, cluster
from colorizers.registry import MODEL_DIR


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """Return two web processes and two Celery workers, each with an address or folder of its own, and their servers.

    They end with the file of tests that asked for them: while they wait for work they take a tenth of a core.
    """
    folder = tmp_path_factory.mktemp("machines")
    with cluster(folder, MODEL_DIR, base_dir="/studio", model="default", max_upload_mb=1, max_files=10) as setup:
        yield setup


@pytest.fixture(scope="module")
def entrance(machines: SetUp) -> Iterator[str]:
    """Return an address whose connections go to either web process by turns, as a proxy's do."""
    targets = [(runner.settings.host, runner.settings.port) for runner in machines.webs]
    gate = Gate("127.0.0.1", *targets)
    yield f"http://127.0.0.1:{gate.port}/studio/"
    gate.close()
