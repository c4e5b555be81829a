"""What a network's contract and an outcome say in English in, how pages put it for their reader out."""

import re

from flask_babel import format_decimal
from flask_babel import gettext as _

_FORMATS = {"WEBP": "WebP"}
_COUNTED = re.compile(r"(?P<count>[\d,]+) photographs of mixed public collections\b")


def network_title(title: str) -> str:
    """Return the network's name for the reader; the published ones and those of others keep theirs."""
    return str(_("Embedded default")) if title == "Embedded default" else title


def learnt_from(trained_on: str) -> str:
    """Return which photographs the network has seen; what its maker wrote, where that is not known here."""
    if trained_on == "ImageNet":
        return str(_("ImageNet: 1.3 million photographs of all kinds of things"))
    counted = _COUNTED.match(trained_on)
    if not counted:
        return trained_on
    count = format_decimal(int(counted["count"].replace(",", "")))
    return str(_("%(count)s photographs of mixed public collections", count=count))


def format_title(format_: str) -> str:
    """Return how a kind of file is written: `webp` as WebP."""
    return _FORMATS.get(format_.upper(), format_.upper())
