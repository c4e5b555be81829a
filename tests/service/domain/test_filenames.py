import pytest

from service.domain.filenames import display_name, result_name


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\Oma 1931.tif", "Oma 1931.tif"),
        ("老照片.png", "老照片.png"),
        ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie: x.jpg"),
        ("<img src=x>.png", "<img src=x>.png"),
        ("", "photo"),
        (None, "photo"),
        ("..", "photo"),
        ("x" * 500 + ".jpeg", "x" * 115 + ".jpeg"),
    ],
)
def test_display_name(sent: str | None, shown: str) -> None:
    assert display_name(sent) == shown


@pytest.mark.parametrize(
    ("name", "suffix", "expected"),
    [
        ("photo.jpg", ".jpg", "colorized_photo.jpg"),
        ("photo.JPEG", ".jpg", "colorized_photo.JPEG"),
        ("photo.heic", ".png", "colorized_photo.png"),
        ("photo", ".png", "colorized_photo.png"),
        ("scan.v2.tif", ".tif", "colorized_scan.v2.tif"),
    ],
)
def test_result_name(name: str, suffix: str, expected: str) -> None:
    assert result_name(name, suffix) == expected
