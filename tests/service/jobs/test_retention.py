"""Access of browsers to their own photos, deletion, expiry, and the key that signs cookies."""

import hashlib
import io
import multiprocessing
import os
import re
import stat
import time
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from itsdangerous import Signer

from service.context.identity import COOKIE, load_secret
from service.domain.job import NewJob, new_job_id
from service.jobs.database import shared_secret
from service.jobs.retention import oldest_kept, remove_expired, remove_orphans
from service.jobs.schema import secrets
from service.jobs.store import JobStore
from service.storage.local import PhotoFiles
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.jobs.test_store import OUTCOME, claim
from tests.support.processes import until
from tests.support.uploads import as_file, field, scene


def upload(client: FlaskClient) -> str:
    """Send a photo; return the address of its record."""
    answer = client.post("/v1/index", data={"photo": field(as_file(scene()))})
    assert answer.status_code in (200, 202), answer.text
    return str(answer.get_json()["urls"]["self"])


def browser(client: FlaskClient) -> FlaskClient:
    """Return another client of the same application that has been to its home page."""
    other = client.application.test_client()
    introduce(other)
    return other


def introduce(client: FlaskClient) -> None:
    """Go to the home page, and from then on send the token that its scripts send."""
    page = client.get("/")
    assert page.status_code == 200
    (token,) = re.findall(r'<meta name="csrf-token" content="(\w+)">', page.text)
    client.environ_base["HTTP_X_CSRF_TOKEN"] = token


def sweep(jobs: JobStore, files: PhotoFiles, expire_hours: float) -> None:
    remove_expired(jobs, files, expire_hours)
    remove_orphans(jobs, files, expire_hours)


def folders(data_dir: Path) -> set[str]:
    """Return the ids of the photos that have a folder."""
    return {path.name for path in (data_dir / "photos").glob("*/*")}


def test_browsers_see_their_own_photos_only(client: FlaskClient) -> None:
    mine, other, program = browser(client), browser(client), client.application.test_client()
    url = upload(mine)
    files = (f"{url}/{kind}" for kind in ("original", "result", "result-view"))
    addresses = [url, *files, url.replace("v1/colorizations", "colorization")]
    assert [mine.get(address).status_code for address in addresses] == [200] * 5
    for stranger in (other, program):
        assert [stranger.get(address).status_code for address in addresses] == [404] * 5
        assert stranger.delete(url).status_code == 404
        assert stranger.get(url).data == stranger.get("/v1/colorizations/" + "0" * 32).data
    assert mine.get(url).get_json()["status"] == "done"


def test_photo_without_a_cookie_belongs_to_whoever_knows_its_id(client: FlaskClient) -> None:
    url = upload(client.application.test_client())
    for other in (browser(client), client.application.test_client()):
        assert other.get(f"{url}/result").status_code == 200


def test_cookie_is_signed_and_out_of_reach(client: FlaskClient) -> None:
    mine = client.application.test_client()
    header = mine.get("/").headers["Set-Cookie"]
    assert all(part in header for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="))
    assert "Secure" not in header
    introduce(mine)
    url = upload(mine)
    value = mine.get_cookie(COOKIE)
    assert value is not None
    forger = client.application.test_client()
    # Not the last character: two of its six bits are padding, so another one may stand for the same signature.
    signed, _, signature = value.value.rpartition(".")
    forger.set_cookie(COOKIE, f"{signed}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}")
    assert forger.get(url).status_code == 404
    assert mine.get("/").headers["Set-Cookie"].split(";")[0] == header.split(";")[0], "the number stays"
    assert "Secure" in mine.get("/", base_url="https://localhost").headers["Set-Cookie"]


def test_worker_sweeps_and_copes_with_photos_deleted_under_its_hands(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0)) as client:
        parts, large = parts_of(client), as_file(scene(3000, 2000))
        orphan = new_job_id()
        parts.files.make_room(orphan)
        os.utime(parts.settings.data_dir / "photos" / orphan[:2] / orphan, (0, 0))
        url = client.post("/v1/index", data={"photo": field(large)}).get_json()["urls"]["self"]
        until(lambda: client.get(url).get_json()["status"] == "running")
        until(lambda: orphan not in folders(parts.settings.data_dir))
        assert client.delete(url).status_code == 204
        after = upload(client)
        until(lambda: client.get(after).get_json()["status"] == "done")
        assert folders(parts.settings.data_dir) == {after.rsplit("/", 1)[-1]}


def test_expired_photo_is_answered_to_nobody_even_before_it_is_swept(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_client(make_settings(wait_s=0, expire_hours=0.001)) as client:
        parts = parts_of(client)
        monkeypatch.setattr(parts.supervisor, "ensure", lambda: None)
        url = upload(client)
        sweep(parts.jobs, parts.files, parts.settings.expire_hours)
        assert client.get(url).status_code == 200
        until(lambda: client.get(url).status_code == 404, within_s=10)
        assert len(folders(parts.settings.data_dir)) == 1
        assert client.delete(url).status_code == 404
        sweep(parts.jobs, parts.files, parts.settings.expire_hours)
        assert not folders(parts.settings.data_dir)
        assert parts.jobs.get(url.rsplit("/", 1)[-1]) is None


def test_sweep_ends_what_a_crash_began_and_keeps_the_rest(jobs: JobStore, tmp_path: Path) -> None:
    files = PhotoFiles(tmp_path)
    fresh, deleted, running, orphan = ids = [new_job_id() for _ in range(4)]
    for job_id in ids:
        files.make_room(job_id)
    for job_id in (running, fresh, deleted):
        jobs.add([NewJob(job_id, "p", "image/jpeg", 1, 1)])
    assert claim(jobs, "w").id == running
    assert jobs.delete([deleted], None, oldest_kept(24)).photos == 1
    for job_id in (running, orphan):
        os.utime(tmp_path / "photos" / job_id[:2] / job_id, (0, 0))
    sweep(jobs, files, 24)
    assert folders(tmp_path) == {fresh, running}
    time.sleep(0.01)
    sweep(jobs, files, 0)
    assert folders(tmp_path) == set(), "what is being worked on too"
    assert not jobs.finish(running, "w", OUTCOME)


def test_secret_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    secret = load_secret("", tmp_path)
    assert len(bytes.fromhex(secret)) == 32
    assert load_secret("", tmp_path) == secret
    assert load_secret("configured", tmp_path) == "configured"
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.write_text(f"{secret}\n", encoding="ascii")
    assert load_secret("", tmp_path) == secret, "an editor's line break changes nothing"


@pytest.mark.parametrize("weak", [b"", b"\n", b"secret", b"0" * 31, b" " * 64, b"\xff" * 31])
def test_cookie_that_is_forged_with_a_weak_key_opens_nothing(make_settings: MakeSettings, weak: bytes) -> None:
    settings = make_settings(wait_s=0)
    file = settings.data_dir / "secret-key"
    file.write_bytes(weak)
    file.chmod(0o644)
    with running_client(settings) as client:
        mine = browser(client)
        cookie = mine.get_cookie(COOKIE)
        assert cookie is not None
        name = cookie.value.rpartition(".")[0]
        parts_of(client).jobs.add([NewJob("a" * 32, "p", "image/jpeg", 1, 1, owner=name)])
        address = f"/v1/colorizations/{'a' * 32}"
        for key in (weak, weak.strip()):
            forger = client.application.test_client()
            forger.set_cookie(COOKIE, Signer(key, salt=COOKIE, digest_method=hashlib.sha256).sign(name).decode("ascii"))
            assert forger.get(address).status_code == 404
        assert mine.get(address).status_code == 200
    assert len(file.read_bytes().strip()) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_a_key_that_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "secret-key").touch()
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = set(pool.starmap(load_secret, [("", tmp_path)] * 16))
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret-key"]


def test_weak_secret_that_machines_share_is_made_anew(jobs: JobStore) -> None:
    strong, other = "s" * 64, "o" * 64
    with jobs.database.begin() as connection:
        connection.execute(secrets.insert().values(name="cookies", value=""))
    assert [shared_secret(jobs.database, "cookies", value) for value in (strong, other)] == [strong] * 2


def test_expired_photo_spoils_no_waiting_form(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_client(make_settings(wait_s=0)) as client:
        parts = parts_of(client)
        monkeypatch.setattr(parts.supervisor, "ensure", lambda: sweep(parts.jobs, parts.files, 0))
        data = {"photo": [field(as_file(scene()), "a.jpg"), (io.BytesIO(b"?"), "b.jpg")]}
        answer = client.post("/v1/index", data=data)
        assert [item["status"] for item in answer.get_json()["results"]] == [404, 415]
