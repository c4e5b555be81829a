"""README and documentation say what the program does: the settings table is the real one, and every link leads on."""

import re
from pathlib import Path

import pytest

from colorizers.errors import NotAPictureError
from colorizers.fileformats import formats
from colorizers.fileformats.formats import SUPPORTED
from colorizers.photo.photo import open_photo
from service.settings import as_markdown

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("page", ["README.md", "docs/deployment.md"])
def test_settings_table_is_the_real_one(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    table = text.split("<!-- settings: python -m service.settings -->\n")[1].split("<!-- end of settings -->")[0]
    assert table == as_markdown()


def test_table_of_formats_is_the_real_one() -> None:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    table = text.split("<!-- formats: python -m colorizers.fileformats.formats -->\n")[1]
    assert table.split("<!-- end of formats -->")[0] == formats.as_markdown()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_table_of_formats_is_that_of_the_program_and_its_messages() -> None:
    rows = re.findall(r"^\| ([^|]+?) \|", (ROOT / "docs" / "formats.md").read_text(encoding="utf-8"), re.MULTILINE)
    titles = [entry.title for entry in SUPPORTED]
    assert rows[0] == "Format"
    assert rows[1:] == titles
    with pytest.raises(NotAPictureError) as caught:
        open_photo(b"hello")
    assert ", ".join(titles) in caught.value.message


def test_what_meets_and_tests_threats_is_there() -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:colorizers|service|tests|benchmarks)/[\w/.]+)`", text))
    assert len(named) > 25
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_place_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    places = re.findall(r"`([\w./-]+/[\w./-]*|[\w-]+\.(?:md|py|sh)|\.env\.example)(?::(\w+))?`", text)
    assert len(places) > 50
    for path, name in places:
        if path.startswith("/"):
            continue  # an address
        found = ROOT / path
        assert found.exists(), path
        if name:
            assert re.search(rf"^\s*(async def|def|class)? ?{name}\b", found.read_text("utf-8"), re.M), (path, name)
