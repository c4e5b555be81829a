"""The rules that keep the parts apart: imports point one way; torch and parsers stay out of the web process."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "colorizers": {"service", "training", "server", "flask", "sqlalchemy"},
    "service": {"training"},
    "training": {"service", "server", "flask", "sqlalchemy"},
}


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package: str) -> None:
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    for path in modules:
        wrong = {name for name in imported_modules(path) if name.split(".")[0] in FORBIDDEN[package]}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_library_reads_no_environment() -> None:
    for path in (ROOT / "colorizers").rglob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not names & {"environ", "getenv"}, path


def test_web_process_loads_neither_torch_nor_numba_nor_what_parses_files(tmp_path: Path) -> None:
    script = """
import io, re, sys
from server import app
client = app.test_client()
photo = io.BytesIO(b"P5 16 16 255 " + bytes(256))
home = client.get("/")
assert home.status_code == 200
token = re.search('name="csrf-token" content="([^"]+)"', home.text)[1]
answer = client.post("/v1/index", data={"photo": (photo, "p.png"), "csrf_token": token})
assert answer.status_code == 202, answer.text
for path in (answer.json["urls"]["page"], "/photographs", "/docs", "/openapi.json", "/metrics", "/readyz"):
    assert client.get(path).status_code in (200, 503), path
heavy = {"torch", "numba", "colorizers.colorizer"}
parsers = {"colorizers.photo.photo", "colorizers.photo.decode", "imagecodecs", "pillow_heif", "tifffile"}
parsers |= {"PIL.TiffImagePlugin"}
print(sorted((heavy | parsers) & set(sys.modules)))
"""
    environ = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path), "WAIT_S": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
