"""Tests of the running service with slow and broken clients; the long runs are commands of `benchmarks`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.stress.fuzz import made_corpus
from benchmarks.stress.fuzz_http import fuzz
from benchmarks.stress.slow import measure
from benchmarks.support.setups import SetUp, local


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    folder: Path = tmp_path_factory.mktemp("data")
    with local(folder, model="default") as service:
        yield service


def test_broken_files_are_answered_and_whole_ones_coloured(service: SetUp) -> None:
    answers = fuzz(service, range(60), made_corpus())
    assert answers.failures == []
    assert answers.longest_s < 20
    assert answers.ends.total() == 60
    assert answers.ends["done"] > 5
    assert answers.ends["undecodable"] > 5
    assert answers.workers == set(service.worker_memory_mib())


def test_slow_uploads_and_streams_keep_nobody_else_out(service: SetUp) -> None:
    met = measure(service.port, uploads=40, streams=30, megapixels=0.25, seconds=3)
    assert met.streams == 30
    assert met.uploads_s
    assert max(met.uploads_s) < 30
    assert max(met.health_s) < 5
    assert max(service.web_memory_mib()) < 120
