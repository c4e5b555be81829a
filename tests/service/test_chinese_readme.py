"""README.zh-CN.md says what README.md says: the same sections, commands, links and settings, in the same order."""

import re
from collections.abc import Callable, Sized
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")

CODE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")
SETTING = re.compile(r"^\| (`[A-Z_]+`) \| (`[^`]*`|\(empty\)|（空）) \|", re.MULTILINE)


def headings(text: str) -> list[int]:
    """Return the levels of the headings in their order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", CODE.sub("", text), re.MULTILINE)]


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Return the lines of every code block without what is said of them, with the block's language."""
    return [(language, [without_comment(line) for line in code.splitlines()]) for language, code in CODE.findall(text)]


def without_comment(line: str) -> str:
    return re.sub(r"(^|\s+)#.*", "", line)


def links(text: str) -> set[str]:
    return set(LINK.findall(text)) - {"README.md", "README.zh-CN.md"}


def settings(text: str) -> list[tuple[str, str]]:
    """Return the rows of the settings table as (name, default)."""
    return [(name, default.replace("（空）", "(empty)")) for name, default in SETTING.findall(text)]


@pytest.mark.parametrize("part", [headings, commands, links, settings], ids=lambda part: part.__name__)
def test_both_languages_say_the_same(part: Callable[[str], Sized]) -> None:
    assert part(CHINESE) == part(ENGLISH)
    assert len(part(ENGLISH)) > 1


def test_each_leads_to_the_other() -> None:
    assert "](README.zh-CN.md)" in ENGLISH
    assert "](README.md)" in CHINESE
