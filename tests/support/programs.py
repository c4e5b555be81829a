"""Programs from Debian's packages that some tests need; each has a marker of that name.

A test whose program is missing is skipped, and fails under `--all-programs`, which `./run.sh test` gives for the whole
check. `--collect-only --missing-packages` prints the packages that the chosen tests lack.
"""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Program:
    """A program on the search path, or in one of Debian's versioned folders, and the package it comes from."""

    package: str
    name: str
    folders: str = ""

    def is_there(self) -> bool:
        """Tell whether the program is installed."""
        if self.folders:
            return any(Path("/").glob(f"{self.folders}/{self.name}"))
        return shutil.which(self.name) is not None


PROGRAMS = {
    "browser": Program("chromium", "chromium"),
    "curl": Program("curl", "curl"),
    "exiftool": Program("libimage-exiftool-perl", "exiftool"),
    "node": Program("nodejs", "node"),
    "postgres": Program("postgresql", "initdb", "usr/lib/postgresql/*/bin"),
    "redis": Program("redis-server", "redis-server"),
    "tiffcp": Program("libtiff-tools", "tiffcp"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that say what becomes of tests whose programs are missing."""
    group = parser.getgroup("programs")
    group.addoption("--all-programs", action="store_true", help="fail, not skip, where a program is missing")
    group.addoption("--missing-packages", action="store_true", help="print Debian's packages that the tests lack")


def pytest_configure(config: pytest.Config) -> None:
    """Register one marker for each program."""
    for marker, program in PROGRAMS.items():
        config.addinivalue_line("markers", f"{marker}: needs {program.name}, from Debian's package {program.package}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test whose programs are missing."""
    packages = sorted(missing_packages([item]))
    if packages:
        outcome = pytest.fail if item.config.getoption("all_programs") else pytest.skip
        outcome(f"needs Debian's {', '.join(packages)}")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Print what is missing, under `--missing-packages`."""
    if session.config.getoption("missing_packages"):
        print("missing packages:", *sorted(missing_packages(session.items)))


def missing_packages(items: Iterable[pytest.Item]) -> set[str]:
    """Return the names of Debian's packages that these tests need and that are not installed."""
    return {program.package for program in set(_needed(items)) if not program.is_there()}


def _needed(items: Iterable[pytest.Item]) -> Iterator[Program]:
    for item in items:
        for marker in item.iter_markers():
            if marker.name in PROGRAMS:
                yield PROGRAMS[marker.name]
