"""docs/api.md is true: every example in it runs against a real server, and it names every route, option and problem."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient

from colorizers.recipe import TEMPERATURES, Options
from service.api.schema.responses import (
    Batch,
    BatchUrls,
    Colorization,
    Preview,
    PreviewUrls,
    Problem,
    Render,
    RenderUrls,
    Urls,
)
from service.domain.options import LEAST_PX
from service.domain.problems import TEXTS
from tests.service.conftest import MakeSettings
from tests.service.test_gunicorn import serving
from tests.support.processes import free_port
from tests.support.uploads import as_file, pixels_of, scene

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
SERVER = "http://127.0.0.1:5000"
# Codes that only the command line or an odd page of a file can give.
OTHERS = {"no_such_page"}


def examples(language: str, server: str) -> str:
    """Return all examples in that language, in their order, as one program that calls `server`."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return "\n".join(found).replace(SERVER, server)


@pytest.fixture(scope="module")
def server(make_settings: MakeSettings) -> Iterator[str]:
    """The address of a running server."""
    settings = make_settings(port=free_port(), wait_s=90)
    with serving("gunicorn", settings):
        yield f"http://127.0.0.1:{settings.port}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the photographs that the examples send."""
    for name in ("grandmother.jpg", "one.jpg", "two.png"):
        (tmp_path / name).write_bytes(as_file(scene(), "PNG" if name.endswith("png") else "JPEG"))
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    """Run a program in `folder`; return what it prints."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.curl
def test_curl(server: str, folder: Path) -> None:
    run(["bash", "-euo", "pipefail", "-c", examples("sh", server)], folder)
    assert pixels_of((folder / "grandmother-in-colour.jpg").read_bytes()).shape == (80, 120, 3)
    version = json.loads((folder / "version.json").read_text())
    assert version["options"] == {"saturation": 1.2, "warmth": 0.3, "format": "png"}
    first, second = (json.loads((folder / f"attempt-{attempt}.json").read_text())["id"] for attempt in (1, 2))
    assert first == second
    with zipfile.ZipFile(folder / "photographs.zip") as archive:
        assert archive.namelist() == ["colorized_one.png", "colorized_two.png", "manifest.json"]


def test_python(server: str, folder: Path) -> None:
    (folder / "examples.py").write_text(examples("python", server), encoding="utf-8")
    printed = run([sys.executable, "examples.py"], folder)
    assert printed.splitlines() == ["201 done Stand-in", "done "]
    for name in ("grandmother-in-colour.jpg", "vivid.webp"):
        assert pixels_of((folder / name).read_bytes()).shape == (80, 120, 3)


@pytest.mark.node
def test_javascript(server: str, folder: Path) -> None:
    (folder / "examples.mjs").write_text(examples("js", server), encoding="utf-8")
    printed = run(["node", "examples.mjs"], folder).splitlines()
    assert printed[0] == "201 done Stand-in"
    assert "done " in printed
    assert re.fullmatch(r"done /v1/colorizations/[0-9a-f]{32}/result", printed[-1])
    for name in ("grandmother-in-colour.jpg", "preview.jpg"):
        assert pixels_of((folder / name).read_bytes()).shape == (80, 120, 3)


def test_addresses_and_headers_have_the_limits_that_are_named(server: str) -> None:
    address = f"{server}/v1/models?x="
    assert httpx.get(address + "x" * 8000, trust_env=False).status_code == 200
    assert httpx.get(address + "x" * 8200, trust_env=False).status_code == 414
    assert httpx.get(server, headers={"Prefer": "x" * 8200}, trust_env=False).status_code == 431
    assert "8190 bytes" in TEXT


def test_problem_is_one() -> None:
    shown = json.loads(examples("json", SERVER))
    assert Problem(**shown).as_json() == shown


def test_every_route_is_named(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    named = {re.sub(r"(RENDER_|PREVIEW_)?ID\b", "{}", path) for path in re.findall(r"/[\w/-]+", TEXT)}
    # What belongs to a photograph is listed by its name under `urls`.
    listed = {f"/v1/colorizations/{{}}/{name.replace('_', '-')}" for name in re.findall(r"`(\w+)`", TEXT)}
    unnamed = {re.sub(r"\{\w+\}", "{}", path) for path in paths} - named - listed
    assert {path for path in unnamed if "/previews/" not in path and "/renders/" not in path} == set()


@pytest.mark.parametrize(
    "document",
    [Colorization, Urls, Render, RenderUrls, Preview, PreviewUrls, Batch, BatchUrls],
    ids=lambda it: it.__name__,
)
def test_every_member_is_named(document: type) -> None:
    named = set(re.findall(r"`(?:urls\.)?(\w+)`", TEXT))
    assert set(document.model_fields) - named == set()  # type: ignore[attr-defined]


def test_every_option_is_named_with_its_limits() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", TEXT.split("| Option |")[1].split("\n\n")[0], re.MULTILINE))
    assert set(rows) == set(Options.__dataclass_fields__)
    assert rows["temperature"] == f"{TEMPERATURES[0]:g} to {TEMPERATURES[1]:g}"
    assert rows["size_px"].startswith(f"{LEAST_PX} to ")


def test_every_problem_is_named() -> None:
    assert {code for code in TEXTS if f"`{code}`" not in TEXT} - OTHERS == set()
