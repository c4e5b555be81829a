"""Decoding of photos in a process of its own, which may die."""

import io
import os
import signal
from pathlib import Path

import numpy as np
from flask.testing import FlaskClient
from PIL import Image

from colorizers.photo.photo import open_photo
from tests.service.conftest import parts_of
from tests.support.uploads import as_file, chroma, field, scene


def decoding_servers(data_dir: Path) -> list[int]:
    """Return the decoding servers that work for a data folder: the worker's, as its environment has the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if b"colorizers.photo.sandbox_server" in command and os.fsencode(data_dir) in environment:
            found.append(int(process.name))
    return found


def test_a_decoding_server_that_dies_is_replaced(client: FlaskClient) -> None:
    data_dir = parts_of(client).settings.data_dir
    sent = as_file(scene(), "PNG")
    assert client.post("/v1/index", data={"photo": field(sent, "a.png")}).get_json()["status"] == "done"
    (first,) = decoding_servers(data_dir)
    os.kill(first, signal.SIGKILL)
    assert client.post("/v1/index", data={"photo": field(sent, "a.png")}).get_json()["status"] == "done"
    assert first not in decoding_servers(data_dir)


def test_all_pages_of_a_tiff_file_are_coloured(client: FlaskClient) -> None:
    pages = [scene(120, 80), scene(60, 50), scene(80, 120)]
    file = io.BytesIO()
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(file, "TIFF", save_all=True, append_images=others)
    answer = client.post("/v1/index", data={"photo": field(file.getvalue(), "album.tif")}).get_json()
    assert answer["status"] == "done"
    result = client.get(answer["urls"]["result"]).data
    coloured = [open_photo(result, page=number) for number in range(3)]
    assert [photo.pages for photo in coloured] == [3, 3, 3]
    for photo, page in zip(coloured, pages, strict=True):
        assert photo.pixels.shape[:2] == page.shape
        assert chroma(np.asarray(photo.pixels)) > 1
