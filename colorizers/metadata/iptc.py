"""Conversion of IPTC data to XMP properties, for files that have no room for them.

IIM is IPTC's Information Interchange Model 4.2, whose records are made of data sets; which of them is which property is
in the IPTC Photo Metadata Standard and in the Metadata Working Group's guidelines.
"""

from colorizers.metadata.photoshop import IPTC, DataSet, read_data_sets, read_resources
from colorizers.metadata.xmp import Property

_APPLICATION_RECORD = 2
_CHARACTER_SET, _UTF_8 = (1, 90), b"\x1b%G"
_VERSION = (_APPLICATION_RECORD, 0)


# Of the application record, by number: prefix, name, container.
_PROPERTIES = {
    4: ("Iptc4xmpCore", "IntellectualGenre", ""),
    5: ("dc", "title", "Alt"),
    10: ("photoshop", "Urgency", ""),
    12: ("Iptc4xmpCore", "SubjectCode", "Bag"),
    15: ("photoshop", "Category", ""),
    20: ("photoshop", "SupplementalCategories", "Bag"),
    25: ("dc", "subject", "Bag"),
    40: ("photoshop", "Instructions", ""),
    55: ("photoshop", "DateCreated", ""),
    80: ("dc", "creator", "Seq"),
    85: ("photoshop", "AuthorsPosition", ""),
    90: ("photoshop", "City", ""),
    92: ("Iptc4xmpCore", "Location", ""),
    95: ("photoshop", "State", ""),
    100: ("Iptc4xmpCore", "CountryCode", ""),
    101: ("photoshop", "Country", ""),
    103: ("photoshop", "TransmissionReference", ""),
    105: ("photoshop", "Headline", ""),
    110: ("photoshop", "Credit", ""),
    115: ("photoshop", "Source", ""),
    116: ("dc", "rights", "Alt"),
    120: ("dc", "description", "Alt"),
    122: ("photoshop", "CaptionWriter", ""),
}
_DATE_CREATED = 55


def properties(resources: bytes) -> list[Property]:
    """Return what the IPTC data among `resources` say as XMP properties, one for each kind of data set.

    Those that no standard names an XMP property for become `colorizer:IPTC`, each text with its numbers before it.
    """
    iim = b"".join(block.contents for block in read_resources(resources) if block.number == IPTC)
    data_sets = list(read_data_sets(iim))
    encoding = "utf-8" if _says_utf_8(data_sets) else None
    texts: dict[int, list[str]] = {}
    others: list[str] = []
    for entry in data_sets:
        if (entry.record, entry.number) in (_CHARACTER_SET, _VERSION):
            continue
        text = _decoded(entry.contents, encoding)
        if entry.record == _APPLICATION_RECORD and entry.number in _PROPERTIES:
            texts.setdefault(entry.number, []).append(text)
        elif text:
            others.append(named(entry.record, entry.number, text))
    found = []
    for number, values in texts.items():
        prefix, name, kind = _PROPERTIES[number]
        if number == _DATE_CREATED:
            values = [_date(value) for value in values]
        several = tuple(values) if kind in ("Bag", "Seq") else (values[0],)
        others += [named(_APPLICATION_RECORD, number, text) for text in values[len(several) :]]
        found.append(Property(prefix, name, kind, several))
    return [*found, Property("colorizer", "IPTC", "Bag", tuple(others))] if others else found


def named(record: int, number: int, text: str) -> str:
    """Return a text that tells of which data set it is."""
    return f"{record}:{number:03} {text}"


def _says_utf_8(data_sets: list[DataSet]) -> bool:
    return any((entry.record, entry.number) == _CHARACTER_SET and entry.contents == _UTF_8 for entry in data_sets)


def _decoded(contents: bytes, encoding: str | None) -> str:
    """Return a text of the stated encoding; where none is stated, writers used UTF-8 or Latin-1."""
    try:
        text = contents.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        text = contents.decode("utf-8" if encoding else "latin-1", "replace")
    return "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")


def _date(text: str) -> str:
    """Return IIM's date CCYYMMDD as XMP writes it; zeros stand for what is not known."""
    if len(text) != 8 or not text.isdigit():
        return text
    known = [part for part in (text[:4], text[4:6], text[6:]) if part.strip("0")]
    return "-".join(known) or text
