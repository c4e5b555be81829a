"""Tests of the heap settings: freed memory is reused, and returned on request."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# Prints the page faults of a second picture, and the MiB held when it is freed and at the end.
CODE = """
import resource
import numpy as np
from colorizers.kernels.malloc import give_freed_memory_back, keep_freed_memory

def held():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() >> 20

{first}
def use_picture():
    return np.ones(48 << 20, np.uint8).size

use_picture()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
use_picture()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, held())
give_freed_memory_back()
print(held())
"""


def run(first: str) -> list[int]:
    code = CODE.format(first=first)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize("first", ["", "keep_freed_memory()"], ids=["usual", "kept"])
def test_freed_memory_is_reused(first: str) -> None:
    faults, held, held_in_the_end = run(first)
    assert (faults < 5) == bool(first)
    assert (held - held_in_the_end > 40) == bool(first)
