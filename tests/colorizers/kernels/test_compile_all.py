"""Tests of the cache of compiled kernels: one process compiles each, and all later ones load it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizers.kernels import jit
from colorizers.kernels.compile_all import compile_kernels

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "colorizers", "compile"]
COUNT = """
import sys
from colorizers.kernels.compile_all import compile_kernels
print(compile_kernels(lambda line: print(line, file=sys.stderr)))
"""
# What is compiled from the first import to a finished picture, parts of kernels included.
COLOUR = """
import numpy as np
from numba.core import event
compiled = []

class Listener(event.Listener):
    def on_start(self, event):
        compiled.append(event.data["dispatcher"].py_func.__qualname__)

    def on_end(self, event):
        pass

event.register("numba:compile", Listener())
BEFORE
import colorizers.kernels.winograd.layers
from colorizers.colorizer import Colorizer
from colorizers.photo.photo import open_photo
colorizer = Colorizer()
for path in PATHS:
    photo = open_photo(path)
    colorizer.render(photo, colorizer.predict(photo))
print(*compiled)
"""
MISSING = ("*/gray_level.*", "*/row_interpolation.*")
# A first compilation takes a minute of a quick machine.
pytestmark = pytest.mark.timeout(3600)


def environ(folder: Path) -> dict[str, str]:
    return {**os.environ, "NUMBA_CACHE_DIR": str(folder)}


def output(code: str, folder: Path) -> list[str]:
    """Return the words that `code` prints with its machine code in `folder`."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environ(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def two_at_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[str]]:
    """A folder that two processes have completed at the same time, and what each printed and reported.

    Only the machine code of the modules `MISSING` was not there.
    """
    folder = tmp_path_factory.mktemp("kernels")
    compile_kernels(print)
    kept = jit.kernel_folder()
    assert kept is not None
    copy = shutil.copytree(kept, folder / kept.name)
    for pattern in ("complete-*", *MISSING):
        for path in copy.glob(pattern):
            path.unlink()

    def start() -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", COUNT]
        return subprocess.Popen(command, cwd=ROOT, env=environ(folder), stdout=pipe, stderr=pipe, text=True)

    processes = [start(), start()]
    ends = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ends
    return folder, [printed for printed, _ in ends], [reported for _, reported in ends]


@pytest.fixture
def folder(two_at_once: tuple[Path, list[str], list[str]], tmp_path: Path) -> Path:
    """A folder of one's own with all machine code."""
    return Path(shutil.copytree(two_at_once[0], tmp_path / "kernels"))


@pytest.fixture
def code(tmp_path: Path) -> str:
    """A program that colours a gray and a colour photo, of 8 and 16 bits, and prints what had to be compiled."""
    for mode, dtype, name in (("L", np.uint8, "gray"), ("RGB", np.uint8, "rgb"), ("I;16", np.uint16, "deep")):
        shape = (40, 60, 3) if mode == "RGB" else (40, 60)
        Image.fromarray(np.arange(np.prod(shape)).reshape(shape).astype(dtype)).save(tmp_path / f"{name}.png")
    paths = ", ".join(f"__import__('pathlib').Path({str(path)!r})" for path in tmp_path.glob("*.png"))
    return COLOUR.replace("PATHS", f"[{paths}]")


def test_of_two_processes_one_compiles_each_kernel(two_at_once: tuple[Path, list[str], list[str]]) -> None:
    folder, printed, _ = two_at_once
    compiled = [path for pattern in MISSING for path in folder.glob(f"kernels-*/{pattern}") if path.suffix == ".nbc"]
    assert sum(int(count) for count in printed) == len(compiled) > 2


def test_every_step_is_reported(two_at_once: tuple[Path, list[str], list[str]]) -> None:
    for reported in two_at_once[2]:
        first, *steps = reported.splitlines()
        assert first.startswith("Compiling the kernels for this processor into ")
        assert [step.split(":")[0] for step in steps] == [f"  {n} of {len(steps)}" for n in range(1, len(steps) + 1)]


def test_what_is_compiled_is_not_compiled_again(folder: Path, code: str) -> None:
    done = subprocess.run(COMMAND, cwd=ROOT, env=environ(folder), capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
    assert output(code.replace("BEFORE", ""), folder) == []


def test_command_line_says_what_its_first_photo_waits_for(folder: Path, model_dir: Path, tmp_path: Path) -> None:
    (complete,) = folder.glob("kernels-*/complete-*")
    complete.unlink()
    photo = ROOT / "tests" / "data" / "photos" / "migrant-mother.jpg"
    out, folder_of_models = str(tmp_path / "out.png"), str(model_dir)
    command = [sys.executable, "-m", "colorizers", str(photo), "-o", out, "--model-dir", folder_of_models]
    done = subprocess.run(command, cwd=ROOT, env=environ(folder), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Compiling the kernels for this processor" in done.stderr
    assert complete.exists()


def test_a_folder_that_cannot_be_written_serves_too(folder: Path, code: str) -> None:
    cannot = "from colorizers.kernels import jit; jit._is_writable = lambda folder: False"
    assert output(code.replace("BEFORE", cannot), folder) == []


def test_a_file_cut_short_is_made_anew(folder: Path, code: str) -> None:
    (broken, *_) = folder.glob("kernels-*/*/row_interpolation.*.nbc")
    broken.write_bytes(b"")
    assert output(code.replace("BEFORE", ""), folder) != []
    assert int(*output(COUNT, folder)) > 0
    assert output(code.replace("BEFORE", ""), folder) == []


def test_changed_sources_have_a_folder_of_their_own(folder: Path, tmp_path: Path) -> None:
    existing = set(folder.glob("kernels-*"))
    copy = Path(shutil.copytree(ROOT / "colorizers", tmp_path / "colorizers"))
    with (copy / "kernels" / "gamut.py").open("a") as file:
        file.write("\n# Changed.\n")
    done = subprocess.run(
        [sys.executable, "-c", "from colorizers.kernels import jit; print(jit.kernel_folder())"],
        cwd=tmp_path,
        env=environ(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parent == folder
    assert Path(done.stdout.strip()) not in existing
