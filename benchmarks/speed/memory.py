"""A network and a picture file in, how much memory colouring it takes out. Run as a process of its own.

Growth is the peak while the photo is coloured and saved, minus what the process holds after loading the network and
one small photo.
"""

import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.speed.library_pipeline import pipeline
from benchmarks.support.measure import PeakMemory
from colorizers.colorizer import Colorizer
from colorizers.rendering.render import FAITHFUL, PUBLISHED

_RENDERINGS = {"published": PUBLISHED, "default": FAITHFUL}


def growth_mib(name: str, folder: Path, warm_up: Path, photo: Path, settings: str) -> float:
    """Return the growth in MiB, measured in a fresh process, with the settings "published" or "default"."""
    command = [sys.executable, "-m", "benchmarks.speed.memory", name, str(folder), str(warm_up), str(photo), settings]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _main(name: str, folder: str, warm_up: str, photo: str, settings: str) -> None:
    torch.set_num_threads(1)
    colorizer = Colorizer.from_name(name, folder)
    rendering = _RENDERINGS[settings]
    pipeline(Path(warm_up).read_bytes(), colorizer, rendering)
    memory = PeakMemory()
    pipeline(Path(photo).read_bytes(), colorizer, rendering)
    print(memory.growth_mib())


if __name__ == "__main__":
    _main(*sys.argv[1:])
