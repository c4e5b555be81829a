"""A photo, its colours and the file made of them in, in how many pixels the gray level changed out.

Rendered pixels keep every gray level of an 8-bit photo; a lossy file of them does not, and people are told how many.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image

from colorizers.colour import count_changed_grays
from colorizers.jpeg import jpeg_pixels
from colorizers.lab import Pixels, eight_bits

Grays = tuple[int, int | None]
"""How many gray levels changed in the rendered pixels, and in the file decoded again; None where that has no sense."""


@contextmanager
def counting(reference: Pixels, rgb: Pixels, lossy: bytes | None, has_grays: bool) -> Iterator["Future[Grays]"]:
    """Count beside the work of the block; none of it holds the interpreter. The count is there when the block ends.

    `reference` are the photo's pixels, `rgb` the rendered ones, `lossy` the bytes of the file where it is one, None
    where the file holds exactly `rgb`. A file that is only a layer has no grays of its own.
    """
    with ThreadPoolExecutor(1, "grays") as counter:
        yield counter.submit(_count, reference, rgb, lossy, has_grays)


def _count(reference: Pixels, rgb: Pixels, lossy: bytes | None, has_grays: bool) -> Grays:
    exact = count_changed_grays(reference, rgb)
    if not has_grays:
        return exact, None
    return exact, exact if lossy is None else count_changed_grays(eight_bits(reference), _decoded(lossy))


def _decoded(data: bytes) -> Pixels:
    with Image.open(BytesIO(data)) as image:
        pixels = jpeg_pixels(image, data) if image.format == "JPEG" else None
        return np.asarray(image.convert("RGB")) if pixels is None else pixels
