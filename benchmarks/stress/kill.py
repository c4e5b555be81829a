"""`python -m benchmarks kill [--setup cluster]`: photos under SIGKILL and outages.

The photos are first processed undisturbed, then again under each disturbance: workers and web processes are killed, the
disk is full, the database is locked; of several machines, the broker or the storage is down. In the end every photo
must be done, once, and every file be byte for byte that of the undisturbed run.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path

from benchmarks.stress.outages import broker_down, full_disk, locked_database, storage_down
from benchmarks.stress.trial import Sample, Trial, samples
from benchmarks.support.setups import SetUp, cluster, local
from benchmarks.support.table import Record, publish

_SETUPS: dict[str, Callable[..., AbstractContextManager[SetUp]]] = {"local": local, "cluster": cluster}
_LOOK_S = 0.05
Disturb = Callable[[SetUp, Trial, Sequence[str], int], dict[str, int]]
"""Disturbs a set-up while it works on so many jobs, whose ids come as they are sent; returns what it did, by name."""


def main(argv: Sequence[str]) -> int:
    """Measure and print; return 1 where a photo was harmed."""
    arguments = _parser().parse_args(argv)
    photos = samples(arguments.photos, arguments.megapixels)
    disturbances = _disturbances(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        _SETUPS[arguments.setup](Path(folder), model="default", workers=arguments.workers) as setup,
    ):
        records = []
        for record in run(setup, photos, disturbances, arguments.within):
            records.append(record)
            print(record, file=sys.stderr, flush=True)
    publish(records, "kill", arguments.json)
    return 0 if all(record["harmed"] == 0 for record in records) else 1


def run(
    setup: SetUp, photos: Sequence[Sample], disturbances: dict[str, Disturb], within_s: float = 1800.0
) -> Iterator[Record]:
    """Yield what became of `photos` in a quiet run and under each disturbance."""
    with closing(Trial(setup)) as trial:
        before = trial.finished()
        ids = trial.send(photos)
        trial.await_all(ids, within_s)
        quiet = trial.hashes(ids)
        yield _record(setup, "nothing", trial, ids, quiet, before, {})
        for name, disturb in disturbances.items():
            before = trial.finished()
            ids = trial.send(photos[:1])
            with ThreadPoolExecutor() as pool:
                did = pool.submit(disturb, setup, trial, ids, len(photos))
                for number, photo in enumerate(photos[1:], 1):
                    ids.append(trial.send_one(photo, number, within_s))
                trial.await_all(ids, within_s)
            yield _record(setup, name, trial, ids, quiet, before, did.result())


def _record(
    setup: SetUp, name: str, trial: Trial, ids: list[str], quiet: list[dict[str, str]], before: int, did: dict[str, int]
) -> Record:
    failures, losses = trial.failures(ids), trial.losses(ids)
    different = sum(now != then for now, then in zip(trial.hashes(ids), quiet, strict=True))
    twice = trial.finished() - before - len(ids)
    return {
        "set-up": setup.name,
        "disturbed by": ", ".join([name, *(f"{count} {what}" for what, count in did.items())]),
        "photos": len(ids),
        "done": trial.done(ids),
        "failed": ", ".join(sorted(set(failures))) or 0,
        "done twice": twice,
        "other bytes": different,
        "work lost": sum(losses),
        "most for one photo": max(losses),
        "harmed": len(failures) + abs(twice) + different,
    }


def killing(worker_kills: int, web_kills: int) -> Disturb:
    """Return a disturbance that kills workers at work, and web processes, spread over the time that the photos take."""

    def disturb(setup: SetUp, trial: Trial, ids: Sequence[str], total: int) -> dict[str, int]:
        with ThreadPoolExecutor() as pool:
            webs = pool.submit(_kill_webs, setup, trial, ids, total, web_kills)
            workers = 0
            for turn in range(worker_kills):
                _await_share(trial, ids, total, (turn + 0.5) / (worker_kills + 1))
                workers += _kill_at_work(setup, trial, ids, total)
        return {"workers": workers, "web processes": webs.result()}

    return disturb


def _kill_webs(setup: SetUp, trial: Trial, ids: Sequence[str], total: int, count: int) -> int:
    """Kill `count` web processes, the first while photos are still being sent; return how many."""
    for turn in range(count):
        _await_share(trial, ids, total, turn / count)
        setup.kill_web()
    return count


def _await_share(trial: Trial, ids: Sequence[str], total: int, share: float) -> None:
    """Wait until that share of `total` photos is done."""
    while trial.done(list(ids)) < share * total:
        time.sleep(_LOOK_S)


def _kill_at_work(setup: SetUp, trial: Trial, ids: Sequence[str], total: int) -> bool:
    """Kill a worker while it has a job; return False where all is done."""
    while trial.done(list(ids)) < total:
        if trial.running() and setup.kill_worker():
            return True
        time.sleep(_LOOK_S)
    return False


def during(outage: Callable[[SetUp], AbstractContextManager[None]], seconds: float) -> Disturb:
    """Return a disturbance that keeps up `outage` for so many seconds."""

    def disturb(setup: SetUp, trial: Trial, ids: Sequence[str], total: int) -> dict[str, int]:
        _await_share(trial, ids, total, 0.1)
        with outage(setup):
            time.sleep(seconds)
        return {"seconds": round(seconds)}

    return disturb


def _disturbances(arguments: argparse.Namespace) -> dict[str, Disturb]:
    found = {"SIGKILL": killing(arguments.worker_kills, arguments.web_kills)}
    if arguments.setup == "local":
        return found | {"disk full": during(full_disk, 20), "database locked": during(locked_database, 10)}
    return found | {"broker restarted": during(broker_down, 5), "storage refusing": during(storage_down, 30)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks kill", description=__doc__)
    parser.add_argument("--setup", choices=_SETUPS, default="local")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--megapixels", type=float, default=0.5)
    parser.add_argument("--worker-kills", type=int, default=20)
    parser.add_argument("--web-kills", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2, help="worker processes (of each machine)")
    parser.add_argument("--within", type=float, default=1800, help="seconds within which all has to be done")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    return parser
