"""Tests that lock files hold what was chosen, with hashes, and that pre-commit checks what the whole check does."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([\w.-]+)(?:\[\w+\])?==(\S+)")


def pins(lines: list[str]) -> set[str]:
    """Return "name==version" of each requirement, with names in pip's normal form."""
    found = (PIN.match(line) for line in lines)
    return {f"{re.sub('[-_.]+', '-', match[1]).lower()}=={match[2]}" for match in found if match}


def chosen(group: str) -> set[str]:
    """Return what was chosen for a dependency group of `pyproject.toml`, or of what runs if that is empty."""
    what_runs = pins((ROOT / "requirements.txt").read_text().splitlines())
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    entries = groups.get(group, [])
    names = [entry["include-group"] for entry in entries if isinstance(entry, dict)]
    own = pins([entry for entry in entries if isinstance(entry, str)])
    return what_runs.union(own, *(chosen(name) for name in names))


@pytest.mark.parametrize("group", ["", "cluster", "train", "dev"])
def test_lock_file_holds_what_was_chosen(group: str) -> None:
    text = (ROOT / f"requirements{'-' * bool(group)}{group}.lock").read_text()
    locked = pins(text.splitlines())
    assert {pin for pin in chosen(group) - locked if not pin.startswith("torch==")} == set()
    assert not any(pin.startswith(("torch==", "nvidia-")) for pin in locked)
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\w)", text.strip()))
    assert "://" not in text


def test_checks_before_a_commit_are_those_of_the_whole_check() -> None:
    script = (ROOT / "run.sh").read_text()
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    for tool in ("ruff check", "ruff format", "bandit", "mypy"):
        assert f"-m {tool}" in script and f"-m {tool}" in config
    for line in re.findall(r'"\$PYTHON" -m ((?:bandit|mypy) .*)', script):
        assert line in config
