"""`python -m benchmarks.fuzz [FOLDER] [--files N] [--seed N] [--seconds S]`: broken picture files through the door.

Takes the pictures of FOLDER (without one, a few made on the spot), breaks each of N copies in a way that the seed
decides (bits flipped, ends cut off, pieces of another file put in), and opens it with the decoding process the worker
uses. Each must end as a photo or as an error of the library within ten seconds; the process may be replaced, and its
memory must not grow. Prints the counts; exit status 1 where something else happened.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from colorizers.decoding import Decoder
from colorizers.errors import PhotoError

_LONGEST_S = 10.0
_MOST_MEGAPIXELS = 8.0
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "AVIF", "PPM")


@dataclass
class Findings:
    """What came of the files: how often each outcome, processes used, longest time, largest memory, what was wrong."""

    outcomes: Counter[str] = field(default_factory=Counter)
    processes: set[int] = field(default_factory=set)
    longest_s: float = 0.0
    largest_mb: float = 0.0
    failures: list[str] = field(default_factory=list)


def made_corpus() -> list[bytes]:
    """Return small picture files of most formats, gray and colour."""
    y, x = np.mgrid[0:48, 0:64]
    gray = ((x * 5 + y * 3) % 256).astype(np.uint8)
    files = []
    for format_ in _FORMATS:
        for pixels in (gray, np.dstack([gray, gray[::-1], 255 - gray])):
            file = BytesIO()
            Image.fromarray(pixels).save(file, format_)
            files.append(file.getvalue())
    return files


def mutated(corpus: Sequence[bytes], seed: int) -> bytes:
    """Return one of `corpus`, broken; the same seed gives the same bytes."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(corpus))
    kind = chance.randrange(4)
    if kind == 0:
        return bytes(data[: chance.randrange(len(data))])
    if kind == 1:
        other = chance.choice(corpus)
        at, size = chance.randrange(len(data)), chance.randrange(1, 512)
        start = chance.randrange(len(other))
        data[at : at + size] = other[start : start + size]
    # Headers are where a change does most.
    reach = len(data) if kind == 2 else min(len(data), 512)
    for _ in range(chance.randrange(1, 24)):
        place = chance.randrange(reach)
        data[place % len(data)] ^= 1 << chance.randrange(8)
    return bytes(data)


def fuzz(corpus: Sequence[bytes], seeds: Iterable[int], seconds: float) -> Findings:
    """Return what came of opening the files of `seeds`, until that many seconds are over."""
    findings, end = Findings(), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder, Decoder(_MOST_MEGAPIXELS, cpu_s=8, wall_s=_LONGEST_S) as decoder:
        path = Path(folder) / "file"
        for seed in seeds:
            if time.monotonic() > end:
                break
            path.write_bytes(mutated(corpus, seed))
            start = time.monotonic()
            try:
                decoder.open(path)
                outcome = "photo"
            except PhotoError as error:
                outcome = type(error).__name__
            except MemoryError:
                outcome = "MemoryError"
            except Exception as error:  # Whatever else comes out of the door is what is looked for.
                findings.failures.append(f"seed {seed}: {error!r}")
                outcome = "failure"
            findings.outcomes[outcome] += 1
            findings.longest_s = max(findings.longest_s, time.monotonic() - start)
            if decoder.pid is not None:
                findings.processes.add(decoder.pid)
                findings.largest_mb = max(findings.largest_mb, _resident_mb(decoder.pid))
    return findings


def _resident_mb(pid: int) -> float:
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description="Broken files through the door.")
    parser.add_argument("folder", nargs="?", type=Path, help="pictures to break (default: a few made on the spot)")
    parser.add_argument("--files", type=int, default=20_000, help="how many files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where to start (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after so long (default: %(default)g)")
    arguments = parser.parse_args(argv)
    corpus = made_corpus()
    if arguments.folder is not None:
        corpus += [path.read_bytes() for path in sorted(arguments.folder.iterdir()) if path.is_file()]
    findings = fuzz(corpus, range(arguments.seed, arguments.seed + arguments.files), arguments.seconds)
    print(dict(findings.outcomes))
    print(
        f"{len(findings.processes)} processes, longest {findings.longest_s:.2f} s, {findings.largest_mb:.0f} MB at most"
    )
    for failure in findings.failures:
        print(failure, file=sys.stderr)
    return 1 if findings.failures or findings.longest_s > _LONGEST_S + 2 else 0


if __name__ == "__main__":
    os.nice(5)
    sys.exit(main(sys.argv[1:]))
