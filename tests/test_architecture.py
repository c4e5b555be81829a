"""The rules that keep the rooms apart: imports point one way, and torch stays out of the web process."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("colorizers", "service", "training", "benchmarks")
MOST_MODULES = 16
NO_WEB = {"flask", "werkzeug", "sqlalchemy", "celery"}

# Each room and the rooms that it may import; a module beside the rooms counts as a room of its own. A new arrow is a
# decision: it must point downwards, and the room's __init__.py says why it may.
ARROWS = {
    "colorizers.colorspace": "",
    "colorizers.errors": "",
    "colorizers.json_text": "",
    "colorizers.version": "",
    "colorizers.fileformats": "colorizers.errors",
    "colorizers.kernels": "colorizers.colorspace",
    "colorizers.prediction": "colorizers.colorspace colorizers.errors",
    "colorizers.weights": "colorizers.errors",
    "colorizers.base_color": "",
    "colorizers.kernels.winograd": "colorizers.kernels",
    "colorizers.metadata": "colorizers.fileformats",
    "colorizers.recipe": "colorizers.errors colorizers.json_text colorizers.prediction colorizers.version",
    "colorizers.rendering": "colorizers.colorspace colorizers.kernels colorizers.prediction",
    "colorizers.eccv16": "colorizers.base_color colorizers.weights",
    "colorizers.photo": "colorizers.colorspace colorizers.errors colorizers.fileformats colorizers.metadata",
    "colorizers.siggraph17": "colorizers.base_color colorizers.weights",
    "colorizers.networks": (
        "colorizers.colorspace colorizers.eccv16 colorizers.errors colorizers.kernels.winograd "
        "colorizers.siggraph17 colorizers.weights"
    ),
    "colorizers.output": (
        "colorizers.colorspace colorizers.errors colorizers.fileformats colorizers.metadata colorizers.photo "
        "colorizers.recipe"
    ),
    "colorizers.util": "colorizers.photo",
    "colorizers.colorizer": (
        "colorizers.colorspace colorizers.errors colorizers.metadata colorizers.networks colorizers.photo "
        "colorizers.prediction colorizers.recipe colorizers.rendering colorizers.weights"
    ),
    "colorizers.pipeline": (
        "colorizers.colorizer colorizers.colorspace colorizers.errors colorizers.fileformats "
        "colorizers.metadata colorizers.output colorizers.photo colorizers.prediction colorizers.recipe "
        "colorizers.rendering colorizers.weights"
    ),
    "colorizers.cli": (
        "colorizers.colorizer colorizers.errors colorizers.fileformats colorizers.kernels colorizers.output "
        "colorizers.photo colorizers.pipeline colorizers.recipe colorizers.version colorizers.weights"
    ),
    "colorizers": (
        "colorizers.base_color colorizers.colorizer colorizers.eccv16 colorizers.errors colorizers.output "
        "colorizers.photo colorizers.prediction colorizers.rendering colorizers.siggraph17 colorizers.util "
        "colorizers.version colorizers.weights"
    ),
    "colorizers.__main__": "colorizers.cli",
    "service.logging_setup": "",
    "service.settings": "",
    "service.shutdown_signals": "",
    "service.domain": (
        "colorizers.errors colorizers.fileformats colorizers.json_text colorizers.prediction "
        "colorizers.recipe colorizers.weights service.settings"
    ),
    "service.storage": "colorizers.errors colorizers.prediction service.settings",
    "service.jobs": "colorizers.errors colorizers.recipe service.domain service.settings service.storage",
    "service.coloring": (
        "colorizers.colorizer colorizers.colorspace colorizers.kernels colorizers.metadata colorizers.output "
        "colorizers.photo colorizers.pipeline colorizers.prediction colorizers.recipe colorizers.rendering "
        "colorizers.weights service.domain service.settings service.storage"
    ),
    "service.workers": (
        "colorizers.errors colorizers.kernels service.coloring service.domain service.jobs "
        "service.logging_setup service.settings service.shutdown_signals service.storage"
    ),
    "service.context": (
        "colorizers.photo service.jobs service.logging_setup service.settings service.storage service.workers"
    ),
    "service.usecases": (
        "colorizers.errors colorizers.fileformats colorizers.photo colorizers.recipe service.context "
        "service.domain service.jobs service.logging_setup service.storage"
    ),
    "service.web": "colorizers.errors service.context service.domain service.settings service.storage",
    "service.api.schema": "service.context service.domain service.jobs",
    "service.api": (
        "colorizers.prediction colorizers.recipe colorizers.weights service.api.schema service.context "
        "service.domain service.jobs service.storage service.usecases service.web"
    ),
    "service.ops": (
        "colorizers.errors colorizers.weights service.api.schema service.context service.domain service.jobs "
        "service.settings"
    ),
    "service.pages": (
        "colorizers.recipe colorizers.version colorizers.weights service.api service.api.schema "
        "service.context service.domain service.jobs service.settings service.storage service.usecases "
        "service.web"
    ),
    "service.app": "service.api service.context service.ops service.pages service.settings service.web",
    "training.distributed": "",
    "training.worker_pool": "",
    "training.data": (
        "colorizers.colorspace colorizers.errors colorizers.networks colorizers.photo training.worker_pool"
    ),
    "training.evaluation": (
        "colorizers.colorizer colorizers.networks colorizers.photo colorizers.prediction "
        "colorizers.rendering colorizers.weights training.worker_pool"
    ),
    "training.recipes": (
        "colorizers.eccv16 colorizers.networks colorizers.siggraph17 colorizers.weights training.data "
        "training.distributed"
    ),
    "training.loop": (
        "colorizers.networks colorizers.weights training.data training.distributed training.evaluation training.recipes"
    ),
    "training.cli": (
        "colorizers.colorizer colorizers.colorspace colorizers.errors colorizers.fileformats "
        "colorizers.networks colorizers.photo colorizers.weights training.data training.distributed "
        "training.evaluation training.loop training.recipes"
    ),
    "training.__main__": "training.cli",
    "benchmarks.support": "colorizers.weights service.settings",
    "benchmarks.speed": (
        "benchmarks.support colorizers.colorizer colorizers.colorspace colorizers.kernels "
        "colorizers.metadata colorizers.networks colorizers.output colorizers.photo colorizers.pipeline "
        "colorizers.prediction colorizers.recipe colorizers.rendering colorizers.siggraph17 colorizers.util "
        "colorizers.weights service.coloring service.domain service.jobs service.settings service.storage"
    ),
    "benchmarks.stress": (
        "benchmarks.support colorizers.errors colorizers.photo service.domain "
        "service.jobs service.settings service.storage"
    ),
    "benchmarks.__main__": "benchmarks.speed benchmarks.stress benchmarks.support colorizers.fileformats",
}

Graph = dict[str, set[str]]


def files_of(package: str) -> dict[str, Path]:
    """Return the modules of a package by their dotted names, packages by theirs."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


MODULES = {name: path for package in PACKAGES for name, path in files_of(package).items()}


def imported_names(path: Path) -> Iterator[str]:
    """Yield what a file imports, in functions and for type checkers too, as dotted names down to the object."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module and node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(path: Path) -> set[str]:
    """Return the modules of ours that a file imports."""
    found = set()
    for name in imported_names(path):
        if name.split(".")[0] in PACKAGES:
            found.add(name if name in MODULES else name.rpartition(".")[0] or name)
    return found


def is_room(name: str) -> bool:
    return MODULES[name].name == "__init__.py"


def room_of(name: str) -> str:
    """Return the room of a module: its folder, or itself at the top of a package."""
    home = name.rpartition(".")[0]
    return name if is_room(name) or home in PACKAGES else home


def test_imports_follow_the_table() -> None:
    used: Graph = {room: set() for room in ARROWS}
    for name, path in MODULES.items():
        for other in imported_modules(path):
            assert other in MODULES, f"{path.relative_to(ROOT)} imports {other}, which is not there"
            source, target = room_of(name), room_of(other)
            if source != target:
                allowed = ARROWS.get(source, "").split()
                assert target in allowed, f"{path.relative_to(ROOT)} imports {other}: {source} -> {target} is no arrow"
                used[source].add(target)
    for room, targets in used.items():
        unused = set(ARROWS[room].split()) - targets
        assert not unused, f"nothing in {room} imports {unused}: take the arrow out of the table"


def test_arrows_of_the_table_make_no_circle() -> None:
    TopologicalSorter({room: targets.split() for room, targets in ARROWS.items()}).prepare()


def test_files_import_each_other_in_no_circle() -> None:
    TopologicalSorter({name: imported_modules(path) - {name} for name, path in MODULES.items()}).prepare()


def test_packages_import_no_package_above_them() -> None:
    """The arrows between packages once more, in four lines: `service -> colorizers <- training`."""
    forbidden = {
        "colorizers": {"service", "training", "benchmarks", "tests", "server", *NO_WEB},
        "service": {"training", "benchmarks", "tests", "server"},
        "training": {"service", "benchmarks", "tests", "server", *NO_WEB},
        "benchmarks": {"training", "tests"},
    }
    for name, path in MODULES.items():
        wrong = {other for other in imported_names(path) if other.split(".")[0] in forbidden[name.split(".")[0]]}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_rooms_are_small_and_say_what_they_are() -> None:
    for room in filter(is_room, MODULES):
        modules = [name for name in MODULES if name.rpartition(".")[0] == room and not is_room(name)]
        assert len(modules) <= MOST_MODULES, f"{room} has {len(modules)} modules"
        tree = ast.parse(MODULES[room].read_text(encoding="utf-8"))
        words = ast.get_docstring(tree) or ""
        assert 3 <= len(re.findall(r"[.!?](?=\s|$)", words)) <= 6, f"{room} has no three to six sentences"
        assert room == "colorizers" or len(tree.body) == 1, f"{room}/__init__.py holds more than words"


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
