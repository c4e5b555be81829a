"""`python -m benchmarks fuzz_http [--files N] [--seed N]`: broken picture files through the running application.

Each must be answered within ten seconds, and never with 5xx, not even for a full queue; what is taken in must come to
an end, as a photo or as a failure. Afterwards there must be as many workers as before, whole photos must be coloured
still, and the memory of web processes and workers must not have grown. Exit status 1 where that is not so.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.stress.fuzz import Peaks, corpus_with, mutated
from benchmarks.support.clients import Client, Tally, form
from benchmarks.support.photos import toned_print
from benchmarks.support.setups import SetUp, local

_LONGEST_S = 10.0
_ENDS_WITHIN_S = 60.0
_CLIENTS = 4
_LOOKS_S = 0.2


@dataclass
class Answers:
    """Results of a run: counts of statuses and of ends, the longest time in seconds, memory, failures.

    `workers` are the ids of all worker processes that were seen, `web` and `worker` the memory of all web processes and
    of the largest worker.
    """

    tally: Tally = field(default_factory=Tally)
    ends: Counter[str] = field(default_factory=Counter)
    longest_s: float = 0.0
    workers: set[int] = field(default_factory=set)
    web: Peaks = field(default_factory=Peaks)
    worker: Peaks = field(default_factory=Peaks)
    failures: list[str] = field(default_factory=list)


class _Fuzzing:
    """The files that are still to be sent, and the results of the others; shared by all clients."""

    def __init__(self, service: SetUp, seeds: Sequence[int], corpus: Sequence[bytes]) -> None:
        self.answers = Answers()
        self._service = service
        self._corpus = corpus
        self._seeds = list(seeds)
        self._sent = 0
        self._lock = threading.Lock()
        self._over = threading.Event()

    def run(self) -> None:
        watch = threading.Thread(target=self._watch)
        clients = [threading.Thread(target=self._send) for _ in range(_CLIENTS)]
        for thread in (watch, *clients):
            thread.start()
        for thread in clients:
            thread.join()
        self._over.set()
        watch.join()

    def _watch(self) -> None:
        """Record processes and their memory until all clients have ended."""
        answers = self.answers
        while not self._over.wait(_LOOKS_S):
            half = min(1, 2 * self._sent // len(self._seeds))
            workers = self._service.worker_memory_mib()
            answers.workers |= set(workers)
            answers.web.saw(half, sum(self._service.web_memory_mib()))
            answers.worker.saw(half, max(workers.values(), default=0.0))

    def _next(self) -> int | None:
        with self._lock:
            if self._sent == len(self._seeds):
                return None
            self._sent += 1
            return self._seeds[self._sent - 1]

    def _send(self) -> None:
        client = Client(self._service.port, self.answers.tally)
        while (seed := self._next()) is not None:
            start = time.monotonic()
            status, _, data = client.ask("POST", "/v1/index", *form(mutated(self._corpus, seed)))
            seconds = time.monotonic() - start
            document = json.loads(data or b"{}")
            end = _end_of(client, document) if status in (200, 202) else str(document.get("code"))
            with self._lock:
                self.answers.ends[end] += 1
                self.answers.longest_s = max(self.answers.longest_s, seconds)
                if not (status in (200, 202) or 400 <= status < 500) or end in ("queued", "running", "internal_error"):
                    self.answers.failures.append(f"seed {seed}: {status} {end}")
        client.close()


def _end_of(client: Client, document: dict[str, Any]) -> str:
    """Return how an accepted file ends: `done`, the code of its failure, or the state in which it remains."""
    document = client.follow(document, time.monotonic() + _ENDS_WITHIN_S)
    problem = document.get("problem") or {}
    return str(problem.get("code") or document.get("status") or document.get("code"))


def fuzz(service: SetUp, seeds: Sequence[int], corpus: Sequence[bytes]) -> Answers:
    """Send the broken files of `seeds`, then whole photos; return the results."""
    before = len(service.worker_memory_mib())
    fuzzing = _Fuzzing(service, seeds, corpus)
    fuzzing.run()
    answers, whole = fuzzing.answers, Tally()
    client = Client(service.port, whole)
    for _ in range(before):
        client.colour(*form(toned_print(0.25)), time.monotonic() + _ENDS_WITHIN_S)
    client.close()
    if len(whole.seconds) < before:
        answers.failures.append("whole photos were not coloured any more")
    if len(service.worker_memory_mib()) < before:
        answers.failures.append("a worker was lost and not replaced")
    return answers


def main(argv: Sequence[str]) -> int:
    """Send and print; return 1 where a limit was exceeded."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fuzz_http", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="more pictures to break")
    parser.add_argument("--files", type=int, default=2000, help="how many files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where to start (default: %(default)s)")
    arguments = parser.parse_args(argv)
    seeds = range(arguments.seed, arguments.seed + arguments.files)
    settings = {"model": "default", "rate_limit": "none", "wait_s": _LONGEST_S / 2}
    with tempfile.TemporaryDirectory() as folder, local(Path(folder), **settings) as service:
        before = len(service.worker_memory_mib())
        answers = fuzz(service, seeds, corpus_with(arguments.folder))
    print(f"{answers.ends.total()} files: {dict(answers.ends.most_common())}")
    print(f"answers: {dict(sorted(answers.tally.statuses.items()))}, longest {answers.longest_s:.2f} s")
    print(f"{before} workers, {len(answers.workers)} processes of them in all")
    print(f"memory of web processes: {answers.web}; of the largest worker: {answers.worker}")
    for failure in answers.failures:
        print(failure, file=sys.stderr)
    is_flat = answers.web.are_flat and answers.worker.are_flat
    return 0 if not answers.failures and answers.longest_s <= _LONGEST_S and is_flat else 1
