"""Generated photographs as uploaded files and forms."""

import io
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from numpy.typing import NDArray
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart


def scene(width: int = 120, height: int = 80) -> NDArray[np.uint8]:
    """Return a gray picture (h, w) with large soft shapes, such as a network has something to say about."""
    y, x = np.mgrid[0:height, 0:width]
    waves = np.sin(x / 17) * np.cos(y / 11) * 60 + y * 120 / height + 50
    return np.clip(waves, 0, 255).astype(np.uint8)


def as_file(pixels: NDArray[Any], format_: str = "JPEG", **options: Any) -> bytes:
    """Return `pixels` as a file of `format_` (Pillow's name)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format_, **options)
    return buffer.getvalue()


def field(data: bytes, name: str = "photo.jpg") -> FileStorage:
    """Return what a test client sends as a file of a form."""
    return FileStorage(io.BytesIO(data), name)


def post_form(client: FlaskClient, path: str, data: dict[str, Any]) -> TestResponse:
    """Send `data` as a form with a body in memory (the client's own way leaves large bodies open on disk)."""
    boundary, body = encode_multipart(data)
    return client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def pixels_of(data: bytes) -> NDArray[Any]:
    """Return the decoded pixels of a file."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def chroma(rgb: NDArray[Any]) -> int:
    """Return the largest difference between two channels of a pixel: 0 for a gray picture."""
    return int(np.ptp(rgb[..., :3].astype(int), axis=-1).max())
