"""Two web processes and two workers, killed, without their broker, with their storage closed: no photo is harmed.

`python -m benchmarks kill --setup cluster` does the same at length.
"""

import httpx
import pytest

from benchmarks.stress.kill import Disturb, during, killing, run
from benchmarks.stress.outages import broker_down, storage_down
from benchmarks.stress.trial import samples
from benchmarks.support.setups import SetUp
from tests.support.processes import answers, until

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture(autouse=True)
def _ready(machines: SetUp) -> None:
    for address in machines.addresses:
        until(lambda address=address: answers(f"{address}/readyz"))  # type: ignore[misc]


@pytest.mark.parametrize(
    "disturb",
    [killing(2, 1), during(broker_down, 1), during(storage_down, 4)],
    ids=["killed", "without broker", "without storage"],
)
def test_no_photo_is_harmed(machines: SetUp, disturb: Disturb) -> None:
    records = list(run(machines, samples(8, 0.05), {"it": disturb}, within_s=120))
    assert [(record["done"], record["harmed"]) for record in records] == [(8, 0)] * 2


def test_readiness_tells_what_is_missing(machines: SetUp) -> None:
    assert machines.storage
    address = f"{machines.addresses[1]}/readyz"
    machines.storage.refuse()
    try:
        answer = httpx.get(address, trust_env=False, timeout=30)
    finally:
        machines.storage.admit()
    assert answer.status_code == 503
    assert [name for name, holds in answer.json()["checks"].items() if not holds] == ["storage"]
