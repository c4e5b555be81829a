"""What is made of a photo without sending it again: renders, previews, and what the network says about a place."""

import io
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.service.conftest import MakeSettings, running_client
from tests.support.uploads import as_file, chroma, field, pixels_of, scene

WAIT = {"Prefer": "wait=90"}
HINT = {"x": 0.25, "y": 0.5, "radius": 0.2, "a": 60, "b": -60}
Photo = dict[str, Any]


@pytest.fixture(scope="module")
def photo(client: FlaskClient) -> Photo:
    """A photo that is done."""
    data = {"photo": field(as_file(scene(), "PNG"), "Oma.png")}
    answer = client.post("/v1/colorizations", data=data, headers=WAIT)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def test_render_is_another_file_of_the_same_colours(client: FlaskClient, photo: Photo) -> None:
    wanted = {"saturation": 2, "format": "jpeg", "quality": 80, "size_px": 60}
    answer = client.post(photo["urls"]["renders"], json=wanted, headers=WAIT)
    assert answer.status_code == 201, answer.text
    render = answer.get_json()
    assert answer.headers["Location"] == render["urls"]["self"]
    assert render["options"] == {"saturation": 2, "format": "jpeg", "quality": 80, "size_px": 60}
    assert "predict_s" not in render["timings"], "no network run"
    assert render["urls"]["photo"] == photo["urls"]["self"]
    file = client.get(render["urls"]["file"])
    assert file.headers["Content-Disposition"] == "attachment; filename=colorized_Oma.jpg"
    assert pixels_of(file.data).shape == (40, 60, 3)
    assert chroma(pixels_of(file.data)) > chroma(pixels_of(client.get(photo["urls"]["result"]).data))
    assert client.get(render["urls"]["self"]).get_json() == render
    assert client.get(render["urls"]["file"], headers={"If-None-Match": file.headers["ETag"]}).status_code == 304


def test_render_of_nothing_named_is_the_result(client: FlaskClient, photo: Photo) -> None:
    render = client.post(photo["urls"]["renders"], headers=WAIT).get_json()
    assert client.get(render["urls"]["file"]).data == client.get(photo["urls"]["result"]).data


def test_render_without_waiting_leads_on(client: FlaskClient, photo: Photo) -> None:
    answer = client.post(photo["urls"]["renders"], json={})
    assert answer.status_code == 202
    assert client.get(answer.headers["Location"]).get_json()["id"] == answer.get_json()["id"]


def test_preview_follows_a_hint(client: FlaskClient, photo: Photo) -> None:
    answer = client.post(photo["urls"]["previews"], json={"hints": [HINT]}, headers=WAIT)
    assert answer.status_code == 201, answer.text
    preview = answer.get_json()
    assert preview["options"]["hints"] == [HINT]
    view = client.get(preview["urls"]["view"])
    assert view.mimetype == "image/jpeg"
    assert pixels_of(view.data).shape == (80, 120, 3)
    ab = pixels_of(client.get(preview["urls"]["ab"]).data).astype(int) - 128
    assert np.abs(ab[len(ab) // 2, ab.shape[1] // 4, :2] - (60, -60)).max() <= 1
    assert client.get(preview["urls"]["self"]).get_json() == preview
    assert client.get(preview["urls"]["uncertainty"]).mimetype == "image/png"
    assert client.get(preview["urls"]["suggestions"] + "?x=0.5&y=0.5").status_code == 200


def test_colours_of_the_network_as_a_picture(client: FlaskClient, photo: Photo) -> None:
    answer = client.get(photo["urls"]["ab"])
    picture = Image.open(io.BytesIO(answer.data))
    assert (answer.mimetype, picture.mode) == ("image/png", "RGB")
    red, green, blue = np.moveaxis(np.asarray(picture), 2, 0)
    a, b = red.astype(int) - 128, green.astype(int) - 128
    assert a.any() and b.any()
    assert np.hypot(a, b).max() > 5
    assert not blue.any()
    assert client.get(photo["urls"]["ab"], headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_suggestions_look_as_light_as_the_place(client: FlaskClient, photo: Photo) -> None:
    answer = client.get(photo["urls"]["suggestions"] + "?x=0.3&y=0.7")
    suggestions = answer.get_json()["suggestions"]
    assert 5 <= len(suggestions) <= 9
    assert sum(one["share"] for one in suggestions) <= 1.001
    assert len({tuple(one["rgb"]) for one in suggestions}) == len(suggestions)
    for query in ("", "?x=0.3", "?x=2&y=0", "?x=a&y=0", "?x=nan&y=0", "?x=0&y=0&z=0"):
        assert client.get(photo["urls"]["suggestions"] + query).status_code == 422, query


def test_uncertainty_is_a_gray_picture(client: FlaskClient, photo: Photo) -> None:
    answer = client.get(photo["urls"]["uncertainty"])
    assert Image.open(io.BytesIO(answer.data)).mode == "L"
    assert client.get(photo["urls"]["uncertainty"], headers={"If-None-Match": answer.headers["ETag"]}).data == b""


@pytest.mark.parametrize(
    ("which", "body", "field_"),
    [
        ("renders", {"hints": []}, "hints"),
        ("renders", {"format": "gif"}, "format"),
        ("renders", {"bits": 16, "format": "jpeg"}, "bits"),
        ("renders", {"size_px": 1.5}, "size_px"),
        ("previews", {"temperature": 0}, "temperature"),
        ("previews", {"hints": [{**HINT, "radius": -1}]}, "hints.0.radius"),
        ("previews", {"model": "nonsense"}, "model"),
        ("previews", [], "body"),
    ],
)
def test_wrong_wishes(client: FlaskClient, photo: Photo, which: str, body: object, field_: str) -> None:
    answer = client.post(photo["urls"][which], json=body)
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["field"] == field_


def test_wrong_body_of_a_wish(client: FlaskClient, photo: Photo) -> None:
    answer = client.post(photo["urls"]["renders"], data=b"<x/>", content_type="text/xml")
    assert (answer.status_code, answer.mimetype) == (415, "application/problem+json")


def test_nothing_is_made_of_a_photo_that_is_not_done(make_settings: MakeSettings) -> None:
    with running_client(make_settings(wait_s=0, model="nonsense")) as client:
        photo = client.post("/v1/colorizations", data={"photo": field(as_file(scene()))}).get_json()
        for which in ("renders", "previews"):
            answer = client.post(f"{photo['urls']['self']}/{which}", json={})
            assert (answer.status_code, answer.get_json()["code"]) == (409, "not_done")
        for which in ("ab", "uncertainty", "recipe", "suggestions?x=0&y=0", "result"):
            assert client.get(f"{photo['urls']['self']}/{which}").status_code == 404


def test_children_leave_with_their_photo(client: FlaskClient) -> None:
    data = {"photo": field(as_file(scene(60, 40)))}
    photo = client.post("/v1/colorizations", data=data, headers=WAIT).get_json()
    made = [client.post(photo["urls"][which], json={}, headers=WAIT).get_json() for which in ("renders", "previews")]
    assert client.delete(photo["urls"]["self"]).status_code == 204
    assert [client.get(one["urls"]["self"]).status_code for one in made] == [404, 404]


def test_child_belongs_to_its_own_photo(client: FlaskClient, photo: Photo) -> None:
    data = {"photo": field(as_file(scene(60, 40)))}
    other = client.post("/v1/colorizations", data=data, headers=WAIT).get_json()
    render = client.post(other["urls"]["renders"], json={}, headers=WAIT).get_json()
    assert client.get(f"{photo['urls']['renders']}/{render['id']}").status_code == 404
    assert client.get(f"{other['urls']['previews']}/{render['id']}").status_code == 404
