"""Places in a picture that its metadata name, after the picture was turned upright or made smaller.

Faces and other regions in XMP (Metadata Working Group, Microsoft, IPTC), the subject in EXIF, sizes of panoramas.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element  # nosec B405 # nothing is parsed here

_AREA = "{http://ns.adobe.com/xmp/sType/Area#}"
_DIMENSIONS = "{http://ns.adobe.com/xap/1.0/sType/Dimensions#}"
_IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_MICROSOFT_RECTANGLE = "{http://ns.microsoft.com/photo/1.2/t/Region#}Rectangle"
_PANORAMA = "{http://ns.google.com/photos/1.0/panorama/}"
_WIDTHS = ("CroppedAreaImageWidthPixels", "FullPanoWidthPixels", "CroppedAreaLeftPixels")
_HEIGHTS = ("CroppedAreaImageHeightPixels", "FullPanoHeightPixels", "CroppedAreaTopPixels")
NAMESPACES = (b"sType/Area#", b"Iptc4xmpExt", b"photo/1.2/t/Region#", b"1.0/panorama/")
"""What a packet contains that names places."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Move:
    """How pixels moved: turned upright from `orientation` 1..8, and the sizes (width, height) before and after."""

    orientation: int
    before: tuple[int, int]
    after: tuple[int, int]

    def box(self, x: float, y: float, width: float, height: float, in_pixels: bool = False) -> Box:
        """Return left, top, width and height of a box that was there before, in shares of the sides or in pixels."""
        if in_pixels:
            w, h = self.before
            left, top, wide, high = self.box(x / w, y / h, width / w, height / h)
            return left * self.after[0], top * self.after[1], wide * self.after[0], high * self.after[1]
        if self.orientation >= 5:
            x, y, width, height = y, x, height, width
        if self.orientation in (3, 4, 7, 8):
            y = 1 - y - height
        if self.orientation in (2, 3, 6, 7):
            x = 1 - x - width
        return x, y, width, height

    def centred(self, x: float, y: float, width: float, height: float, in_pixels: bool = False) -> Box:
        """Return centre, width and height of a box of which these were given."""
        left, top, wide, high = self.box(x - width / 2, y - height / 2, width, height, in_pixels)
        return left + wide / 2, top + high / 2, wide, high


def move_places(root: Element, move: Move) -> None:
    """Let an XMP packet name the places where they are now."""
    for element in root.iter():
        _move_fields(element, [f"{_AREA}{name}" for name in "xywh"], f"{_AREA}unit", move.centred)
        _move_fields(element, [f"{_IPTC}{name}" for name in ("rbX", "rbY", "rbW", "rbH")], f"{_IPTC}rbUnit", move.box)
        if _field(element, f"{_DIMENSIONS}unit") in (None, "pixel"):
            for name, side in zip("wh", move.after, strict=True):
                _set(element, f"{_DIMENSIONS}{name}", str(side))
        _move_rectangle(element, move)
        _resize_panorama(element, move)


def _move_fields(element: Element, names: list[str], unit: str, moved: Callable[..., Box]) -> None:
    """Move a box that is given by fields, of which width and height may be missing."""
    texts = [_field(element, name) for name in names]
    numbers = _numbers(text or "0" for text in texts)
    if texts[0] is None or texts[1] is None or numbers is None:
        return
    for name, value in zip(names, moved(*numbers, in_pixels=_field(element, unit) == "pixel"), strict=True):
        _set(element, name, f"{value:.6g}")


def _move_rectangle(element: Element, move: Move) -> None:
    numbers = _numbers((_field(element, _MICROSOFT_RECTANGLE) or "").split(","))
    if numbers is not None and len(numbers) == 4:
        x, y, width, height = numbers
        _set(element, _MICROSOFT_RECTANGLE, ", ".join(f"{value:.6g}" for value in move.box(x, y, width, height)))


def _resize_panorama(element: Element, move: Move) -> None:
    for names, before, after in zip((_WIDTHS, _HEIGHTS), move.before, move.after, strict=True):
        for name in names:
            numbers = _numbers([_field(element, _PANORAMA + name) or ""])
            if numbers is not None:
                _set(element, _PANORAMA + name, str(round(numbers[0] * after / before)))


def _numbers(texts: Iterable[str]) -> list[float] | None:
    try:
        return [float(text) for text in texts]
    except ValueError:
        return None


def _field(element: Element, name: str) -> str | None:
    """Return the text of a field, which is an attribute or an element."""
    return element.get(name) or element.findtext(name)


def _set(element: Element, name: str, text: str) -> None:
    """Replace the text of a field that is there."""
    if name in element.attrib:
        element.set(name, text)
    for child in element.findall(name):
        child.text = text
