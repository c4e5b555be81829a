"""`python -m benchmarks.fuzz_http [--files N]`: broken picture files through the running application.

Each must be answered within ten seconds, and never with 5xx, not even for a full queue; afterwards a whole photo must
be coloured still, and the memory of the web processes must be what it was. Exit status 1 where that is not so.
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clients import Client, Tally, form
from benchmarks.fuzz import made_corpus, mutated
from benchmarks.photos import toned_print
from benchmarks.service import Service, running_service

_LONGEST_S = 10.0
_MOST_GROWTH = 0.05
_CLIENTS = 4
_WARM_UP = 100


@dataclass
class Answers:
    """What came of the files: how often each status, the longest time, and what should not have been."""

    tally: Tally = field(default_factory=Tally)
    longest_s: float = 0.0
    failures: list[str] = field(default_factory=list)
    growth: float = 0.0


def fuzz(service: Service, seeds: Sequence[int], corpus: Sequence[bytes]) -> Answers:
    """Return what the application answers to the files of `seeds`."""
    answers, lock, waiting = Answers(), threading.Lock(), list(seeds)
    before = 0.0

    def send() -> None:
        nonlocal before
        client = Client(service.port, answers.tally, lock)
        while True:
            with lock:
                if not waiting:
                    break
                seed = waiting.pop()
                if len(seeds) - len(waiting) == min(_WARM_UP, len(seeds)):
                    before = sum(service.web_memory_mib())
            start = time.monotonic()
            status, _, data = client.ask("POST", "/v1/index", *form(mutated(corpus, seed)))
            seconds = time.monotonic() - start
            document = json.loads(data or b"{}")
            with lock:
                answers.longest_s = max(answers.longest_s, seconds)
                if status not in (200, 202) and not 400 <= status < 500:
                    answers.failures.append(f"seed {seed}: {status} {document.get('code')}")
        client.close()

    threads = [threading.Thread(target=send) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole, lock_ = Tally(), threading.Lock()
    client = Client(service.port, whole, lock_)
    client.colour(*form(toned_print(0.25)), time.monotonic() + 60)
    client.close()
    if not whole.seconds:
        answers.failures.append("a whole photo was not coloured any more")
    answers.growth = sum(service.web_memory_mib()) / before - 1 if before else 0.0
    return answers


def main(argv: Sequence[str]) -> int:
    """Send and print; return 1 where something else happened than may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz_http", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="how many files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where to start (default: %(default)s)")
    arguments = parser.parse_args(argv)
    seeds = range(arguments.seed, arguments.seed + arguments.files)
    settings = {"model": "default", "rate_limit": "none"}
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder), **settings) as service:
        answers = fuzz(service, seeds, made_corpus())
    print(dict(sorted(answers.tally.statuses.items())))
    print(f"longest {answers.longest_s:.2f} s, web memory {answers.growth:+.1%}")
    for failure in answers.failures:
        print(failure, file=sys.stderr)
    return 1 if answers.failures or answers.longest_s > _LONGEST_S or answers.growth > _MOST_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
