"""What is text arrives compressed, where the browser takes that; what is compressed already does not."""

import brotli
import pytest
from flask.testing import FlaskClient

ANY = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.mark.parametrize("address", ["/", "/static/style.css", "/static/home.js"])
def test_text_is_compressed(client: FlaskClient, address: str) -> None:
    plain, packed = client.get(address), client.get(address, headers=ANY)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "br"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.data) < 0.7 * len(plain.data)
    if address != "/":
        assert brotli.decompress(packed.data) == plain.data


def test_plain_http_browsers_get_gzip(client: FlaskClient) -> None:
    for address in ("/", "/static/style.css"):
        assert client.get(address, headers={"Accept-Encoding": "gzip, deflate"}).headers["Content-Encoding"] == "gzip"


def test_compressed_files_are_not_sent_twice(client: FlaskClient) -> None:
    tag = client.get("/static/style.css", headers=ANY).headers["ETag"]
    assert client.get("/static/style.css", headers={**ANY, "If-None-Match": tag}).status_code == 304


def test_pictures_are_left_alone(client: FlaskClient) -> None:
    answer = client.get("/static/examples/buffalo-1908.webp", headers=ANY)
    assert "Content-Encoding" not in answer.headers
