"""The form and the JSON endpoint, from the upload to the coloured file, with a real worker."""

import io
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from colorizers.rendering.color_pass import gray_levels
from tests.service.conftest import MakeSettings, parts_of, running_client, standin_model
from tests.support.uploads import as_file, chroma, field, pixels_of, scene


def until_final(client: FlaskClient, url: str) -> dict[str, Any]:
    """Return the job at `url` once it has ended."""
    for _ in range(600):
        document: dict[str, Any] = client.get(url).get_json()
        if document["status"] in ("done", "failed"):
            return document
        time.sleep(0.1)
    raise AssertionError(f"{url} never ended")


def test_json_endpoint_returns_the_finished_object(client: FlaskClient) -> None:
    gray = scene()
    sent = as_file(gray, "PNG")
    answer = client.post("/v1/index", data={"photo": field(sent, "Oma.png")})
    assert answer.status_code == 200, answer.text
    document = answer.get_json()
    assert (document["status"], document["width"], document["height"]) == ("done", 120, 80)
    assert (document["model"], document["name"], document["mimetype"]) == ("default", "Oma.png", "image/png")
    assert document["timings"].keys() >= {"queued_s", "total_s", "open_s", "predict_s", "render_s", "encode_s"}
    assert client.get(document["urls"]["original"]).data == sent
    result = client.get(document["urls"]["result"])
    assert result.headers["Content-Disposition"] == "attachment; filename=colorized_Oma.png"
    rgb = pixels_of(result.data)
    assert rgb.shape == (80, 120, 3)
    assert chroma(rgb) > 5
    assert np.array_equal(gray_levels(rgb), gray)
    assert client.get(document["urls"]["self"]).get_json() == document


def test_form_answers_with_the_result_page(client: FlaskClient) -> None:
    data = {"photo": field(as_file(scene()), "<b>Opa</b>.jpg")}
    answer = client.post("/colorization", data=data)
    assert answer.status_code == 200
    assert "&lt;b&gt;Opa" not in answer.text, "the part before the slash is no file name"
    assert "colorized_b&gt;.jpg" in answer.text
    assert "120 × 80" in answer.text
    assert "Stand-in" in answer.text
    views = re.findall(r'src="(/v1/colorizations/\w+/\w+-view)"', answer.text)
    assert len(views) == 2
    for view in views:
        response = client.get(view)
        assert response.mimetype == "image/jpeg"
        assert pixels_of(response.data).shape[:2] == (80, 120)
    job_id = views[0].split("/")[3]
    again = client.get(f"/colorization/{job_id}")
    assert again.status_code == 200
    assert views[0] in again.text
    assert 'http-equiv="refresh"' not in again.text


def send(client: FlaskClient, path: str, *photos: tuple[str, bytes]) -> TestResponse:
    """Send a form with photos, each a name and bytes."""
    return client.post(path, data={"photo": [field(data, name) for name, data in photos]})


def test_one_bad_photo_does_not_spoil_the_others(client: FlaskClient) -> None:
    sent = ("one.jpg", as_file(scene())), ("two.jpg", b"no picture"), ("three.png", as_file(scene(60, 50), "PNG"))
    answer = send(client, "/v1/index", *sent)
    assert answer.status_code == 200
    first, second, third = answer.get_json()["results"]
    assert (first["status"], first["name"], first["width"]) == ("done", "one.jpg", 120)
    assert (second["status"], second["code"], second["name"]) == (415, "not_a_picture", "two.jpg")
    assert (third["status"], third["name"], third["width"]) == ("done", "three.png", 60)
    answer = send(client, "/colorization", *sent[:2])
    assert answer.status_code == 200
    assert all(text in answer.text for text in ("two.jpg", "not a picture", "colorized_one.jpg"))


def test_several_bad_photos_give_the_first_status(client: FlaskClient) -> None:
    truncated = as_file(np.random.default_rng(1).integers(0, 255, (200, 300), np.uint8))[:9000]
    answer = send(client, "/v1/index", ("half.jpg", truncated), ("b.jpg", b"?"))
    assert answer.status_code == 422
    assert [item["code"] for item in answer.get_json()["results"]] == ["undecodable", "not_a_picture"]


def test_without_waiting_the_answer_is_accepted_and_leads_on(hasty_client: FlaskClient) -> None:
    answer = hasty_client.post("/prefix/v1/index", data={"photo": field(as_file(scene()))})
    assert answer.status_code == 202
    document = answer.get_json()
    assert document["status"] in ("queued", "running")
    location = answer.headers["Location"]
    assert location.startswith("/prefix/v1/colorizations/")
    assert location == document["urls"]["self"]
    final = until_final(hasty_client, location)
    assert final["status"] == "done"
    assert all(url.startswith("/prefix/") for url in final["urls"].values())


def test_form_without_waiting_becomes_the_result_without_javascript(hasty_client: FlaskClient) -> None:
    answer = hasty_client.post("/prefix/colorization", data={"photo": [field(as_file(scene()))] * 1})
    assert answer.status_code == 202
    refresh = re.search(r'<noscript><meta http-equiv="refresh" content="\d+; url=([^"]+)"', answer.text)
    assert refresh is not None
    page = refresh[1]
    job_id = page.rsplit("/", 1)[-1]
    until_final(hasty_client, f"/prefix/v1/colorizations/{job_id}")
    final = hasty_client.get(page)
    assert 'http-equiv="refresh"' not in final.text
    assert "colorized_photo.jpg" in final.text


def test_sixteen_bits_stay_sixteen_bits(client: FlaskClient) -> None:
    buffer = io.BytesIO()
    Image.fromarray(scene().astype(np.uint16) * 257).save(buffer, "PNG")
    answer = client.post("/v1/index", data={"photo": field(buffer.getvalue(), "deep.png")})
    result = client.get(answer.get_json()["urls"]["result"]).data
    assert result[24] == 16, "the PNG header's bit depth"


def test_transparency_is_kept_in_file_and_view(client: FlaskClient) -> None:
    alpha = np.tile(np.linspace(0, 255, 120).astype(np.uint8), (80, 1))
    buffer = io.BytesIO()
    Image.merge("LA", (Image.fromarray(scene()), Image.fromarray(alpha))).save(buffer, "PNG")
    urls = client.post("/v1/index", data={"photo": field(buffer.getvalue(), "a.png")}).get_json()["urls"]
    assert np.array_equal(pixels_of(client.get(urls["result"]).data)[..., 3], alpha)
    view = client.get(urls["result_view"])
    assert view.mimetype == "image/webp"
    assert pixels_of(view.data).shape == (80, 120, 4)


def test_large_photo_is_shown_small_and_delivered_whole(client: FlaskClient) -> None:
    urls = client.post("/v1/index", data={"photo": field(as_file(scene(3000, 600)))}).get_json()["urls"]
    assert pixels_of(client.get(urls["result"]).data).shape == (600, 3000, 3)
    for view in ("original_view", "result_view"):
        assert pixels_of(client.get(urls[view]).data).shape[:2] == (410, 2048)


def test_orientation_is_applied(client: FlaskClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    answer = client.post("/v1/index", data={"photo": field(as_file(scene(), exif=exif))})
    document = answer.get_json()
    assert (document["width"], document["height"]) == (80, 120)
    assert pixels_of(client.get(document["urls"]["result"]).data).shape == (120, 80, 3)


def test_user_file_names_never_touch_the_disk(client: FlaskClient) -> None:
    client.post("/v1/index", data={"photo": field(as_file(scene()), "sehr-geheim.jpg")})
    data_dir: Path = parts_of(client).settings.data_dir
    names = [path.name for path in data_dir.rglob("*")]
    assert names
    assert not any("geheim" in name for name in names)
    assert not any(path.is_file() for path in (data_dir / "incoming").iterdir())


def test_names_in_any_script_survive_the_download(client: FlaskClient) -> None:
    answer = client.post("/v1/index", data={"photo": field(as_file(scene()), "老照片.jpg")})
    assert answer.get_json()["name"] == "老照片.jpg"
    header = client.get(answer.get_json()["urls"]["result"]).headers["Content-Disposition"]
    assert header.endswith("filename*=UTF-8''colorized_%E8%80%81%E7%85%A7%E7%89%87.jpg")


def test_photo_that_got_no_colour_says_so(make_settings: MakeSettings, tmp_path: Path) -> None:
    folder = standin_model(tmp_path, largest_ab=0.1)
    with running_client(make_settings(wait_s=100, model_dir=folder)) as client:
        document = client.post("/v1/index", data={"photo": field(as_file(scene()))}).get_json()
        assert document["uncoloured"] is True
        assert "found nothing to colour" in client.get(document["urls"]["page"]).text


def test_everything_lies_below_the_prefix(hasty_client: FlaskClient) -> None:
    page = hasty_client.get("/prefix/")
    assert page.status_code == 200
    addresses = re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)
    assert addresses
    assert all(address.startswith("/prefix/") for address in addresses)
    assert hasty_client.get("/prefix/static/style.css").status_code == 200
    same = hasty_client.get("/prefix/v1/index").text
    assert re.sub(r"\b\w{128}\b", "token", same) == re.sub(r"\b\w{128}\b", "token", page.text)
    assert hasty_client.get("/").status_code == 404
    assert hasty_client.get("/prefix/colorization").headers["Location"] == "/prefix/"
