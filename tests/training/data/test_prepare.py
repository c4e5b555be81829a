"""Tests of the preparation of training shards from folders of awkward files."""

import hashlib
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.training_pictures import encoded, landscape, write_shard
from training.cli.main import main
from training.cli.prepare import options_for
from training.data import prepare as module
from training.data.filters import NEAR_GRAY_CHROMA, DuplicateFilter, Kept, Options, Rule, difference_hash
from training.data.prepare import find_sources, prepare
from training.data.samples import Sample, index_shards

OPTIONS = Options(short_px=64)


@pytest.fixture
def awkward(tmp_path: Path) -> Path:
    """Return a folder with seven pictures to keep and seven files to drop."""
    folder = tmp_path / "source"
    (folder / "deep" / "deeper").mkdir(parents=True)
    landscape(0).save(folder / "plain.jpg", quality=95)
    landscape(1).save(folder / "deep" / "alpha.png")
    landscape(2).convert("CMYK").save(folder / "deep" / "cmyk.jpg", quality=95)
    landscape(3).quantize(64).save(folder / "deep" / "deeper" / "palette.png")
    turned = Image.Exif()
    turned[0x0112] = 6
    landscape(4).save(folder / "lying.jpg", exif=turned, quality=95)
    landscape(5, 300, 80).save(folder / "panorama.webp", quality=95)
    landscape(6).save(folder / "named-wrongly.txt", "PNG")
    landscape(0).resize((192, 144)).save(folder / "same-again-larger.jpg", quality=80)
    landscape(7).convert("L").save(folder / "gray.jpg")
    landscape(8).convert("L").convert("RGB").save(folder / "gray-in-three-channels.png")
    toned = np.asarray(landscape(9).convert("L"))[..., None] + np.array([3, 0, -3])
    Image.fromarray(toned.clip(0, 255).astype(np.uint8)).save(folder / "toned.png")
    (folder / "broken.jpg").write_bytes(encoded(landscape(10), "JPEG")[:700])
    (folder / "notes.txt").write_text("no picture")
    (folder / "empty.jpg").write_bytes(b"")
    return folder


def test_keeps_color_photographs_and_counts_the_rest(awkward: Path, tmp_path: Path) -> None:
    report = prepare(awkward, tmp_path / "out", OPTIONS)
    assert report.sources == 14
    assert report.dropped == {"undecodable": 3, "single-channel": 2, "near-gray": 1, "duplicate": 1}
    assert report.kept == 7
    assert "| dropped: near-gray | 1 |" in report.table()
    samples = index_shards(tmp_path / "out")
    assert len(samples) == 7
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["shard-00000.tar"]


def test_applies_orientation_reduces_and_crops(awkward: Path, tmp_path: Path) -> None:
    prepare(awkward, tmp_path / "out", OPTIONS)
    sizes = sorted(sample.open().size for sample in index_shards(tmp_path / "out"))
    # Five lie as they are, one was turned upright, and the panorama is cut to 4:3.
    assert sizes == [(64, 85), *[(85, 64)] * 5, (86, 64)]


def test_never_touches_the_source(awkward: Path, tmp_path: Path) -> None:
    def fingerprint() -> dict[str, str]:
        files = (path for path in awkward.rglob("*") if path.is_file())
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = fingerprint()
    prepare(awkward, tmp_path / "out", OPTIONS)
    assert fingerprint() == before
    with pytest.raises(ValueError, match="must not be touched"):
        prepare(awkward, awkward / "shards", OPTIONS)


def test_reads_tar_shards_as_well(tmp_path: Path) -> None:
    write_shard(tmp_path / "source" / "a.tar", [landscape(seed) for seed in range(3)])
    landscape(5).save(tmp_path / "source" / "b.png")
    report = prepare(tmp_path / "source", tmp_path / "out", OPTIONS)
    assert (report.sources, report.kept) == (4, 4)
    alone = prepare(tmp_path / "source" / "a.tar", tmp_path / "alone", OPTIONS)
    assert (alone.sources, alone.kept) == (3, 3)


def test_one_file_that_cannot_be_read_does_not_end_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    write_shard(source / "a.tar", [landscape(1)])
    write_shard(source / "b.tar", [landscape(2)])
    (source / "broken.tar").write_bytes((source / "a.tar").read_bytes()[:700])
    (source / "leads-nowhere.jpg").symlink_to(tmp_path / "missing.jpg")
    os.mkfifo(source / "pipe.jpg")
    report = prepare(source, tmp_path / "out", OPTIONS)
    assert (report.sources, report.kept, report.dropped) == (3, 2, {"undecodable": 1})
    # Both were called 0000.png in their tar file.
    assert len({sample.name for sample in index_shards(tmp_path / "out")}) == 2


def test_resumes_after_the_last_complete_shard(awkward: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = prepare(awkward, tmp_path / "whole", OPTIONS)
    monkeypatch.setattr("training.data.prepare.SHARD_SIZE", 3)
    processed: list[str] = []

    def process_until(last: int) -> None:
        def process(options: Options, sample: Sample) -> Kept | Rule:
            if len(processed) == last:
                raise KeyboardInterrupt
            processed.append(sample.name)
            return usual(options, sample)

        monkeypatch.setattr(module, "_process", process)

    usual = module._process
    process_until(12)
    with pytest.raises(KeyboardInterrupt):
        prepare(awkward, tmp_path / "out", OPTIONS)
    complete = [shard.read_bytes() for shard in sorted((tmp_path / "out").glob("*.tar"))]
    assert complete
    with pytest.raises(FileExistsError, match="other pictures or options"):
        prepare(awkward, tmp_path / "out", Options(short_px=32))
    processed.clear()
    process_until(99)
    assert prepare(awkward, tmp_path / "out", OPTIONS) == whole
    assert 0 < len(processed) < whole.sources
    shards = [shard.read_bytes() for shard in sorted((tmp_path / "out").glob("*.tar"))]
    assert shards[: len(complete)] == complete
    read = [[sample.read() for sample in index_shards(tmp_path / name)] for name in ("out", "whole")]
    assert read[0] == read[1]


def test_finished_shards_are_not_overwritten(awkward: Path, tmp_path: Path) -> None:
    prepare(awkward, tmp_path / "out", OPTIONS)
    with pytest.raises(FileExistsError, match=r"shards in .* already"):
        prepare(awkward, tmp_path / "out", OPTIONS)


def test_the_command_uses_several_processes(awkward: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", str(awkward), str(tmp_path / "out"), "--short-px", "64", "--processes", "2"]) == 0
    assert "| kept | 7 |" in capsys.readouterr().out
    with tarfile.open(tmp_path / "out" / "shard-00000.tar") as archive:
        assert all(name.endswith(".jpg") for name in archive.getnames())
    assert main(["prepare", str(tmp_path / "nowhere"), str(tmp_path / "out2")]) == 1
    assert "no folder or tar file" in capsys.readouterr().err


def test_the_residual_recipe_takes_jpeg_only_cut_from_the_top_left(awkward: Path, tmp_path: Path) -> None:
    options = options_for("residual", None, NEAR_GRAY_CHROMA)
    assert options == Options(short_px=512, square=True, crop="top-left", jpeg_only=True)
    report = prepare(awkward, tmp_path / "out", options)
    assert report.dropped["not JPEG"] == 6
    assert {sample.open().size for sample in index_shards(tmp_path / "out")} == {(72, 72)}


def test_sources_come_in_a_fixed_mixed_order(awkward: Path) -> None:
    names = [sample.name for sample in find_sources(awkward)]
    assert names == [sample.name for sample in find_sources(awkward)]
    assert names != sorted(names)


def test_near_duplicates_are_found_and_others_are_not() -> None:
    duplicates = DuplicateFilter()
    hashes = [difference_hash(landscape(seed)) for seed in range(6)]
    assert not any(duplicates.is_duplicate(value) for value in hashes)
    assert all(duplicates.is_duplicate(value ^ 0b10000000001) for value in hashes)
    assert duplicates.is_duplicate(difference_hash(landscape(3).resize((960, 720))))
