"""`python -m benchmarks kill [--setup cluster]`: kill what runs, again and again, and see whether a photo is harmed.

A quiet run shows what the results are. Then the same photos are sent again, and while they are worked on, workers and
web processes end by SIGKILL, the disk is full for a while, and the database is locked; or, of several machines, the
broker forgets everything, and the storage refuses. In the end every photo must be done, once, with every file byte for
byte as in the quiet run.
"""

import argparse
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

from benchmarks.stress.outages import refuse_storage, restart_broker
from benchmarks.stress.trial import Meanwhile, Sample, Trial, samples
from benchmarks.support.measure import machine
from benchmarks.support.setups import SetUp, cluster, local
from benchmarks.support.table import Record, format_table, write_json

_SETUPS: dict[str, Callable[..., AbstractContextManager[SetUp]]] = {"local": local, "cluster": cluster}
_LOOK_S = 0.05
# Less than any result, and less than the database.
_FULL_AT_BYTES = 4096

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
    print(format_table(records))
    if arguments.json:
        write_json(arguments.json, "kill", machine(), records)
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
            did: dict[str, int] = {}

            def act(disturb: Disturb = disturb, ids: list[str] = ids, did: dict[str, int] = did) -> None:
                did.update(disturb(setup, trial, ids, len(photos)))

            with Meanwhile(act):
                for number, photo in enumerate(photos[1:], 1):
                    ids.append(trial.send_one(photo, number, within_s))
                trial.await_all(ids, within_s)
            yield _record(setup, name, trial, ids, quiet, before, did)


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
    """Return what kills workers at work, and web processes, spread over the time that the photos take."""

    def disturb(setup: SetUp, trial: Trial, ids: Sequence[str], total: int) -> dict[str, int]:
        killed = {"workers": 0, "web processes": 0}

        def kill_webs() -> None:
            for turn in range(web_kills):
                # The first goes while photos are still being sent.
                _await_share(trial, ids, total, turn / web_kills)
                setup.kill_web()
                killed["web processes"] += 1

        with Meanwhile(kill_webs):
            for turn in range(worker_kills):
                _await_share(trial, ids, total, (turn + 0.5) / (worker_kills + 1))
                killed["workers"] += _kill_at_work(setup, trial, ids, total)
        return killed

    return disturb


def _await_share(trial: Trial, ids: Sequence[str], total: int, share: float) -> None:
    """Return when that share of `total` photos is done."""
    while trial.done(list(ids)) < share * total:
        time.sleep(_LOOK_S)


def _kill_at_work(setup: SetUp, trial: Trial, ids: Sequence[str], total: int) -> bool:
    """Kill a worker while something is worked on; False where all is done."""
    while trial.done(list(ids)) < total:
        if trial.running() and setup.kill_worker():
            return True
        time.sleep(_LOOK_S)
    return False


def during(trouble: Callable[[SetUp], AbstractContextManager[None]], seconds: float) -> Disturb:
    """Return what keeps a local set-up in some trouble for a while."""

    def disturb(setup: SetUp, trial: Trial, ids: Sequence[str], total: int) -> dict[str, int]:
        _await_share(trial, ids, total, 0.1)
        with trouble(setup):
            time.sleep(seconds)
        return {"seconds": round(seconds)}

    return disturb


def without(outage: Callable[[SetUp, float], None], seconds: float) -> Disturb:
    """Return what takes something that machines share out of order for a while."""

    def disturb(setup: SetUp, trial: Trial, ids: Sequence[str], total: int) -> dict[str, int]:
        _await_share(trial, ids, total, 0.1)
        outage(setup, seconds)
        return {"seconds": round(seconds)}

    return disturb


@contextmanager
def full_disk(setup: SetUp) -> Iterator[None]:
    """Let no process of a local set-up write more than a few kilobytes to any file, the database included."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        _limit_files(setup, (_FULL_AT_BYTES, hard))
        yield
    finally:
        _limit_files(setup, (hard, hard))


def _limit_files(setup: SetUp, limits: tuple[int, int]) -> None:
    """Set how large files may be that the processes of a set-up write."""
    for runner in (*setup.webs, *setup.workers):
        for pid in (runner.pid, *runner.children()):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def locked_database(setup: SetUp) -> Iterator[None]:
    """Keep everybody else from writing to the database of a local set-up."""
    path = setup.settings.data_dir / "jobs.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _disturbances(arguments: argparse.Namespace) -> dict[str, Disturb]:
    found = {"SIGKILL": killing(arguments.worker_kills, arguments.web_kills)}
    if arguments.setup == "local":
        return found | {"disk full": during(full_disk, 20), "database locked": during(locked_database, 10)}
    return found | {"broker restarted": without(restart_broker, 5), "storage refusing": without(refuse_storage, 30)}


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
