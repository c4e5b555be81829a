"""Tests of weights files: verification, download from good and bad servers, import, remembered failures."""

import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from colorizers.errors import DownloadError, WeightsCorruptError, WeightsError, WeightsMissingError
from colorizers.weights import store
from colorizers.weights.download import Timeouts
from colorizers.weights.registry import PUBLISHED, ModelSpec
from tests.support.specs import spec_for
from tests.support.weights_server import WeightsServer, serving

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HASTY = Timeouts(connect_s=0.5, stall_s=0.3, pace_s=0.3, pace_bytes=100)


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with serving(CONTENT) as running:
        yield running


def make_spec(*urls: str, **changes: None) -> ModelSpec:
    return spec_for("net", CONTENT, urls=urls, **changes)


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_published_facts() -> None:
    facts = {spec.name: (spec.size_bytes, (spec.sha256 or "")[:8], spec.licence) for spec in PUBLISHED}
    assert facts == {
        "siggraph17": (136787426, "df00044c", "BSD-2-Clause"),
        "eccv16": (128976165, "9b330a0b", "BSD-2-Clause"),
    }
    for spec in PUBLISHED:
        assert spec.sha256 is not None
        assert spec.sha256[:8] in spec.urls[0]
        assert spec.urls[1].startswith("https://github.com/clibdev/colorization/releases/latest/download/")


@pytest.mark.parametrize("path", ["good", "moved", "cut", "cut-once", "no-ranges"])
def test_fetch_delivers_the_file(server: WeightsServer, tmp_path: Path, path: str) -> None:
    seen: list[tuple[int, int | None]] = []
    model_dir = tmp_path / "model"
    fetched = store.fetch(make_spec(f"{server.base}/{path}"), model_dir, progress=lambda *at: seen.append(at))
    assert fetched == model_dir / "net.pth"
    assert fetched.read_bytes() == CONTENT
    assert leftovers(model_dir) == ["net.pth"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("path", "earlier", "last_request"),
    [
        pytest.param("cut-once", b"", f"cut-once from {len(CONTENT) // 2}", id="where the connection broke"),
        pytest.param("good", CONTENT[:1000], "good from 1000", id="where an earlier download stopped"),
        pytest.param("no-ranges", b"x" * 1000, "no-ranges from 1000", id="a server that knows no ranges"),
        *(
            pytest.param("good", b"x" * n, "good", id=f"{n} wrong bytes")
            for n in (1000, len(CONTENT), len(CONTENT) + 1)
        ),
    ],
)
def test_fetch_resumes(server: WeightsServer, tmp_path: Path, path: str, earlier: bytes, last_request: str) -> None:
    (tmp_path / "net.pth.part").write_bytes(earlier)
    assert store.fetch(make_spec(f"{server.base}/{path}"), tmp_path).read_bytes() == CONTENT
    assert server.requests[-1] == last_request


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("wrong", "SHA-256"),
        ("short", f"offers {len(CONTENT) - 1} bytes, expected {len(CONTENT)}"),
        ("page", "offers 26 bytes"),
        ("endless", f"more than {len(CONTENT)} bytes"),
        ("403", "403"),
        ("stalls", "timed out"),
        ("trickle", "bytes came within 0.3 s"),
        ("slow-headers", "no answer within 0.8 s"),
    ],
)
def test_fetch_goes_on_to_the_mirror(server: WeightsServer, tmp_path: Path, path: str, reason: str) -> None:
    bad = make_spec(f"{server.base}/{path}")
    with pytest.raises(DownloadError, match=reason) as caught:
        store.fetch(bad, tmp_path, timeouts=HASTY)
    assert "net.pth" not in leftovers(tmp_path)
    assert str(tmp_path / "net.pth") in caught.value.message
    assert "python -m colorizers weights import net FILE" in caught.value.message
    with_mirror = make_spec(*bad.urls, f"{server.base}/good")
    assert store.fetch(with_mirror, tmp_path, timeouts=HASTY).read_bytes() == CONTENT
    assert leftovers(tmp_path) == ["net.pth"]


def test_fetch_keeps_both_time_outs(tmp_path: Path) -> None:
    """A server that accepts and is then silent: before TLS is up it is the connection's time-out, later the stall's."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        begin = time.monotonic()
        with pytest.raises(DownloadError, match=r"no answer within 0\.2 s|timed out"):
            store.fetch(make_spec(f"https://127.0.0.1:{port}/net"), tmp_path, timeouts=Timeouts(0.2, 60.0))
        with pytest.raises(DownloadError, match="timed out"):
            store.fetch(make_spec(f"http://127.0.0.1:{port}/net"), tmp_path, timeouts=Timeouts(60.0, 0.2))
        assert time.monotonic() - begin < 5


def test_fetch_without_a_server_names_every_attempt(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    urls = f"http://127.0.0.1:{port}/a", f"http://127.0.0.1:{port}/b", "no URL", "https://no-such-host.invalid/c"
    with pytest.raises(DownloadError) as caught:
        store.fetch(make_spec(*urls), tmp_path)
    assert all(url in caught.value.message for url in urls)
    assert len(caught.value.data["attempts"]) == 4


def test_fetch_does_not_ask_when_the_file_is_there(server: WeightsServer, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(CONTENT)
    assert store.fetch(make_spec(f"{server.base}/good"), tmp_path) == tmp_path / "net.pth"
    assert server.requests == []


def test_fetch_leaves_a_wrong_file_alone(server: WeightsServer, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(b"mine")
    with pytest.raises(WeightsCorruptError, match=r"Delete net\.pth and run"):
        store.fetch(make_spec(f"{server.base}/good"), tmp_path)
    assert (tmp_path / "net.pth").read_bytes() == b"mine"


def test_offline_never_asks(server: WeightsServer, tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match="weights import net FILE"):
        store.fetch(make_spec(f"{server.base}/good"), tmp_path, offline=True)
    assert server.requests == []


def test_one_process_at_a_time(server: WeightsServer, tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(WeightsError, match="Another process"):
            store.fetch(make_spec(f"{server.base}/good"), tmp_path)
    finally:
        os.close(handle)
    assert store.fetch(make_spec(f"{server.base}/good"), tmp_path).exists()


def test_read_checks_every_time(tmp_path: Path) -> None:
    spec = make_spec()
    path = tmp_path / "net.pth"
    with pytest.raises(WeightsMissingError, match="weights import net FILE"):
        store.read(spec, tmp_path)
    path.write_bytes(CONTENT)
    assert store.read(spec, tmp_path) == store.WeightsFile(path, CONTENT, SHA256, verified=True)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(WeightsCorruptError, match=f"{len(CONTENT) - 1} bytes instead of"):
        store.read(spec, tmp_path)
    path.write_bytes(CONTENT[:-1] + b"!")
    for check in (store.read, store.verify):
        with pytest.raises(WeightsCorruptError, match="SHA-256"):
            check(spec, tmp_path)


def test_a_spec_without_hash_is_never_verified(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(CONTENT)
    assert not store.read(make_spec(size_bytes=None, sha256=None), tmp_path).verified
    assert not store.read_any(tmp_path / "net.pth").verified


def test_import_copies_the_right_file_only(tmp_path: Path) -> None:
    source, model_dir = tmp_path / "download.bin", tmp_path / "model"
    with pytest.raises(WeightsMissingError):
        store.import_file(make_spec(), source, model_dir)
    source.write_bytes(b"wrong")
    with pytest.raises(WeightsCorruptError, match="Nothing was imported"):
        store.import_file(make_spec(), source, model_dir)
    assert leftovers(model_dir) == []
    source.write_bytes(CONTENT)
    assert store.import_file(make_spec(), source, model_dir).read_bytes() == CONTENT
    assert source.exists()
    assert leftovers(model_dir) == ["net.pth"]


def test_a_failure_is_remembered_for_a_day(server: WeightsServer, tmp_path: Path) -> None:
    spec = make_spec(f"{server.base}/good")
    assert store.recent_failure(spec, tmp_path) is None
    store.remember_failure(spec, tmp_path, "no network")
    assert store.recent_failure(spec, tmp_path) == "no network"
    note = tmp_path / "net.pth.failed.json"
    old = json.loads(note.read_text()) | {"at": time.time() - 25 * 3600}
    note.write_text(json.dumps(old))
    assert store.recent_failure(spec, tmp_path) is None
    note.write_text("not JSON")
    assert store.recent_failure(spec, tmp_path) is None
    store.fetch(spec, tmp_path)
    assert not note.exists()
