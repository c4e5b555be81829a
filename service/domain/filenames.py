"""Names of files that are safe to show and to offer for download; no path is ever made of them."""

import unicodedata
from pathlib import PurePosixPath

from colorizers.fileformats.formats import SUPPORTED

_LONGEST = 120
_NAMELESS = "photo"


def display_name(sent: str | None) -> str:
    """Return the last part of `sent`, as one line of printable text of at most 120 characters, never empty."""
    last = (sent or "").replace("\\", "/").rsplit("/", 1)[-1]
    text = unicodedata.normalize("NFC", last)
    printable = "".join(c for c in text if unicodedata.category(c)[0] != "C")
    name = " ".join(printable.split()).strip(". ") or _NAMELESS
    if len(name) <= _LONGEST:
        return name
    suffix = PurePosixPath(name).suffix[:10]
    return name[: _LONGEST - len(suffix)] + suffix


def result_name(name: str, suffix: str) -> str:
    """Return `colorized_<name>`; the suffix is the name's own where it fits the result's file type, else `suffix`."""
    path = PurePosixPath(name)
    fitting = next((entry.suffixes for entry in SUPPORTED if suffix in entry.suffixes), (suffix,))
    return f"colorized_{name}" if path.suffix.lower() in fitting else f"colorized_{path.stem}{suffix}"
