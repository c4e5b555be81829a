"""The quick way to read JPEG files gives Pillow's pixels, and leaves to Pillow what is out of the ordinary."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from colorizers.errors import UndecodableError
from colorizers.photo.jpeg import jpeg_pixels
from colorizers.photo.photo import open_photo
from tests.support.picture_files import gray8, rgb8, saved


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"subsampling": 2, "progressive": True}])
def test_pixels_are_pillows(options: dict[str, object]) -> None:
    for pixels in (gray8(), rgb8()):
        data = saved(pixels, "JPEG", quality=80, **options)
        with Image.open(BytesIO(data)) as image:
            found = jpeg_pixels(image, data)
            assert found is not None
            assert np.array_equal(found, np.asarray(image))


def test_cmyk_and_cut_off_files_are_left_to_pillow() -> None:
    for data in (saved(Image.new("CMYK", (16, 16)), "JPEG"), saved(rgb8(), "JPEG")[:-30]):
        with Image.open(BytesIO(data)) as image:
            assert jpeg_pixels(image, data) is None
    with pytest.raises(UndecodableError):
        open_photo(data)
