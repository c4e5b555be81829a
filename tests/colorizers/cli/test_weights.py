"""Tests of the subcommand `weights`: output, files and exit status."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from colorizers.cli.weights import main
from colorizers.weights.registry import write_manifest
from tests.support.specs import spec_for
from tests.support.weights_server import WeightsServer, serving

CONTENT = b"weights" * 1000


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with serving(CONTENT) as running:
        yield running


@pytest.fixture
def model_dir(tmp_path: Path, server: WeightsServer) -> Path:
    """A model folder that lists `net` (served well) and `gone` (served never)."""
    folder = tmp_path / "model"
    folder.mkdir()
    paths = {"net": "good", "gone": "403"}
    specs = (spec_for(name, CONTENT, urls=(f"{server.base}/{path}",)) for name, path in paths.items())
    write_manifest(folder, tuple(specs))
    return folder


def run(model_dir: Path, *words: str) -> int:
    return main([*words, "--model-dir", str(model_dir)])


def test_fetch_then_list_and_verify(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(model_dir, "list") == 0
    before = capsys.readouterr().out
    assert f"missing, expected at: {model_dir / 'net.pth'}" in before
    assert "siggraph17: SIGGRAPH17" in before
    assert run(model_dir, "fetch", "net") == 0
    assert "complete and verified" in capsys.readouterr().out
    assert run(model_dir, "list") == 0
    assert f"ready: {model_dir / 'net.pth'}" in capsys.readouterr().out
    assert run(model_dir, "verify", "net") == 0
    assert "is right" in capsys.readouterr().out


def test_verify_finds_a_changed_file(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model_dir / "net.pth").write_bytes(b"x" * len(CONTENT))
    assert run(model_dir, "verify") == 1
    assert "SHA-256" in capsys.readouterr().err
    (model_dir / "net.pth").write_bytes(b"x")
    assert run(model_dir, "list") == 0
    assert "of the wrong size" in capsys.readouterr().out
    assert run(model_dir, "verify", "gone") == 1
    assert "weights import gone FILE" in capsys.readouterr().err


def test_import(model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "brought by hand"
    source.write_bytes(CONTENT)
    assert run(model_dir, "import", "net", str(source)) == 0
    assert (model_dir / "net.pth").read_bytes() == CONTENT
    assert "complete and verified" in capsys.readouterr().out


def test_a_failure_is_remembered_only_when_asked(
    model_dir: Path, server: WeightsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch = "fetch", "gone"
    assert run(model_dir, *fetch) == 1
    assert run(model_dir, *fetch, "--remember-failure") == 1
    assert server.requests == ["403", "403"]
    capsys.readouterr()
    assert run(model_dir, *fetch, "--remember-failure") == 1
    assert server.requests == ["403", "403"]
    assert "failed less than a day ago" in capsys.readouterr().err
    assert run(model_dir, *fetch) == 1
    assert len(server.requests) == 3


def test_a_failure_that_is_remembered_is_told_in_one_line(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch = "fetch", "gone", "--remember-failure"
    for said in ("could not be downloaded (HTTP Error 403: Forbidden)", "failed less than a day ago (HTTP Error 403"):
        assert run(model_dir, *fetch) == 1
        told = capsys.readouterr()
        assert told.out == ""
        (line,) = told.err.splitlines()
        assert said in line
        assert f"`python -m colorizers weights fetch gone --model-dir {model_dir}` tries again" in line


def test_what_is_no_failure_of_the_download_is_not_remembered(
    model_dir: Path, server: WeightsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch = "fetch", "net", "--remember-failure"
    handle = os.open(model_dir, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert run(model_dir, *fetch) == 1
    assert "Another process is bringing weights into" in capsys.readouterr().err
    os.close(handle)
    assert server.requests == []
    assert run(model_dir, *fetch) == 0


def test_offline_does_not_ask_and_leaves_no_note(
    model_dir: Path, server: WeightsServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(model_dir, "fetch", "net", "--offline", "--remember-failure") == 1
    assert "weights import net FILE" in capsys.readouterr().err
    assert server.requests == []
    assert not list(model_dir.glob("*.failed.json"))


def test_an_unknown_name_is_answered_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "nonsense"]) == 1
    assert "Known: siggraph17, eccv16" in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    assert "python -m colorizers weights fetch siggraph17" in capsys.readouterr().out
