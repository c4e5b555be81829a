"""Tests of the command line, called as a function and as a program."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizers.cli.main import main
from colorizers.photo.photo import open_photo
from colorizers.weights.registry import EMBEDDED
from tests.support import color_oracle, picture_files
from tests.support.processes import children_of, is_decoding_server, until

ROOT = Path(__file__).parents[3]
PHOTO = ROOT / "tests" / "data" / "photos" / "migrant-mother.jpg"


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with two photos, one of them in a folder of its own, and a broken file."""
    folder = tmp_path / "album"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(PHOTO, folder / "mother.jpg")
    (folder / "broken.jpg").write_bytes(PHOTO.read_bytes()[:2000])
    (folder / "sub" / "small.tif").write_bytes(picture_files.saved(picture_files.gray8(), "TIFF"))
    return folder


def run(model_dir: Path, *words: str | Path) -> int:
    return main([*map(str, words), "--model-dir", str(model_dir)])


def test_one_photo_into_one_file(model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.png"
    assert run(model_dir, PHOTO, "-o", out) == 0
    result = open_photo(out)
    assert np.array_equal(color_oracle.gray(result.pixels), open_photo(PHOTO).pixels)
    assert result.had_colour
    assert b"Stand-in default" in out.read_bytes()
    told = capsys.readouterr()
    assert told.out.strip() == str(out)
    assert "Network: Stand-in default" in told.err


def test_a_folder_goes_on_after_a_bad_file(
    model_dir: Path, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(model_dir, album, "-o", out, "--recursive") == 1
    assert sorted(path.relative_to(out) for path in out.rglob("*.*")) == [Path("mother.jpg"), Path("sub/small.tif")]
    assert open_photo(out / "mother.jpg").format == "JPEG"
    assert np.array_equal(color_oracle.gray(open_photo(out / "sub" / "small.tif").pixels), picture_files.gray8())
    told = capsys.readouterr()
    assert told.out == "2 coloured.\n"
    assert "1 could not be coloured:" in told.err
    assert "broken.jpg: This JPEG file cannot be decoded" in told.err
    assert "photo/s" in told.err or "s/photo" in told.err


def test_a_file_that_crashes_its_decoder_stops_nothing_else(
    model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crashing = tmp_path / "crashing.png"
    os.mkfifo(crashing)
    writing = os.open(crashing, os.O_RDWR)
    of_other_tests = set(children_of(os.getpid()))
    with ThreadPoolExecutor(1) as pool:
        status = pool.submit(run, model_dir, crashing, PHOTO, "-o", f"{tmp_path}/out/")
        (server,) = until(lambda: [*filter(is_decoding_server, set(children_of(os.getpid())) - of_other_tests)])
        (process,) = until(lambda: children_of(server))
        os.kill(process, signal.SIGSEGV)
        assert status.result(100) == 1
    os.close(writing)
    assert (tmp_path / "out" / PHOTO.name).exists()
    assert "crashing.png: This file cannot be decoded: the decoder crashed." in capsys.readouterr().err


def test_what_is_done_is_skipped_and_the_rest_is_not(
    model_dir: Path, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (album / "broken.jpg").unlink()
    assert run(model_dir, album, "-o", out) == 0
    first = (out / "mother.jpg").stat().st_mtime_ns
    shutil.copy(PHOTO, album / "new.jpg")
    assert run(model_dir, album, "-o", out) == 0
    assert (out / "mother.jpg").stat().st_mtime_ns == first
    assert (out / "new.jpg").exists()
    assert "1 coloured, 1 were there already" in capsys.readouterr().out
    assert run(model_dir, album, "-o", out, "--overwrite") == 0
    assert (out / "mother.jpg").stat().st_mtime_ns > first


@pytest.mark.parametrize(("suffix", "title", "most_px"), [("webp", "WebP", 16383), ("jpg", "JPEG", 65500)])
def test_a_photo_too_large_for_the_format_is_refused_before_any_work(
    model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str, title: str, most_px: int
) -> None:
    wide, out = tmp_path / "wide.png", tmp_path / f"out.{suffix}"
    Image.fromarray(np.zeros((1, most_px + 1), np.uint8)).save(wide)
    assert run(model_dir, wide, "-o", out, "--recipe") == 1
    assert f"{title} holds at most {most_px} pixels a side" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["wide.png"]
    assert run(model_dir, wide, "-o", out, "--size", str(most_px)) == 0
    assert open_photo(out).width == most_px


@pytest.mark.parametrize("name", [b"a" * 246 + b".jpg", "ü".encode() * 123 + b".jpg", b"caf\xe9 \xff.jpg"])
def test_every_name_that_a_file_can_have(name: bytes, model_dir: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / os.fsdecode(name)).write_bytes(picture_files.saved(picture_files.gray8(), "JPEG"))
    (folder / "other.jpg").write_bytes(picture_files.saved(picture_files.gray8(), "JPEG"))
    out = tmp_path / "out"
    assert run(model_dir, folder, "-o", out, "--recipe", "--layer") == 0
    assert {os.fsencode(path.name) for path in out.glob("*.jpg")} == {name, b"other.jpg"}
    assert len(list(out.iterdir())) == 6
    assert run(model_dir, folder / os.fsdecode(name)) == 0
    assert len(list(folder.glob("colorized_*.jpg"))) == 1


def test_one_bad_name_stops_nobody(model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.jpg", tmp_path / ("b" * 300 + ".jpg")
    good.write_bytes(picture_files.saved(picture_files.gray8(), "JPEG"))
    assert run(model_dir, bad, good, "-o", tmp_path / "out") == 1
    assert (tmp_path / "out" / "good.jpg").exists()
    assert "1 could not be coloured" in capsys.readouterr().err


def test_as_the_small_script_is_called(model_dir: Path, tmp_path: Path) -> None:
    assert run(model_dir, "-i", PHOTO, "-o", tmp_path / "one") == 0
    assert run(model_dir, "--img_path", PHOTO, "--save_path", tmp_path / "two") == 0
    first, second = tmp_path / "one" / PHOTO.name, tmp_path / "two" / PHOTO.name
    assert first.read_bytes() == second.read_bytes()


def test_the_network_is_the_one_that_was_named(model_dir: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="no colour"):
        assert run(model_dir, PHOTO, "-o", tmp_path / "gray.png", "--model", "gray") == 0
    assert b"Stand-in gray" in (tmp_path / "gray.png").read_bytes()


@pytest.mark.parametrize(("name", "reason"), [("nonsense", "no network called"), ("siggraph17", "weights import")])
def test_a_network_that_is_not_there(
    model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    assert run(model_dir, PHOTO, "-o", tmp_path / "x.png", "--model", name) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_missing_files_and_empty_folders(model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model_dir, tmp_path / "nothing.jpg", PHOTO, "-o", f"{tmp_path}/out/") == 1
    assert "nothing.jpg: No such file or directory" in capsys.readouterr().err
    assert (tmp_path / "out" / PHOTO.name).exists()
    (tmp_path / "empty").mkdir()
    assert run(model_dir, tmp_path / "empty", "-o", tmp_path / "out") == 1
    assert "There is no picture to colour" in capsys.readouterr().err


def test_the_original_is_never_replaced(model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "photo.jpg"
    shutil.copy(PHOTO, path)
    assert run(model_dir, path, "-o", path, "--overwrite") == 1
    assert "would replace the original" in capsys.readouterr().err
    assert path.read_bytes() == PHOTO.read_bytes()


def test_a_layer_of_the_colours_alone(model_dir: Path, tmp_path: Path) -> None:
    assert run(model_dir, PHOTO, "-o", tmp_path / "x.png", "--layer") == 0
    below = Image.open(PHOTO).convert("RGBA")
    with Image.open(tmp_path / "x_layer.png") as layer, Image.open(tmp_path / "x.png") as result:
        laid = np.asarray(Image.alpha_composite(below, layer).convert("RGB")).astype(int)
        assert np.abs(laid - np.asarray(result)).max() <= 1


def test_limit_and_pages(model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model_dir, PHOTO, "-o", tmp_path / "x.jpg", "--max-megapixels", "0.1") == 1
    assert "the limit is 0.1" in capsys.readouterr().err
    pages = tmp_path / "pages.tif"
    pages.write_bytes(
        picture_files.saved(picture_files.gray8(), "TIFF", save_all=True, append_images=[_page(), _page()])
    )
    assert run(model_dir, pages, "-o", tmp_path / "x.tif") == 0
    assert "the first" not in capsys.readouterr().err
    coloured = [open_photo(tmp_path / "x.tif", page=number) for number in range(3)]
    assert all(np.array_equal(color_oracle.gray(page.pixels), picture_files.gray8()) for page in coloured)
    assert coloured[0].pages == 3
    assert run(model_dir, pages, "-o", tmp_path / "x.png") == 0
    assert "the first of 3 pages" in capsys.readouterr().err


def _page() -> Image.Image:
    return Image.fromarray(picture_files.gray8())


def test_usage_errors_teach(capsys: pytest.CaptureFixture[str]) -> None:
    for words, reason in (([], "name a photo or a folder"), (["a.jpg", "b.jpg", "-o", "x.jpg"], "name a folder")):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
        assert reason in capsys.readouterr().err


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    words = ("examples:", "--recursive", "--model", "-i", "--save_path", "weights list", "HEIC", "exit status is 1")
    assert all(word in told for word in words)


def test_weights_are_a_command_of_their_own(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weights", "list", "--model-dir", str(model_dir)]) == 0
    assert EMBEDDED in capsys.readouterr().out


def test_as_a_program(model_dir: Path, album: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "colorizers", str(album), "-o", str(tmp_path / "out"), "--model-dir", str(model_dir)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == "1 coloured.\n"
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "mother.jpg").exists()


def test_inspect_says_what_a_file_is_and_why_one_is_refused(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(album / "mother.jpg"), str(album / "broken.jpg"), str(album / "none.jpg")]) == 1
    told = capsys.readouterr().out
    assert "mother.jpg: JPEG, " in told
    assert "8 bits, gray" in told
    assert "broken.jpg: refused: This JPEG file cannot be decoded" in told
    assert "none.jpg: refused: No such file or directory" in told
    assert main(["inspect", "--json", str(album / "sub" / "small.tif")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["bits"], found["pages"], found["result_format"]) == ("TIFF", 8, 1, "TIFF")
