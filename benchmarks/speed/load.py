"""`python -m benchmarks load [--seconds S]`: throughput by the number of clients.

Photos of 2 megapixels, the embedded network, settings as they are by default. Throughput must not fall as clients grow,
nothing but 503 with `Retry-After` may be refused, `/healthz` must answer all the while, and the memory of the web
processes must not grow. With ECCV16 the application is compared with a plain server that runs the published demo.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.plain_server import running_plain_server
from benchmarks.support.clients import WARM_UP_REQUESTS, Client, Tally, form, percentile, run_clients, warm_up
from benchmarks.support.health import Health
from benchmarks.support.model_folder import prepare
from benchmarks.support.photos import toned_print
from benchmarks.support.setups import SetUp, local
from benchmarks.support.table import Record, publish

_MEMORY_WARM_UP_S = 30.0
_COMPARED_CLIENTS = 4
_LEAST_SHARE_OF_PEAK = 0.8
_MOST_HEALTH_S = 0.3
_MOST_GROWTH = 0.05
_MOST_WEB_MIB = 120
_LEAST_RATIO = 1.5
_NETWORK = "eccv16"


@dataclass(frozen=True)
class Verdict:
    """A requirement with the measured figure, and whether it holds."""

    text: str
    holds: bool


def main(argv: Sequence[str]) -> int:
    """Measure and print; return 1 where something that must hold does not."""
    arguments = _parser().parse_args(argv)
    records: list[Record] = []
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "load" in arguments.parts or "memory" in arguments.parts:
            with local(folder / "data", model="default") as service:
                if "load" in arguments.parts:
                    levels = list(_levels(service, arguments))
                    records += levels
                    verdicts += _judge(levels)
                if "memory" in arguments.parts:
                    verdicts += _memory(service, arguments)
        if "reference" in arguments.parts:
            compared = list(_compare(folder, arguments))
            records += compared
            verdicts.append(_judge_ratio(compared))
    publish(records, "load", arguments.json)
    for verdict in verdicts:
        print(f"{'holds' if verdict.holds else 'FAILS'}: {verdict.text}")
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _levels(service: SetUp, arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield one record for every number of clients."""
    work = _colouring(arguments.megapixels)
    warm_up(service.port, work, arguments.warm_up)
    for count in arguments.clients:
        with Health(service.port) as health:
            tally = run_clients(service.port, count, arguments.seconds, work)
        yield {
            **_record("service", count, tally),
            "healthz p99 ms": 1000 * percentile(health.seconds, 0.99),
            "web MiB": round(max(service.web_memory_mib())),
        }


def _record(server: str, clients: int, tally: Tally) -> Record:
    record = {
        "server": server,
        "clients": clients,
        "photos/s": tally.per_second,
        "median s": tally.percentile(0.5),
        "p95 s": tally.percentile(0.95),
        "answers": ", ".join(f"{status}: {number}" for status, number in sorted(tally.statuses.items())),
    }
    print(record, file=sys.stderr, flush=True)
    return record


def _colouring(megapixels: float) -> Callable[[Client, float], None]:
    body, headers = form(toned_print(megapixels))
    return lambda client, deadline: client.colour(body, headers, deadline)


def _judge(levels: list[Record]) -> Iterator[Verdict]:
    rates = [level["photos/s"] for level in levels]
    # With few clients it may be far from its peak, as one alone waits for its own photo; from then on it must not fall.
    peak = rates.index(max(rates))
    least = min(rates[peak:]) / rates[peak]
    text = f"throughput peaks with {levels[peak]['clients']} clients and then keeps {least:.0%}"
    yield Verdict(f"{text}, {_LEAST_SHARE_OF_PEAK:.0%} wanted", least >= _LEAST_SHARE_OF_PEAK)
    answers = {part.split(":")[0] for level in levels for part in level["answers"].split(", ")}
    yield Verdict(f"the answers are {', '.join(sorted(answers))}", answers <= {"200", "202", "429", "503"})
    yield _judge_health(max(level["healthz p99 ms"] for level in levels))
    largest = max(level["web MiB"] for level in levels)
    yield Verdict(f"a web process has {largest} MiB, less than {_MOST_WEB_MIB} wanted", largest < _MOST_WEB_MIB)


def _judge_health(slowest_ms: float) -> Verdict:
    text = f"/healthz takes {slowest_ms:.0f} ms at p99, {1000 * _MOST_HEALTH_S:.0f} allowed"
    return Verdict(text, slowest_ms <= 1000 * _MOST_HEALTH_S)


def _memory(service: SetUp, arguments: argparse.Namespace) -> Iterator[Verdict]:
    """Yield whether the web processes stay as they are, once they have had as many clients as there will be."""
    work, count = _colouring(arguments.megapixels), max(arguments.clients)
    run_clients(service.port, count, _MEMORY_WARM_UP_S, work)
    before = sum(service.web_memory_mib())
    with Health(service.port) as health:
        tally = run_clients(service.port, count, 3600, work, most_requests=arguments.requests)
    after = sum(service.web_memory_mib())
    growth = after / before - 1
    text = f"the web processes went from {before:.0f} to {after:.0f} MiB ({growth:+.1%}) in {tally.requests} requests"
    yield Verdict(text, growth < _MOST_GROWTH)
    yield _judge_health(1000 * percentile(health.seconds, 0.99))


def _compare(folder: Path, arguments: argparse.Namespace) -> Iterator[Record]:
    """Yield the records of the application and of the plain server, both with ECCV16."""
    models = folder / "models"
    models.mkdir()
    spec = prepare([_NETWORK], models).specs[_NETWORK]
    body, headers = form(toned_print(arguments.megapixels))
    with local(folder / "compared", model=spec.name, model_dir=models) as service:
        work = _colouring(arguments.megapixels)
        warm_up(service.port, work, arguments.warm_up)
        yield _record(
            spec.name, _COMPARED_CLIENTS, run_clients(service.port, _COMPARED_CLIENTS, arguments.seconds, work)
        )
    with running_plain_server(models, _NETWORK) as port:

        def wait(client: Client, deadline: float) -> None:
            client.colour_and_wait(body, headers, deadline)

        warm_up(port, wait, arguments.warm_up)
        yield _record(
            f"plain, {_NETWORK}", _COMPARED_CLIENTS, run_clients(port, _COMPARED_CLIENTS, arguments.seconds, wait)
        )


def _judge_ratio(compared: list[Record]) -> Verdict:
    ours, theirs = (record["photos/s"] for record in compared)
    return Verdict(
        f"{ours / theirs:.2f} times the requests of the plain server, {_LEAST_RATIO} wanted",
        ours / theirs >= _LEAST_RATIO,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each number of clients (default: %(default)g)")
    parser.add_argument("--clients", type=_numbers, default=[1, 4, 16, 64], help="as 1,4,16,64")
    parser.add_argument("--requests", type=int, default=2000, help="for the memory (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=WARM_UP_REQUESTS, help="requests before (default: %(default)s)")
    parser.add_argument("--megapixels", type=float, default=2.0, help="of each photo (default: %(default)g)")
    parser.add_argument(
        "--parts",
        type=lambda text: text.split(","),
        default=["load", "memory", "reference"],
        help="load,memory,reference",
    )
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]
