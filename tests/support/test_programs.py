"""Tests that only those tests report a missing program which need it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDS_EXIFTOOL = "tests/colorizers/output/test_matrix.py::test_what_exiftool_finds_in_every_result"


def run_pytest(tmp_path: Path, *options: str) -> str:
    """Return what pytest prints where no program is on the search path."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, NEEDS_EXIFTOOL]
    environ = {**os.environ, "PATH": str(tmp_path)}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(("option", "outcome"), [("-q", "1 skipped"), ("--all-programs", "1 error")])
def test_missing_program_is_skipped_by_hand_and_fails_in_the_whole_check(
    tmp_path: Path, option: str, outcome: str
) -> None:
    printed = run_pytest(tmp_path, option)
    assert outcome in printed
    assert "needs Debian's libimage-exiftool-perl" in printed


def test_missing_packages_are_named(tmp_path: Path) -> None:
    lines = run_pytest(tmp_path, "--collect-only", "-qq", "--missing-packages").splitlines()
    assert "missing packages: libimage-exiftool-perl" in lines
