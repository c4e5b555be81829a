"""The library's pipeline from file to file, as the worker and the command line have it, and the memory it takes.

`python -m benchmarks.speed.library_pipeline NETWORK MODEL_DIR WARM_UP PHOTO` prints the memory; it is a process of its
own, so that nothing measured before counts.
"""

import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.support.measure import PeakMemory
from colorizers.colorizer import Colorizer
from colorizers.output.encode import encode
from colorizers.photo.photo import open_photo
from colorizers.rendering.render import FAITHFUL, Rendering


def pipeline(data: bytes, colorizer: Colorizer, rendering: Rendering = FAITHFUL) -> bytes:
    """Return the colored file of a picture file, in its format."""
    photo = open_photo(data)
    return encode(colorizer.colorize(photo, rendering), photo, colorizer.provenance(photo))


def growth_mib(name: str, folder: Path, warm_up: Path, photo: Path) -> float:
    """Return the peak memory in MiB while a fresh process colors `photo`, beyond what it holds after `warm_up`."""
    command = [sys.executable, "-m", "benchmarks.speed.library_pipeline", name, str(folder), str(warm_up), str(photo)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _main(name: str, folder: str, warm_up: str, photo: str) -> None:
    torch.set_num_threads(1)
    colorizer = Colorizer.from_name(name, folder)
    pipeline(Path(warm_up).read_bytes(), colorizer)
    memory = PeakMemory()
    pipeline(Path(photo).read_bytes(), colorizer)
    print(memory.growth_mib())


if __name__ == "__main__":
    _main(*sys.argv[1:])
