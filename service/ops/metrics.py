"""Prometheus metrics from the database: each web process reports for all processes, workers included."""

from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from service.jobs.counters import Labels, live_processes, read_totals
from service.jobs.store import JobStore

_PREFIX = "photo_colorizer"
_Totals = dict[Labels, float]


def metrics_text(jobs: JobStore) -> bytes:
    """Return all metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Collector(jobs))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    def collect(self) -> Iterator[Metric]:
        totals = read_totals(self._jobs.database)
        route, finished = ("route", "method", "status"), totals.get("finished", {})
        seconds = {of: value / 1000 for of, value in totals.get("request_ms", {}).items()}
        yield _counter("requests", "Requests answered", route, totals.get("requests", {}))
        yield _counter("request_seconds", "Time spent on them", route, seconds)
        yield from _queue(self._jobs)
        yield _counter("finished", "Jobs by how they ended", ("kind", "outcome", "code"), finished)
        yield _summary("wait_seconds", "Time from upload to the beginning of the work", "wait", totals, ())
        yield _summary("stage_seconds", "Time of each step of the work", "stage", totals, ("stage",))
        yield _memory(self._jobs.database)


def _counter(name: str, text: str, names: tuple[str, ...], values: _Totals) -> Metric:
    family = CounterMetricFamily(f"{_PREFIX}_{name}", text, labels=names)
    for of, value in values.items():
        family.add_metric(_values(of, names), value)
    return family


def _queue(jobs: JobStore) -> Iterator[Metric]:
    at_work = GaugeMetricFamily(f"{_PREFIX}_jobs", "Photos not finished yet", labels=("status",))
    queued, running, oldest_s = jobs.load()
    at_work.add_metric(("queued",), queued)
    at_work.add_metric(("running",), running)
    yield at_work
    yield GaugeMetricFamily(f"{_PREFIX}_oldest_queued_seconds", "Age of the longest waiting photo", value=oldest_s)
    yield GaugeMetricFamily(f"{_PREFIX}_service_seconds", "Time a photo takes, lately", value=jobs.service_time_s())


def _summary(name: str, text: str, total: str, totals: dict[str, _Totals], names: tuple[str, ...]) -> Metric:
    family = SummaryMetricFamily(f"{_PREFIX}_{name}", text, labels=names)
    for of, count in totals.get(f"{total}_count", {}).items():
        family.add_metric(_values(of, names), int(count), totals[f"{total}_s"][of])
    return family


def _memory(database: sa.Engine) -> Metric:
    names = ("role", "process")
    family = GaugeMetricFamily(f"{_PREFIX}_resident_memory_bytes", "Memory of each live process", labels=names)
    for process in live_processes(database):
        family.add_metric((process.role, process.name), process.resident_bytes)
    return family


def _values(of: Labels, names: tuple[str, ...]) -> list[str]:
    found = dict(of)
    return [found.get(name, "") for name in names]
