"""Tests of the color pass: exact grays, hue and gamut, the color cache, memory and machine code."""

import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from colorizers.colorspace.lab import Pixels, linear_table, srgb_encode
from colorizers.kernels import jit, lut_pass
from colorizers.photo.photo import open_photo
from colorizers.rendering import color_pass
from colorizers.rendering.color_pass import count_changed_grays, gray_levels, join
from tests.support import color_oracle

ROOT = Path(__file__).parents[3]
PHOTOS = sorted((ROOT / "tests" / "data" / "photos").glob("*.jpg"))
DTYPES: tuple[np.dtype[np.uint8 | np.uint16], ...] = (np.dtype(np.uint8), np.dtype(np.uint16))
# Here the gamut is not convex: a ray leaves it, enters it again and leaves it for good, so that the limit jumps.
NOTCH_HUES, NOTCH_LEVELS = (85, 112), 225


def ab_disc(step: int) -> NDArray[np.float32]:
    """Return a grid of ab up to radius 110 as one row, (2, 1, n)."""
    a, b = np.meshgrid(np.arange(-110, 111, step), np.arange(-110, 111, step))
    inside = a**2 + b**2 <= 110**2
    return np.stack([a[inside], b[inside]])[:, None].astype(np.float32)


def all_levels(columns: int, dtype: type[np.unsignedinteger] = np.uint8) -> Pixels:
    """Return a picture whose row i is gray level i of 256, in the given depth."""
    levels = np.arange(256) * (np.iinfo(dtype).max // 255)
    return np.repeat(levels.astype(dtype)[:, None], columns, axis=1)


def waves(amplitude: float, size: int = 24) -> NDArray[np.float32]:
    """Return a smooth ab picture (2, size, size) with all hues."""
    y, x = np.mgrid[0:size, 0:size] / size * 2 * np.pi
    return (amplitude * np.stack([np.sin(x + y), np.cos(2 * x - y)])).astype(np.float32)


def test_every_gray_level_is_kept_under_every_color() -> None:
    ab = ab_disc(2)
    pixels = all_levels(ab.shape[2])
    result = join(pixels, ab)
    assert result.dtype == np.uint8
    assert np.array_equal(color_oracle.gray(result), pixels)
    assert count_changed_grays(pixels, result) == 0


def test_grays_are_also_kept_by_other_editions_of_the_weights() -> None:
    ab = ab_disc(6)
    pixels = all_levels(ab.shape[2])
    luminance = linear_table(256)[join(pixels, ab)] @ color_oracle.REC709_WEIGHTS
    assert np.array_equal(np.rint(255 * srgb_encode(luminance)), pixels)


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
@pytest.mark.parametrize("amplitude", [8, 40, 110])
def test_grays_of_photographs_are_kept(path: Path, amplitude: float) -> None:
    gray = open_photo(path).pixels
    toned = np.stack([255 - (255 - gray) // 2, gray, gray // 2], axis=2).astype(np.uint8)
    for pixels in (gray, toned):
        result = join(pixels, waves(amplitude))
        assert np.array_equal(color_oracle.gray(result), color_oracle.gray(pixels))
        assert np.ptp(result.astype(int), axis=2).max() > amplitude


def test_sixteen_bit_grays_are_kept_to_one_part_in_65535() -> None:
    ab = ab_disc(6)
    random = np.random.default_rng(2)
    pixels = random.integers(0, 65536, (256, ab.shape[2])).astype(np.uint16)
    pixels[:, ::7] = all_levels(ab.shape[2], np.uint16)[:, ::7]
    result = join(pixels, ab)
    assert result.dtype == np.uint16
    assert np.abs(color_oracle.gray(result) - pixels.astype(int)).max() <= 1


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.uint8, 0), (np.uint16, 1)])
def test_grays_of_noise_in_all_colors_are_kept(dtype: type[np.unsignedinteger], tolerance: int) -> None:
    pixels = np.random.default_rng(3).integers(0, np.iinfo(dtype).max, (200, 300, 3), dtype, endpoint=True)
    difference = np.abs(color_oracle.gray(join(pixels, waves(50))) - color_oracle.gray(pixels))
    assert difference.max() <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_oracle_agrees(dtype: type[np.unsignedinteger]) -> None:
    ab = ab_disc(10)
    pixels = all_levels(ab.shape[2], dtype)
    step = np.iinfo(dtype).max / 255
    difference = np.abs(join(pixels, ab) - color_oracle.color(pixels, ab)).max(axis=2) / step
    hue = np.degrees(np.arctan2(ab[1, 0], ab[0, 0]))
    difference[NOTCH_LEVELS:, (hue > NOTCH_HUES[0]) & (hue < NOTCH_HUES[1])] = 0
    assert difference.max() <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_interpolation_and_bands_agree_with_the_oracle(dtype: type[np.unsignedinteger]) -> None:
    """600 rows are several bands; colors this weak stay inside the gamut at these grays."""
    ramp = np.linspace(0.25, 0.85, 130) * np.iinfo(dtype).max
    pixels = np.repeat(ramp.astype(dtype)[None], 600, axis=0)
    ab = waves(12, size=9)
    difference = np.abs(join(pixels, ab) - color_oracle.color(pixels, ab)) / (np.iinfo(dtype).max / 255)
    assert difference.max() <= 1


@pytest.mark.parametrize("width", [1, 2, 511, 512, 513, 1100])
def test_pictures_of_any_width_agree_with_the_oracle(width: int) -> None:
    """Pixels are looked up in groups, and the last pixel is handled apart."""
    pixels = np.random.default_rng(6).integers(0, NOTCH_LEVELS, (30, width)).astype(np.uint8)
    ab = waves(50, size=7)
    result = join(pixels, ab)
    assert np.array_equal(color_oracle.gray(result), pixels)
    assert np.abs(result - color_oracle.color(pixels, ab)).max() <= 1


def test_rounding_ab_to_quarters_is_hardly_visible() -> None:
    """Levels change by more than one only where red or blue are dark beside a bright gray and emit little light."""
    pixels, ab = open_photo(PHOTOS[0]).pixels, waves(25)
    result, unrounded = join(pixels, ab), color_oracle.color(pixels, ab, quarters=False)
    assert np.mean(np.abs(result - unrounded).max(axis=2) > 1) < 0.005
    by_rounding_ab = deltaE_ciede2000(rgb2lab(result), rgb2lab(unrounded / 255))
    by_rounding_rgb = deltaE_ciede2000(rgb2lab(np.rint(unrounded) / 255), rgb2lab(unrounded / 255))
    assert by_rounding_ab.mean() < 1.1 * by_rounding_rgb.mean()
    assert by_rounding_ab.max() < 1.2 * by_rounding_rgb.max()


def test_the_result_does_not_depend_on_the_cache() -> None:
    random = np.random.default_rng(7)
    pixels = random.integers(0, 256, (90, 170)).astype(np.uint8)
    planes = np.concatenate([waves(70, size=11), waves(30, size=11)])
    color_pass._cache.cache_clear()
    first = join(pixels, planes)
    assert np.array_equal(join(pixels, planes), first)
    color_pass._cache.cache_clear()
    join(pixels[::-1], planes)
    assert np.array_equal(join(pixels, planes), first)


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise in all colors takes more memory than photos do; emptying the cache does not change results."""
    random = np.random.default_rng(8)
    pixels = random.integers(0, 256, (2 * color_pass.BAND_ROWS, 100)).astype(np.uint8)
    ab = random.uniform(-60, 60, (2, *pixels.shape)).astype(np.float32)
    expected = join(pixels, ab)
    monkeypatch.setattr(color_pass, "_MOST_PAGES", 1000)
    color_pass._cache.cache_clear()
    assert np.array_equal(join(pixels, ab), expected)
    assert color_pass._cache().page_count == np.count_nonzero(color_pass._cache().colors.pages) == 0


def test_zero_ab_leaves_the_gray_as_it_is() -> None:
    for dtype in DTYPES:
        gray = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)[None]
        result = join(gray, np.zeros((2, 3, 3), np.float32))
        assert np.array_equal(result, np.repeat(gray[..., None], 3, axis=2))


def test_colors_inside_the_gamut_are_kept() -> None:
    ab = ab_disc(5)[:, :, ::3]
    pixels = all_levels(ab.shape[2])[40:240]
    inside = color_oracle.in_gamut(
        color_oracle.linear_rgb(linear_table(256)[pixels], *np.broadcast_to(ab, (2, *pixels.shape)))
    )
    found = rgb2lab(join(pixels, ab))[..., 1:]
    distance = np.hypot(found[..., 0] - ab[0], found[..., 1] - ab[1])[inside]
    assert inside.mean() > 0.1
    assert np.quantile(distance, 0.99) < 1.5


def test_colors_outside_the_gamut_keep_their_hue_and_lose_chroma() -> None:
    ab = ab_disc(7)
    pixels = all_levels(ab.shape[2])[30:225]
    a, b = rgb2lab(join(pixels, ab))[..., 1], rgb2lab(join(pixels, ab))[..., 2]
    size = np.maximum(np.hypot(ab[0], ab[1]), 1e-6)
    along = (a * ab[0] + b * ab[1]) / size
    across = np.abs(a * ab[1] - b * ab[0]) / size
    assert np.quantile(across, 0.999) < 2
    assert (along <= size + 2).all()


def test_gray_levels_are_the_oracles() -> None:
    random = np.random.default_rng(4)
    for dtype in DTYPES:
        rgb = random.integers(0, np.iinfo(dtype).max + 1, (300, 200, 3)).astype(dtype)
        assert np.array_equal(gray_levels(rgb), color_oracle.gray(rgb))
        assert np.array_equal(gray_levels(rgb[..., 0]), rgb[..., 0])


def test_changed_grays_are_counted() -> None:
    before = np.full((300, 4), 100, np.uint8)
    after = np.repeat(before[..., None], 3, axis=2)
    after[299, 1:3] += 2
    assert count_changed_grays(before, after) == 2


def test_sliced_and_read_only_pixels_are_fine() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(4).reshape(32, 32)
    view = pixels[::2, ::-1]
    view.flags.writeable = False
    assert np.array_equal(join(view, waves(20)), join(view.copy(), waves(20)))


def test_infinite_and_nan_ab_are_refused() -> None:
    ab = waves(10)
    ab[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        join(np.zeros((4, 4), np.uint8), ab)


def test_memory_is_the_result_and_little_more() -> None:
    pixels = np.random.default_rng(5).integers(0, 256, (2000, 1500, 3)).astype(np.uint8)
    join(pixels[:8], waves(20))
    tracemalloc.start()
    result = join(pixels, waves(20))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < result.nbytes + 4_000_000


def _paths(lines: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for module, names in lines:
        for name in names.split(", "):
            yield module.replace(".", "/"), name


def test_every_source_of_machine_code_is_part_of_its_key() -> None:
    """The files that name the folder of machine code are those that kernels are made of."""
    package = ROOT / "colorizers"
    users = [path for path in package.rglob("*.py") if "from colorizers.kernels.jit import" in path.read_text()]
    lines = re.findall(
        r"^from colorizers\.([\w.]+) import (.+)", "".join(path.read_text() for path in users), re.MULTILINE
    )
    modules = {f"{path}/{name}" if (package / path).is_dir() else path for path, name in _paths(lines)}
    assert {path.relative_to(package).as_posix() for path in users} | {f"{module}.py" for module in modules} == set(
        jit.SOURCES
    )
    machine_code = cast(Any, lut_pass.color_band)
    assert "kernels-" in machine_code.stats.cache_path


def test_machine_code_is_kept_on_disk() -> None:
    code = "from colorizers.kernels import lut_pass; print(sum(lut_pass.color_band.stats.cache_hits.values()))"
    runs = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True) for _ in range(2)]
    assert runs[1].stdout.strip() == "1"
