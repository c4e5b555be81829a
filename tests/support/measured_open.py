"""`python -m tests.support.measured_open FILE`: outcome, CPU time and memory of opening a file."""

import json
import re
import sys
import time
from pathlib import Path

from colorizers.errors import PhotoError
from colorizers.photo.photo import open_photo


def main(path: Path) -> None:
    # Of the processor, not of the clock, which runs on while others have the processor.
    start = time.process_time()
    try:
        open_photo(path)
        code = "opened"
    except PhotoError as error:
        code = error.code
    cpu_seconds = time.process_time() - start
    # Not ru_maxrss, which counts the process that started this one.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    peak_mb = int(peak[1]) / 1024
    print(json.dumps({"code": code, "cpu_seconds": cpu_seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
