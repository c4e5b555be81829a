"""Large scans: a result written band by band is the file that the whole picture makes, in little memory."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from colorizers.colorizer import Colorizer
from colorizers.encode import encode
from colorizers.photo import open_photo
from colorizers.results import Page, coloured, write_result

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
def test_by_bands_the_same_file(model_dir: Path, tmp_path: Path, depth: type[np.uint8], alpha: bool) -> None:
    pixels = np.random.default_rng(0).integers(0, np.iinfo(depth).max, (600, 90), depth)
    tifffile.imwrite(tmp_path / "scan.tif", pixels, photometric="minisblack")
    photo = open_photo(tmp_path / "scan.tif")
    photo = replace(photo, alpha=np.ascontiguousarray(pixels[::-1]) if alpha else None)
    colorizer = Colorizer(model_dir=model_dir)
    recipe = colorizer.recipe(photo, saturation=1.2)
    page = Page(photo, colorizer.predict(photo), colorizer.provenance(photo))
    write_result(tmp_path / "bands.tif", [page], recipe)
    write_result(tmp_path / "seen.tif", [page], recipe, seen=lambda *_: None)
    made = (tmp_path / "bands.tif").read_bytes()
    assert made == (tmp_path / "seen.tif").read_bytes()
    fitted, rgb = coloured(page, recipe)
    assert made == encode(rgb, fitted, page.provenance, "TIFF")


def test_a_large_scan_takes_under_3_bytes_a_pixel_beyond_its_own() -> None:
    command = [sys.executable, "-m", "benchmarks.large", "--megapixels", "36"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert float(done.stdout.split()[0]) < 3
