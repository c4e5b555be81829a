"""The result page's forms and the page behind a shared link, as a browser without JavaScript uses them."""

import io
import re
import time

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from service.domain.job import Job
from service.jobs import retention
from service.jobs.store import JobStore
from service.pages.job_view import JobView, view_jobs
from tests.service.conftest import MakeSettings, parts_of, running_client
from tests.service.jobs.test_retention import browser
from tests.service.jobs.test_store import OUTCOME
from tests.service.pages.test_history import NEVER_THERE, send
from tests.support.families import share_link
from tests.support.uploads import as_file, chroma, field, pixels_of, scene

WAIT = {"Prefer": "wait=90"}
_HOUR_S = 3600.0


def photo_at(client: FlaskClient, address: str) -> bytes:
    """Return the file that the main button of a photo's page gives."""
    found = re.search(r'id="download" href="([^"]+)"', client.get(address).text)
    assert found
    return client.get(found[1]).data


def test_revising_makes_another_version_and_leads_to_it(client: FlaskClient) -> None:
    mine = browser(client)
    photo = send(mine)
    answer = mine.post(f"/colorization/{photo}/revise", data={"saturation": "0", "warmth": "0", "hints": "[]"})
    assert answer.status_code == 303
    assert photo not in answer.headers["Location"]
    assert chroma(pixels_of(photo_at(mine, answer.headers["Location"]))) <= 2
    page = mine.get(answer.headers["Location"]).text
    assert "Kept versions" in page
    assert "vividness 0 %" in page
    assert browser(client).post(f"/colorization/{photo}/revise", data={"saturation": "1"}).status_code == 404


def test_another_file_is_made_and_handed_over(client: FlaskClient) -> None:
    mine = browser(client)
    photo = send(mine)
    made = mine.post(f"/colorization/{photo}/download", data={"format": "tiff", "bits": "16", "size_px": "300"})
    assert made.status_code == 303
    page = mine.get(made.headers["Location"])
    found = re.search(r'content="0; url=([^"]+)"', page.text)
    assert found
    with Image.open(io.BytesIO(mine.get(found[1]).data)) as image:
        assert (image.format, max(image.size)) == ("TIFF", 300)
    assert mine.post(f"/colorization/{photo}/download", data={"format": "svg"}).status_code == 422
    other = send(mine)
    assert mine.get(made.headers["Location"].replace(photo, other)).status_code == 404


def test_four_versions_stand_side_by_side(client: FlaskClient) -> None:
    mine = browser(client)
    photo = send(mine)
    ids = mine.post(f"/colorization/{photo}/versions").headers["Location"].rsplit("/", 1)[1].split(",")
    assert len(set(ids)) == 4
    assert photo not in ids


def shared(client: FlaskClient, link: str, kind: str = "") -> TestResponse:
    return browser(client).get(f"{link}/{kind}" if kind else link)


def test_a_shared_link_shows_one_result_and_nothing_to_change_it_by(client: FlaskClient) -> None:
    mine = browser(client)
    photo = send(mine, "grandmother <i>.jpg")
    link = share_link(mine.get(f"/colorization/{photo}").text)
    page = shared(client, link)
    assert page.status_code == 200
    assert "grandmother &lt;i&gt;.jpg" in page.text
    assert "noindex" in page.text
    assert "<form" not in page.text
    for kind in ("original", "result", "original-view", "result-view", "ab"):
        assert shared(client, link, kind).status_code == 200, kind
    assert shared(client, link, "recipe").status_code == 404
    assert shared(client, f"{link}0").status_code == 404
    assert shared(client, f"/shared/{NEVER_THERE}").status_code == 404
    assert photo not in link, "the link is not the address of the owner's page"


def test_a_shared_link_keeps_the_place_to_itself_where_it_was_to_be_left_out(client: FlaskClient) -> None:
    for stripped, status in (("false", 200), ("true", 404)):
        data = {"photo": field(as_file(scene())), "strip_location": stripped}
        photo = client.post("/v1/colorizations", data=data, headers=WAIT).get_json()
        link = share_link(client.get(photo["urls"]["page"]).text)
        assert shared(client, link, "original").status_code == status
        full = "original" if status == 200 else "result"
        assert f'data-full="{link}/{full}" data-full-is="{full}"' in shared(client, link).text


def test_a_shared_link_ends_with_its_photo(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = browser(client)
    photo = send(mine)
    link = share_link(mine.get(f"/colorization/{photo}").text)
    hours = parts_of(client).settings.expire_hours
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + (hours - 0.1) * _HOUR_S)
        assert shared(client, link).status_code == 200
        later.setattr(time, "time", lambda: now + (hours + 0.1) * _HOUR_S)
        assert shared(client, link).status_code == 404
    assert shared(client, link).status_code == 200
    mine.post(f"/colorization/{photo}/delete")
    assert shared(client, link).status_code == 404
    assert retention.oldest_kept(hours) < now


def test_the_promise_has_the_number_of_the_file_that_is_offered(client: FlaskClient) -> None:
    mine = browser(client)
    exact = mine.post("/v1/index", data={"photo": (io.BytesIO(as_file(scene(), "PNG")), "a.png")}).get_json()["id"]
    page = mine.get(f"/colorization/{exact}").text
    assert "<b>0</b>" in page
    assert "of 9,600 gray values changed" in page
    assert "stored with some loss" not in page
    lossy = mine.get(f"/colorization/{send(mine)}").text
    assert "<b>0</b>" in lossy
    counted = re.search(r"A JPEG file is stored with some loss: read back, ([\d,]+) of its gray values", lossy)
    assert counted
    assert int(counted[1].replace(",", "")) > 0
    assert "Take the exact file (PNG)" in lossy


def test_a_photo_that_is_done_while_its_page_is_made_is_shown_as_waiting(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the large page of the result came under the heading that colour is on its way, and stayed so."""
    with running_client(make_settings(wait_s=0)) as client:
        parts = parts_of(client)
        monkeypatch.setattr(parts.supervisor, "ensure", lambda: None)
        photo = client.post("/v1/index", data={"photo": field(as_file(scene()))}).get_json()["id"]
        assert parts.jobs.claim("w") is not None

        def finish_after_looking(shown: list[Job], jobs: JobStore) -> dict[str, JobView]:
            views = view_jobs(shown, jobs)
            jobs.finish(photo, "w", OUTCOME)
            return views

        with monkeypatch.context() as patched:
            patched.setattr("service.pages.home.view_jobs", finish_after_looking)
            before = client.get(f"/colorization/{photo}").text
        after = client.get(f"/colorization/{photo}").text
    assert ("Colour is on its way" in before, 'id="studio"' in before) == (True, False)
    assert ("Colour is on its way" in after, 'id="studio"' in after) == (False, True)
