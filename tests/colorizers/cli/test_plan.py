"""Tests of planning: which files are colored, and where each result goes."""

from pathlib import Path

import pytest

from colorizers.cli.plan import PlanError, Task, is_folder, plan


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder with pictures of many kinds by name, other files, and folders."""
    names = ["a.jpg", "b.PNG", "c.tif", "d.webp", "e.heic", "f.gif", "notes.txt", ".hidden.jpg", "g"]
    deeper = ["sub/a.jpeg", "sub/deeper/x.bmp", ".trash/y.jpg"]
    for name in names + deeper:
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "album"


def targets(tasks: list[Task], folder: Path) -> list[str]:
    return [str(task.target.relative_to(folder)) for task in tasks]


def test_a_folder_keeps_names_and_formats(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tasks = plan([album], str(out))
    assert targets(tasks, out) == ["a.jpg", "b.PNG", "c.tif", "d.webp", "e.png", "f.png"]
    assert [task.format for task in tasks] == ["JPEG", "PNG", "TIFF", "WEBP", "PNG", "PNG"]


def test_a_folder_with_all_below_it(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = targets(plan([album], str(out), recursive=True), out)
    assert found == ["a.jpg", "b.PNG", "c.tif", "d.webp", "e.png", "f.png", "sub/a.jpeg", "sub/deeper/x.png"]


def test_results_inside_the_folder_are_not_coloured_again(album: Path) -> None:
    (album / "out").mkdir()
    (album / "out" / "a.jpg").touch()
    assert all("out" not in task.source.parts for task in plan([album], str(album / "out"), recursive=True))


def test_results_never_share_a_name(tmp_path: Path) -> None:
    for name in ("a.bmp", "a.heic", "a.png", "b.gif", "b.heic"):
        (tmp_path / name).touch()
    out = tmp_path / "out"
    pairs = {task.source.name: task.target.name for task in plan([tmp_path], str(out))}
    assert pairs == {
        "a.bmp": "a.bmp.png",
        "a.heic": "a.heic.png",
        "a.png": "a.png",
        "b.gif": "b.png",
        "b.heic": "b.heic.png",
    }


def test_one_photo_into_a_file_or_a_folder(album: Path, tmp_path: Path) -> None:
    photo = album / "a.jpg"
    assert plan([photo], str(tmp_path / "x.tif")) == [Task(photo, tmp_path / "x.tif")]
    for folder in (f"{tmp_path}/new/", f"{tmp_path}/new"):
        assert plan([photo], folder) == [Task(photo, tmp_path / "new" / "a.jpg")]
    assert plan([album / "e.heic"], str(tmp_path / "new")) == [Task(album / "e.heic", tmp_path / "new" / "e.png")]
    (tmp_path / "folder.jpg").mkdir()
    assert plan([photo], str(tmp_path / "folder.jpg")) == [Task(photo, tmp_path / "folder.jpg" / "a.jpg")]
    assert plan([tmp_path / "scan"], f"{tmp_path}/new/")[0].target.name == "scan.png"


def test_without_output_the_result_stands_beside_the_photo(album: Path) -> None:
    found = [task.target for task in plan([album / "a.jpg", album / "e.heic"], None)]
    assert found == [album / "colorized_a.jpg", album / "colorized_e.png"]


def test_a_multi_picture_jpeg_becomes_a_jpeg(tmp_path: Path) -> None:
    assert plan([Path("a.mpo")], f"{tmp_path}/x/")[0].target == tmp_path / "x" / "a.jpg"


def test_contradictions_are_explained(album: Path, tmp_path: Path) -> None:
    photo = album / "a.jpg"
    for inputs, output, reason in (
        ([album], None, "-o where"),
        ([photo, photo], str(tmp_path / "x.jpg"), "name a folder, as in -o x/"),
        ([album], str(tmp_path / "x.jpg"), "one file, but the results are several"),
        ([photo], str(tmp_path / "x.bmp"), r"\.bmp files cannot be written"),
        ([album], str(album), "cannot go into the same folder"),
    ):
        with pytest.raises(PlanError, match=reason):
            plan(inputs, output)


def test_what_means_a_folder(tmp_path: Path) -> None:
    assert all(map(is_folder, (str(tmp_path), "new/", "new", "version.2")))
    assert not any(map(is_folder, ("x.jpg", "x.HEIC")))
