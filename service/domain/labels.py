"""Names of networks, training sets and formats in the reader's language."""

from flask_babel import format_decimal
from flask_babel import gettext as _

_FORMATS = {"WEBP": "WebP"}
# As in model/manifest.json.
_EMBEDDED_SET = "26,000 photographs of mixed public collections, reduced to 128 px (see model/README.md)"


def network_title(title: str) -> str:
    """Return the network's name for the reader; those of published networks stay as they are."""
    return str(_("Embedded default")) if title == "Embedded default" else title


def learnt_from(trained_on: str) -> str:
    """Return which photographs the network was trained on; other sets than those known here as its maker wrote it."""
    if trained_on == "ImageNet":
        return str(_("ImageNet: 1.3 million photographs of all kinds of things"))
    if trained_on == _EMBEDDED_SET:
        return str(_("%(count)s photographs of mixed public collections", count=format_decimal(26_000)))
    return trained_on


def format_title(format_: str) -> str:
    """Return how a kind of file is written: `webp` as WebP."""
    return _FORMATS.get(format_.upper(), format_.upper())
