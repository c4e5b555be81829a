"""`python -m benchmarks hostile`: an attacking client, and what a normal client meets meanwhile.

The attacker sends picture files that keep parsers busy (`files`), forms of thousands of files (`parts`), lists of
thousands of ids (`lists`) and uploads that break off (`breaks`). Meanwhile the normal client sends photos and waits for
each, and `/healthz` is requested all the time. Exit status 1 where a web process or a worker died, the normal client or
`/healthz` waited too long, an answer was no refusal, or files were left behind.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stress.attacks import ATTACKS, write_files
from benchmarks.support.clients import Client, Tally, form, percentile, warm_up
from benchmarks.support.health import Health, corrected
from benchmarks.support.photos import toned_print
from benchmarks.support.setups import SetUp, local
from benchmarks.support.table import Record, publish
from service.settings import ROOT

QUIET = "nothing"
_MOST_WAIT_S = 5.0
_MOST_HEALTH_S = 0.3
_PHOTO_WITHIN_S = 120.0
_ATTACK_WITHIN_S = 600.0
# Whoever asks for what is not there or cannot be is told so; `201` and `202` would be success.
_REFUSALS = ("4", "503")


@dataclass(frozen=True)
class Met:
    """Effects of an attack: its answers and duration, response times of a normal client and `/healthz`, what died.

    `left` is the number of files that the attack has left behind.
    """

    answers: dict[str, int]
    attack_s: float
    photos_s: list[float]
    health_s: list[float]
    dead_webs: int
    dead_workers: int
    left: int

    @property
    def failures(self) -> list[str]:
        """The words for everything that must not happen and did."""
        wrong = [answer for answer in self.answers if not answer.startswith(_REFUSALS)]
        found = [f"{', '.join(wrong)} answered"] if wrong else []
        found += ["a web process died"] if self.dead_webs else []
        found += ["a worker died"] if self.dead_workers else []
        found += ["a photo took too long"] if max(self.photos_s, default=_PHOTO_WITHIN_S) > _MOST_WAIT_S else []
        found += ["/healthz took too long"] if percentile(self.health_s, 0.99) > _MOST_HEALTH_S else []
        found += ["files were left behind"] if self.left else []
        return found

    def record(self, name: str) -> Record:
        """Return a row of the table."""
        return {
            "attack": name,
            "seconds": self.attack_s,
            "answers": ", ".join(f"{count} x {answer}" for answer, count in sorted(self.answers.items())) or "none",
            "photos beside": len(self.photos_s),
            "median s": percentile(self.photos_s, 0.5),
            "slowest s": max(self.photos_s, default=float("inf")),
            "healthz p50 ms": 1000 * percentile(self.health_s, 0.5),
            "healthz p99 ms": 1000 * percentile(self.health_s, 0.99),
            "web processes died": self.dead_webs,
            "workers died": self.dead_workers,
            "files left": self.left,
            "verdict": ", ".join(self.failures) or "holds",
        }


def measure(service: SetUp, name: str, folder: Path, seconds: float, megapixels: float = 1.0) -> Met:
    """Return what comes of the attack `name`, or of `QUIET`, while another client works for at least that time."""
    webs, workers = set(service.web_pids()), set(service.worker_memory_mib())
    before = _incoming(service)
    with Health(service.port) as health:
        start = time.monotonic()
        attack = None if name == QUIET else _started(service.port, name, folder)
        photos_s = list(_work(service.port, megapixels, attack, start + seconds))
        answers: dict[str, int] = {}
        if attack is not None:
            output, _ = attack.communicate(timeout=_ATTACK_WITHIN_S)
            answers = json.loads(output)
        attack_s = time.monotonic() - start
    return Met(
        answers=answers,
        attack_s=attack_s,
        photos_s=photos_s,
        health_s=corrected(health.seconds),
        dead_webs=len(webs - set(service.web_pids())),
        dead_workers=len(workers - set(service.worker_memory_mib())),
        left=len(_incoming(service) - before),
    )


def _started(port: int, name: str, folder: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.stress.attacks", name, str(port), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def _work(port: int, megapixels: float, attack: "subprocess.Popen[bytes] | None", until: float) -> Iterator[float]:
    """Yield the seconds that each photo of a client takes, until that time and until the attack is over."""
    body, headers = form(toned_print(megapixels))
    while time.monotonic() < until or (attack is not None and attack.poll() is None):
        tally = Tally()
        client = Client(port, tally)
        client.colour(body, headers, time.monotonic() + _PHOTO_WITHIN_S)
        client.close()
        yield tally.seconds[0] if tally.seconds else float("inf")


def _incoming(service: SetUp) -> set[str]:
    """Return the uploads that lie where they are received."""
    return {path.name for path in (service.settings.data_dir / "incoming").iterdir()}


def main(argv: Sequence[str]) -> int:
    """Attack, measure and print; return 1 where something that must hold does not."""
    arguments = _parser().parse_args(argv)
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as name:
        folder, data_dir = Path(name) / "files", Path(name) / "data"
        folder.mkdir()
        if "files" in arguments.attacks:
            write_files(folder)
        # Both clients have one address here, and the limit on the requests of one is no part of what is measured.
        with local(data_dir, model="default", rate_limit="none") as service:
            photo = form(toned_print(arguments.megapixels))
            warm_up(service.port, lambda client, deadline: client.colour(*photo, deadline))
            for attack in (QUIET, *arguments.attacks):
                met = measure(service, attack, folder, arguments.seconds, arguments.megapixels)
                records.append(met.record(attack))
                print(records[-1], file=sys.stderr, flush=True)
    publish(records, "hostile", arguments.json)
    return 0 if all(record["verdict"] == "holds" for record in records) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks hostile", description=__doc__)
    parser.add_argument(
        "--attacks", type=lambda text: text.split(","), default=list(ATTACKS), help=f"of {', '.join(ATTACKS)}"
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="for each, at least (default: %(default)g)")
    parser.add_argument("--megapixels", type=float, default=1.0, help="of normal photos (default: %(default)g)")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    return parser
