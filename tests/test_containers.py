"""Dockerfile, compose.yaml and nginx.conf fit the program and each other, as far as reading them can tell."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Read by the library that speaks S3, as the table of settings says at STORAGE_URL.
STORAGE = {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"}
INSTRUCTION = re.compile(r"^([A-Z]+) (.*(?:\\\n.*)*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile and their arguments."""
    return INSTRUCTION.findall((ROOT / "Dockerfile").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["web", "worker"])
def test_settings_are_real_ones(name: str) -> None:
    environment: dict[str, str] = SERVICES[name]["environment"]
    settings = {key: value for key, value in environment.items() if key not in STORAGE}
    assert set(environment) - set(settings) == STORAGE
    assert set(settings) <= {field.upper() for field in Settings.__dataclass_fields__}
    found = Settings.from_environ({key: re.sub(r"\$\{.*?\}", "secret", value) for key, value in settings.items()})
    assert found.database_url == "postgresql://colorizer:secret@database/colorizer"
    assert found.proxies == 1


def test_it_is_the_worked_example() -> None:
    assert SERVICES["web"]["deploy"]["replicas"] == 2
    assert SERVICES["worker"]["deploy"]["replicas"] == 3
    assert SERVICES["worker"]["command"] == ["./run.sh", "worker"]
    assert "worker) work" in (ROOT / "run.sh").read_text(encoding="utf-8")


def test_services_and_volumes_that_are_named_exist() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    hosts = re.findall(r"(?:@|//)(\w+)[:/]", " ".join(map(str, SERVICES["web"]["environment"].values())))
    assert set(hosts) - {"colorizer", "photos"} == {"database", "broker", "storage"}


def test_image_is_made_of_what_is_there(dockerfile: list[tuple[str, str]]) -> None:
    copied = [source for kind, rest in dockerfile if kind == "COPY" for source in rest.split()[:-1]]
    assert copied[-1] == "."
    assert all(list(ROOT.glob(source)) for source in copied[:-1])
    environment = " ".join(rest for kind, rest in dockerfile if kind == "ENV")
    names = set(re.findall(r"(\w+)=", environment)) - {"PYTHONUNBUFFERED"}
    assert names <= {field.upper() for field in Settings.__dataclass_fields__}
    assert "RUN ./run.sh install" in [f"{kind} {rest}" for kind, rest in dockerfile]
    steps = [f"{kind} {rest}" for kind, rest in dockerfile]
    assert steps.index("COPY . .") < steps.index("RUN .venv/bin/python -m colorizers compile")
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    needed = {"colorizers", "service", "templates", "static", "model", "server.py", "gunicorn.conf.py", "run.sh"}
    assert not needed & set(left_out)


def test_proxy_lets_through_what_the_application_takes() -> None:
    nginx = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    settings = Settings.from_environ({})
    size_mb = re.search(r"client_max_body_size (\d+)m;", nginx)
    patience_s = re.search(r"proxy_read_timeout (\d+)s;", nginx)
    assert size_mb and int(size_mb[1]) >= settings.max_files * settings.max_upload_mb
    assert patience_s and int(patience_s[1]) > settings.wait_s
    assert f"server web:{settings.port}" in nginx
