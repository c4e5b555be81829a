"""Tests of the kill command on few photos and one machine.

`tests/service/test_machines.py` does the same to several machines.
"""

from collections.abc import Iterator

import pytest

from benchmarks.stress.kill import Disturb, during, killing, run
from benchmarks.stress.outages import full_disk, locked_database
from benchmarks.stress.trial import samples
from benchmarks.support.setups import SetUp, local


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """A running application with two workers."""
    with local(tmp_path_factory.mktemp("data"), model="default", workers=2) as setup:
        yield setup


@pytest.mark.parametrize(
    ("disturb", "done"),
    [
        (killing(2, 1), "it, 2 workers, 1 web processes"),
        (during(full_disk, 2), "it, 2 seconds"),
        (during(locked_database, 3), "it, 3 seconds"),
    ],
    ids=["killed", "disk full", "database locked"],
)
def test_no_photo_is_harmed(setup: SetUp, disturb: Disturb, done: str) -> None:
    quiet, disturbed = run(setup, samples(8, 0.3), {"it": disturb}, within_s=200)
    assert disturbed["disturbed by"] == done
    assert [(record["done"], record["harmed"]) for record in (quiet, disturbed)] == [(8, 0)] * 2
