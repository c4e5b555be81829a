"""Limits of an XMP packet: how many elements and attributes it may have, and how deep they may be nested."""

from xml.parsers import expat  # nosec B407 # everything is counted, and nothing kept

MOST_NODES = 300_000
"""Elements and attributes. Photoshop's lists of a document's ancestors are the longest that are met."""
MOST_DEPTH = 200


class _TooManyError(Exception):
    """There are more nodes than may be."""


def is_within_limits(packet: bytes) -> bool:
    """Whether the part of `packet` that is well-formed has no more nodes than may be; builds nothing of it."""
    counter = _Counter()
    parser = expat.ParserCreate()
    parser.StartElementHandler = counter.start
    parser.EndElementHandler = counter.end
    try:
        parser.Parse(packet.strip(b"\0 \t\r\n"), True)
    except _TooManyError:
        return False
    except expat.ExpatError:
        return True
    return True


class _Counter:
    def __init__(self) -> None:
        self._nodes = self._depth = 0

    def start(self, _name: str, attributes: dict[str, str]) -> None:
        self._nodes += 1 + len(attributes)
        self._depth += 1
        if self._nodes > MOST_NODES or self._depth > MOST_DEPTH:
            raise _TooManyError

    def end(self, _name: str) -> None:
        self._depth -= 1
