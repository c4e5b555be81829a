"""`python -m benchmarks interface [--examples N] [--seconds S]`: requests generated from the OpenAPI document.

schemathesis generates valid and invalid ones and compares every answer with the document: no server error, no
status, media type, header or JSON that is not in it. First with made-up ids, then with those of a photo, a render, a
preview and a batch that are there. Exit status 1 where an answer is not as documented.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from benchmarks.support.photos import toned_print
from benchmarks.support.setups import local

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
_TIMEOUT_S = 120.0


def main(argv: Sequence[str]) -> int:
    """Run both rounds and print what schemathesis prints; return 1 where an answer was not as documented."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks interface")
    parser.add_argument("--examples", type=int, default=100, help="requests made up for every route (%(default)s)")
    parser.add_argument("--seconds", type=int, help="go on making requests up for so long in each round")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # What is made up must not fail for want of room or patience.
        options = {"rate_limit": "none", "max_queue": 1_000_000, "max_megapixels": 1, "wait_s": 1}
        with local(folder / "data", **options) as service:
            return try_out(f"http://127.0.0.1:{service.port}", folder, arguments.examples, arguments.seconds)


def try_out(server: str, folder: Path, examples: int, seconds: int | None = None, is_quick: bool = False) -> int:
    """Run both rounds against `server`; return 1 where an answer was not as documented, else 0.

    A quick run makes up the same requests every time, and does not follow what one answer says about the next.
    """
    made_up = folder / "made-up.toml"
    made_up.write_text("", encoding="utf-8")
    there = folder / "there.toml"
    there.write_text(_with_ids(_make_things(server)), encoding="utf-8")
    options = ["--max-examples", str(examples), "--checks", ",".join(CHECKS), "--continue-on-failure"]
    options += ["--max-time", str(seconds)] if seconds else []
    options += ["--generation-deterministic", "--workers", "2"] if is_quick else []
    rounds = (
        (made_up, ["--phases", "fuzzing" if is_quick else "coverage,fuzzing,stateful"]),
        # Without what would let later requests find nothing.
        (there, ["--phases", "coverage" if is_quick else "coverage,fuzzing", "--exclude-method", "DELETE"]),
    )
    statuses = [_run(server, config, [*options, *more]) for config, more in rounds]
    return max(statuses)


def _run(server: str, config: Path, options: Sequence[str]) -> int:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", f"{server}/openapi.json"]
    return subprocess.run([*command, *options], cwd=config.parent, check=False).returncode


def _make_things(server: str) -> dict[str, str]:
    """Return the ids of a photo that is done, of what was made of it, and of a batch."""
    with httpx.Client(base_url=server, timeout=_TIMEOUT_S, trust_env=False) as client:

        def make(path: str, **body: object) -> str:
            answer = client.post(path, json=body, headers={"Prefer": "wait=60"}).raise_for_status()
            return str(answer.json()["id"])

        photo = client.post("/v1/index", files={"photo": toned_print(0.02)}).raise_for_status().json()["id"]
        while client.get(f"/v1/colorizations/{photo}").json()["status"] != "done":
            time.sleep(0.05)
        return {
            "photo": photo,
            "renders": make(f"/v1/colorizations/{photo}/renders"),
            "previews": make(f"/v1/colorizations/{photo}/previews"),
            "batch": make("/v1/batches", colorizations=[photo]),
        }


def _with_ids(ids: dict[str, str]) -> str:
    """Return the configuration that makes schemathesis ask for what is there."""
    lines = ["[parameters]", f'"path.id" = {json.dumps(ids["photo"])}']
    regions = {"/renders/": ("child_id", ids["renders"]), "/previews/": ("child_id", ids["previews"])}
    regions["/v1/batches/"] = ("id", ids["batch"])
    for path, (name, value) in regions.items():
        lines += ["[[operations]]", f"include-path-regex = {json.dumps(path)}"]
        lines += ["[operations.parameters]", f'"path.{name}" = {json.dumps(value)}']
    return "\n".join(lines) + "\n"
