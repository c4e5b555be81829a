"""A running set-up of several machines in, what they share out of order for a while: the broker, or the storage."""

import time

from benchmarks.support.setups import SetUp


def restart_broker(setup: SetUp, seconds: float) -> None:
    """End the broker, which keeps nothing, without a word; start it again after a while, empty."""
    assert setup.broker
    setup.broker.stop()
    time.sleep(seconds)
    setup.broker.start()


def refuse_storage(setup: SetUp, seconds: float) -> None:
    """Cut all connections to the storage and refuse new ones for a while."""
    assert setup.storage
    setup.storage.refuse()
    time.sleep(seconds)
    setup.storage.admit()
