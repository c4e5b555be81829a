"""`python -m benchmarks fresh`: a fresh clone, `./run.sh`, and a photo sent once it is ready.

Prints a transcript with times of a first and a second start, on an idle machine and beside four busy programs. The
clone is of what is committed, and uses this project's `.venv`. Exit status 1 where a photo is not answered by a result
within five seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.support.photos import toned_print
from benchmarks.support.servers import free_port
from benchmarks.support.table import Record, format_table
from service.settings import ROOT

_MOST_S = 5.0
_READY = "is ready at "
_BUSY = ["sh", "-c", "while :; do :; done"]
_STOP_WITHIN_S = 30.0

Say = Callable[[str], None]


def starts(photo: bytes, busy: int, count: int) -> Iterator[Record]:
    """Yield one record for each of `count` starts of one fresh clone, beside `busy` busy programs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(_busy(busy))
        clone = folder / "photo-colorizer"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        (clone / ".venv").symlink_to(sys.prefix)
        (folder / "photo.jpg").write_bytes(photo)
        for number in range(1, count + 1):
            yield {"busy programs": busy, "start": number, **start_and_send(clone, folder / "photo.jpg")}


def start_and_send(clone: Path, photo: Path) -> Record:
    """Run `./run.sh` until a photo has been answered; return how long each took."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    say("$ ./run.sh")
    environ = {**os.environ, "PORT": str(free_port())}
    with subprocess.Popen(
        ["./run.sh"], cwd=clone, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            address = _ready(process, say)
            ready_s = time.monotonic() - began
            status, taken_s = _send(address, photo, say)
        finally:
            process.terminate()
            # What it still says must not fill the pipe.
            process.communicate(timeout=_STOP_WITHIN_S)
    return {"ready after s": ready_s, "answer": status, "answered after s": taken_s}


def _ready(process: "subprocess.Popen[str]", say: Say) -> str:
    """Return the address that the program names when it is ready. Raises `RuntimeError` where it ends before."""
    assert process.stdout
    for line in process.stdout:
        say(line.rstrip())
        if _READY in line:
            return line.partition(_READY)[2].split()[0]
    raise RuntimeError("run.sh has ended")


def _send(address: str, photo: Path, say: Say) -> tuple[str, float]:
    """Send the photo as the README does; return the status of the answer and of the photo, and the seconds it took."""
    command = ["curl", "-s", "-w", "\n%{http_code} %{time_total}", "-F", f"photo=@{photo}", f"{address}v1/index"]
    say(f"$ curl -F photo=@{photo.name} {address}v1/index")
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    text, _, figures = answer.rpartition("\n")
    code, seconds = figures.split()
    document = json.loads(text) if text.strip() else {}
    status = f"{code} {document.get('status', '')}"
    say(f"{status}, {document.get('urls', {}).get('result')}, in {float(seconds):.2f} s")
    return status, float(seconds)


@contextmanager
def _busy(count: int) -> Iterator[None]:
    processes = [subprocess.Popen(_BUSY) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main(argv: Sequence[str]) -> int:
    """Start, send and print; return 1 where a photo was not coloured in time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fresh", description=__doc__)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 4], help="busy programs (default: none, then 4)")
    parser.add_argument("--starts", type=int, default=2, help="of each clone (default: %(default)s)")
    parser.add_argument("--photo", type=Path, help="the photo to send (default: one of 2 megapixels, made on the spot)")
    arguments = parser.parse_args(argv)
    photo = arguments.photo.read_bytes() if arguments.photo else toned_print(2.0)
    records = [record for busy in arguments.busy for record in starts(photo, busy, arguments.starts)]
    print(format_table(records))
    return 0 if all(holds(record) for record in records) else 1


def holds(record: Record) -> bool:
    """Return whether the photo was answered by a result in time."""
    return record["answer"] == "200 done" and float(record["answered after s"]) < _MOST_S
