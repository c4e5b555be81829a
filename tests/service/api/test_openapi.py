"""The OpenAPI document is valid, complete and true, and the page made of it is safe and readable."""

import re
import subprocess
import sys
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from benchmarks.stress.interface import try_out
from colorizers.recipe import Options
from service.api.schema.openapi import description_of
from tests.service.conftest import MakeSettings
from tests.service.test_gunicorn import serving
from tests.support.processes import free_port


@pytest.fixture(scope="module")
def document(client: FlaskClient) -> dict[str, Any]:
    """The document as the server gives it."""
    return client.get("/openapi.json").get_json()


def test_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_every_route_for_programs_is_described(client: FlaskClient) -> None:
    app = client.application
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api.")}
    assert len(endpoints) > 20
    assert [endpoint for endpoint in endpoints if not description_of(app.view_functions[endpoint])] == []


def test_addresses_lie_below_the_prefix(hasty_client: FlaskClient) -> None:
    document = hasty_client.get("/prefix/openapi.json").get_json()
    assert document["servers"] == [{"url": "/prefix"}]
    assert "/v1/colorizations/{id}" in document["paths"]
    assert "/prefix/v1/models" in hasty_client.get("/prefix/docs").text


def test_every_option_is_documented_with_its_default(document: dict[str, Any]) -> None:
    default = asdict(Options())
    for name in ("NewVersion", "PhotosForm"):
        documented = document["components"]["schemas"][name]["properties"]
        assert documented.keys() - {"source", "photo"} == default.keys()
        for option in default.keys() - {"hints"}:
            assert documented[option].get("default") == default[option]
        assert documented["bits"]["enum"] == [8, 16]


class Page(HTMLParser):
    """What an HTML page refers to, and how its tables and headings are made."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.anchors: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what the tag says."""
        values = {name: value or "" for name, value in attributes}
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.inline += [name for name in values if name == "style" or name.startswith("on")]
        if tag == "a":
            self.anchors += [values["href"][1:]] if values.get("href", "").startswith("#") else []
        self.loaded += [values[name] for name in ("src", "href") if name in values]


def test_page_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    page = Page(answer.text)
    assert [address for address in page.loaded if re.match(r"(\w+:)?//", address)] == []
    assert page.inline == []
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert client.get("/static/reference.css").status_code == 200


def test_page_is_well_made(client: FlaskClient, document: dict[str, Any]) -> None:
    text = client.get("/docs").text
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.anchors) <= set(page.ids), "every link within the page leads somewhere"
    assert page.tags.count("table") == page.tags.count("caption")
    assert page.tags.count("h1") == 1
    for path in document["paths"]:
        assert path in text
    for name in document["components"]["schemas"]:
        assert f'id="object-{name}"' in text


def test_page_has_a_chinese_frame(client: FlaskClient) -> None:
    text = client.get("/docs", headers={"Accept-Language": "zh"}).text
    assert '<html lang="zh' in text
    assert "程序接口" in text
    assert 'lang="en"' in text


def test_answers_are_as_documented(make_settings: MakeSettings, tmp_path: Path) -> None:
    options = {"rate_limit": "none", "max_queue": 1_000_000, "max_megapixels": 1, "wait_s": 1}
    settings = make_settings(port=free_port(), **options)
    with serving("gunicorn", settings):
        status = try_out(f"http://127.0.0.1:{settings.port}", tmp_path, examples=2, is_quick=True)
    assert status == 0, "see what schemathesis printed"


def test_web_process_stays_small(tmp_path: Path) -> None:
    script = """
import sys
from server import app
client = app.test_client()
assert client.get("/openapi.json").status_code == client.get("/docs").status_code == 200
assert not {"torch", "numba"} & set(sys.modules)
pages = int(open("/proc/self/statm").read().split()[1])
print(pages * 4096 / 2**20)
"""
    environ = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 120
