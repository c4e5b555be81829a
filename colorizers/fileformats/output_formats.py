"""The formats that results are written in, and the largest picture that each of them holds."""

from colorizers.errors import TooLargeForFormatError

MOST_PX = {"JPEG": 65500, "WEBP": 16383}
"""Pixels a side: of JPEG libjpeg's limit, of WebP that of the format. PNG and TIFF hold whatever is accepted."""
_KEPT = {"JPEG": "JPEG", "MPO": "JPEG", "TIFF": "TIFF", "WEBP": "WEBP"}
_TITLES = {"JPEG": "JPEG", "WEBP": "WebP"}


def kept_format(format_: str) -> str:
    """Return the format of the result of a photo of `format_`: the same if it is JPEG, PNG, TIFF or WebP, else PNG."""
    return _KEPT.get(format_, "PNG")


def check_output_size(width: int, height: int, format_: str, size_px: int | None = None) -> None:
    """Raise `TooLargeForFormatError` where `format_` cannot hold a picture of `width` x `height`.

    `size_px`, if given, is the long side that it is to be made smaller to before.
    """
    most, longest = MOST_PX.get(format_), max(width, height)
    if most is None or min(longest, size_px or longest) <= most:
        return
    title = _TITLES[format_]
    raise TooLargeForFormatError(
        f"{title} holds at most {most} pixels a side, and this picture is {width} x {height}. "
        f"Choose PNG or TIFF, or a long side of at most {most} pixels.",
        format=title,
        limit_px=most,
        width=width,
        height=height,
    )
