"""The Chinese catalogue holds every message of templates and service, and what is compiled is what is written."""

import io
import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
TRANSLATIONS = ROOT / "service" / "translations"
CATALOGUE = TRANSLATIONS / "zh" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|%%")
HALF_WIDTH_MARK_IN_CHINESE = re.compile(r"[\u4e00-\u9fff][,;:!?]|[,;!?][\u4e00-\u9fff]")


def source_messages() -> set[str]:
    """Return every message of the source, plural forms by their singular."""
    with (TRANSLATIONS / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    # The environment of a checkout lies below the root too.
    folders = [ROOT / "service", ROOT / "templates"]
    found = set()
    for folder in folders:
        relative = [(pattern.removeprefix(f"{folder.name}/"), method) for pattern, method in methods]
        for _, _, message, _, _ in extract_from_dir(folder, relative, options, DEFAULT_KEYWORDS):
            found.add(message if isinstance(message, str) else (message or ("",))[0])
    return found


def chinese() -> Catalog:
    """Return the Chinese catalogue as written."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh")


def texts(catalogue: Catalog) -> dict[str, str]:
    """Return the translations by message, plural forms by their singular."""
    pairs = ((message.id, message.string) for message in catalogue if message.id)
    return {id_ if isinstance(id_, str) else id_[0]: s if isinstance(s, str) else (s or ("",))[0] for id_, s in pairs}


def test_chinese_is_complete_and_has_nothing_left_over() -> None:
    source = source_messages()
    assert {"Upload photos", "Colorize", "Your photograph, in colour", "This is not a photo"} <= source
    translated = texts(chinese())
    assert source - translated.keys() == set()
    assert translated.keys() - source == set()
    assert [message for message, text in translated.items() if not text.strip()] == []
    assert [message.id for message in chinese() if message.id and message.fuzzy] == []


def test_placeholders_agree() -> None:
    for message, text in texts(chinese()).items():
        assert sorted(PLACEHOLDER.findall(message)) == sorted(PLACEHOLDER.findall(text)), message


def test_chinese_uses_its_own_punctuation() -> None:
    assert [text for text in texts(chinese()).values() if HALF_WIDTH_MARK_IN_CHINESE.search(text)] == []


def test_what_is_compiled_is_what_is_written() -> None:
    compiled = io.BytesIO()
    write_mo(compiled, chinese())
    assert CATALOGUE.with_suffix(".mo").read_bytes() == compiled.getvalue()
