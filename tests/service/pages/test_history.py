"""A browser's list of its photos, deleting and trying again by plain forms, and the examples."""

import io
import re

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from colorizers.photo.photo import open_photo
from service.domain.job import WORKER_LOST, Failure
from service.pages.examples import EXAMPLES, FOLDER
from service.pages.thumbnails import THUMBNAIL_PX
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.jobs.test_retention import browser, folders
from tests.support.uploads import as_file, field, scene

NEVER_THERE = "0" * 32


def send(client: FlaskClient, name: str = "photo.jpg") -> str:
    """Send a photo; return its id."""
    answer = client.post("/v1/index", data={"photo": field(as_file(scene(900, 500)), name)})
    assert answer.status_code in (200, 202), answer.text
    return str(answer.get_json()["id"])


def test_history_lists_a_browsers_own_photos_with_the_time_they_have_left(client: FlaskClient) -> None:
    mine, other = browser(client), browser(client)
    photo = send(mine, "mine <i>.jpg")
    for page in ("/", "/photographs"):
        assert "mine &lt;i&gt;.jpg" in mine.get(page).text
        assert "24 hours left" in mine.get(page).text
        assert photo not in other.get(page).text
    assert "There are none" in other.get("/photographs").text
    assert "Your earlier photographs" not in other.get("/").text


def test_thumbnail_is_small_private_and_asked_for_once(client: FlaskClient) -> None:
    mine = browser(client)
    address = f"/colorization/{send(mine)}/thumbnail"
    answer = mine.get(address)
    with Image.open(io.BytesIO(answer.data)) as image:
        assert image.format == "WEBP"
        assert max(image.size) == THUMBNAIL_PX
    assert answer.cache_control.private
    assert mine.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert browser(client).get(address).status_code == 404


def test_delete_now_by_form(client: FlaskClient) -> None:
    mine = browser(client)
    photo, kept = send(mine), send(mine)
    assert browser(client).post(f"/colorization/{photo}/delete").status_code == 404
    answer = mine.post(f"/colorization/{photo}/delete", data={"back": "album"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/photographs?deleted=1#earlier")
    page = mine.get("/photographs?deleted=1").text
    assert "1 photograph deleted" in page
    assert photo not in page
    assert kept in page
    assert photo not in folders(parts_of(client).settings.data_dir)
    assert mine.post(f"/colorization/{photo}/delete").status_code == 404
    assert mine.post(f"/colorization/{photo},{kept}/delete").headers["Location"] == "/?deleted=1#earlier"


def test_delete_all_takes_the_photos_of_this_browser_only(client: FlaskClient) -> None:
    mine, other = browser(client), browser(client)
    photos, others = {send(mine), send(mine)}, send(other)
    assert mine.post("/photographs/delete").headers["Location"] == "/?deleted=2#earlier"
    left = folders(parts_of(client).settings.data_dir)
    assert not photos & left
    assert others in left


def test_a_deleted_photo_leaves_its_place_among_the_others_empty(client: FlaskClient) -> None:
    mine = browser(client)
    photo, deleted = send(mine), send(mine)
    mine.post(f"/colorization/{deleted}/delete")
    page = mine.get(f"/colorization/{photo},{deleted}")
    assert page.status_code == 200
    assert "No longer here" in page.text
    assert f"job-{photo}" in page.text
    assert f"job-{deleted}" not in page.text


def test_what_is_not_there_looks_the_same_whatever_the_reason(client: FlaskClient) -> None:
    mine, other = browser(client), browser(client)
    photo, deleted = send(mine), send(other)
    other.post(f"/colorization/{deleted}/delete")
    pages = [other.get(f"/colorization/{id_}") for id_ in (NEVER_THERE, photo, deleted)]
    assert [page.status_code for page in pages] == [404] * 3
    # The form token is another one every time.
    assert len({re.sub(r'content="\w{128}"', "", page.text) for page in pages}) == 1
    assert "another browser" in pages[0].text
    assert "24 hours after they were sent" in pages[0].text


@pytest.mark.parametrize("failure", [WORKER_LOST, Failure("undecodable", 422, "It is broken.")])
def test_what_failed_by_the_servers_fault_can_be_tried_again(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, failure: Failure
) -> None:
    with running_client(make_settings(wait_s=0)) as client:
        mine, parts = browser(client), parts_of(client)
        monkeypatch.setattr(parts.supervisor, "ensure", lambda: None)
        photo = send(mine)
        assert parts.jobs.claim("w")
        parts.jobs.fail(photo, "w", failure)
        forms = re.findall(r'action="([^"]+/retry)"', mine.get(f"/colorization/{photo}").text)
        assert forms == ([f"/colorization/{photo}/retry"] if failure.status >= 500 else [])
        if forms:
            assert browser(client).post(forms[0]).status_code == 404
            assert mine.post(forms[0]).headers["Location"] == f"/colorization/{photo}"
            job = parts.jobs.get(photo)
            assert job
            assert (job.status, job.failure) == ("queued", None)
            assert mine.post(forms[0]).status_code == 404, "it no longer has failed"


def start_example(client: FlaskClient, name: str) -> TestResponse:
    return client.post("/examples", data={"example": name})


def test_examples_are_sent_without_a_script(make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_client(make_settings(wait_s=0)) as client:
        mine, parts = browser(client), parts_of(client)
        monkeypatch.setattr(parts.supervisor, "ensure", lambda: None)
        for example in EXAMPLES:
            answer = start_example(mine, example.name)
            assert answer.status_code == 303
            assert f"{example.name}.webp" in mine.get(answer.headers["Location"]).text
        assert start_example(mine, "../../secret-key").status_code == 404
        assert len(folders(parts.settings.data_dir)) == len(EXAMPLES)


def test_examples_are_small_credited_and_shown(client: FlaskClient) -> None:
    page = browser(client).get("/").text
    files = set(FOLDER.glob("*.webp"))
    assert files == {FOLDER / f"{example.name}{size}.webp" for example in EXAMPLES for size in ("", "-small")}
    assert all(file.stat().st_size < 60_000 for file in files)
    assert not any(open_photo(example.file).had_colour for example in EXAMPLES)
    for example in EXAMPLES:
        assert f'value="{example.name}"' in page
        assert str(example.credit) in page
        assert example.file.name in (FOLDER / "README.md").read_text(encoding="utf-8")
