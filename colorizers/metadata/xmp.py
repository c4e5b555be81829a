"""Who coloured a photo, with what and from which original, in; the XMP packet that says so in the file, out.

XMP is ISO 16684-1; Iptc4xmpExt:DigitalSourceType is of the IPTC Photo Metadata Standard.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree  # nosec B405 # packets with a document type are left out

from colorizers.metadata.places import NAMESPACES, Move, move_places

TOOL = "photo-colorizer"
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
NAMESPACE = "https://photo-colorizer.invalid/xmp/1.0/"

_X = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_IPTC_CORE = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PREFIXES = {
    "x": _X,
    "rdf": _RDF,
    "xmp": _XMP,
    "dc": _DC,
    "tiff": _TIFF,
    "Iptc4xmpExt": _IPTC_EXT,
    "colorizer": NAMESPACE,
    "Iptc4xmpCore": _IPTC_CORE,
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "exif": _EXIF,
    "photoshop": _PHOTOSHOP,
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
for _prefix, _uri in _PREFIXES.items():
    ElementTree.register_namespace(_prefix, _uri)

_THUMBNAILS = f"{{{_XMP}}}Thumbnails"
_SIDES = (
    *(f"{{{_TIFF}}}Image{side}" for side in ("Width", "Length")),
    *(f"{{{_EXIF}}}Pixel{side}Dimension" for side in "XY"),
)
_KEPT_AS = {
    f"{{{_XMP}}}CreatorTool": f"{{{NAMESPACE}}}OriginalCreatorTool",
    f"{{{_DC}}}source": f"{{{NAMESPACE}}}OriginalSource",
    f"{{{_IPTC_EXT}}}DigitalSourceType": f"{{{NAMESPACE}}}OriginalDigitalSourceType",
}
_PANORAMA = "{http://ns.google.com/photos/1.0/panorama/}"
# What speaks of pictures and films behind the picture in the file, which are not carried over.
_TRAILERS = (
    "{http://ns.google.com/photos/1.0/container/",
    "{http://ns.google.com/photos/1.0/camera/}MicroVideo",
    "{http://ns.google.com/photos/1.0/camera/}MotionPhoto",
    "{http://ns.adobe.com/hdr-gain-map/1.0/}",
    "{http://ns.apple.com/HDRGainMap/1.0/}",
)
_HAS_EXTENDED = f"{{{_PREFIXES['xmpNote']}}}HasExtendedXMP"
_GPS = f"{{{_EXIF}}}GPS"
_PLACES = frozenset(
    {f"{{{_PHOTOSHOP}}}{name}" for name in ("City", "State", "Country")}
    | {f"{{{_IPTC_CORE}}}{name}" for name in ("Location", "CountryCode")}
    | {f"{{{_IPTC_EXT}}}{name}" for name in ("LocationCreated", "LocationShown")}
    | {_HAS_EXTENDED, *(f"{{{NAMESPACE}}}{name}" for name in ("IPTC", "Others"))}
)

_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END = '\n<?xpacket end="w"?>'


@dataclass(frozen=True)
class Property:
    """An XMP property: its namespace's usual prefix and its name, how it holds texts, and these.

    `kind` is "" for a plain text, else the name of its container: Alt, Bag or Seq.
    """

    prefix: str
    name: str
    kind: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Provenance:
    """The network that did the work (its name, its title, the SHA-256 of its weights, whether that is a registered
    one) and the SHA-256 of the original file, in lower-case hexadecimal."""

    model: str
    title: str
    weights_sha256: str
    verified: bool
    original_sha256: str


def xmp_packet(
    provenance: Provenance,
    existing: bytes | None = None,
    size: tuple[int, int] | None = None,
    strip_location: bool = False,
    further: Sequence[Property] = (),
) -> bytes:
    """Return an XMP packet that states `provenance` and keeps what the packet `existing` said besides.

    `further` properties are added, where the packet does not have them already: what it does not say of these goes into
    `colorizer:Others`.

    An existing packet that is not well-formed XMP is left out. Its orientation, sizes (if `size`, width and height, is
    given) and colour space are made those of the upright copy, its thumbnails go. What it said about its own making
    stays, under names of ours. `strip_location` leaves out what tells a place.
    """
    root = _parsed(existing) if existing else None
    rdf = None if root is None else next(root.iter(f"{{{_RDF}}}RDF"), None)
    if root is None or rdf is None:
        root = ElementTree.Element(f"{{{_X}}}xmpmeta")
        rdf = ElementTree.SubElement(root, f"{{{_RDF}}}RDF")
    properties = _earlier(rdf) | _properties(provenance)
    for description in rdf.findall(f"{{{_RDF}}}Description"):
        _forget(description, {*properties, _THUMBNAILS})
        _forget(description, [name for name in _names(description) if name.startswith(_TRAILERS)])
        if strip_location:
            _forget(description, [name for name in _names(description) if _tells_place(name)])
        _correct(description, size)
    added = ElementTree.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": _about(rdf)})
    for name, value in properties.items():
        ElementTree.SubElement(added, name).text = value
    _add_all(rdf, added, further)
    return _packet(root)


def with_places_moved(packet: bytes, move: Move) -> bytes:
    """Return the packet with the places that it names where they are now; as it is where it names none."""
    root = _parsed(packet) if any(name in packet for name in NAMESPACES) else None
    if root is None:
        return packet
    if move.orientation != 1:  # A panorama that was turned is none any more.
        for description in root.iter(f"{{{_RDF}}}Description"):
            _forget(description, [name for name in _names(description) if name.startswith(_PANORAMA)])
    move_places(root, move)
    return _packet(root)


def extended_packet(provenance: Provenance, guid: str) -> bytes:
    """Return an XMP packet that states `provenance` and that all else is in an extension named `guid`."""
    root = ElementTree.fromstring(xmp_packet(provenance))  # nosec B314 # it is ours
    next(root.iter(f"{{{_RDF}}}Description")).set(_HAS_EXTENDED, guid)
    return _packet(root)


def without_wrapper(packet: bytes) -> bytes:
    """Return one of our packets as an extension is to be: without the processing instructions around it."""
    return packet.removeprefix(_BEGIN.encode()).removesuffix(_END.encode())


def _packet(root: ElementTree.Element) -> bytes:
    return (_BEGIN + ElementTree.tostring(root, encoding="unicode") + _END).encode()


def _add_all(rdf: ElementTree.Element, added: ElementTree.Element, properties: Sequence[Property]) -> None:
    """Add properties to the description `added`; of those that there are already, what they do not say."""
    said = {name: text for description in rdf.findall(f"{{{_RDF}}}Description") for name, text in _said(description)}
    others: list[str] = []
    for given in properties:
        name = f"{{{_PREFIXES[given.prefix]}}}{given.name}"
        if name not in said:
            _add(added, name, given)
        else:
            others += [f"{given.prefix}:{given.name} {text}" for text in given.texts if text not in said[name]]
    if others:
        name = f"{{{NAMESPACE}}}Others"
        for description in rdf.findall(f"{{{_RDF}}}Description"):
            others = [*dict(_said(description)).get(name, ()), *others]
            _forget(description, [name])
        _add(added, name, Property("colorizer", "Others", "Bag", tuple(dict.fromkeys(others))))


def _said(description: ElementTree.Element) -> list[tuple[str, list[str]]]:
    """Return the names of all properties of a description, each with all texts in it."""
    attributes = [(name, [text]) for name, text in description.attrib.items()]
    return attributes + [(child.tag, [text.strip() for text in child.itertext()]) for child in description]


def _add(description: ElementTree.Element, name: str, given: Property) -> None:
    element = ElementTree.SubElement(description, name)
    if not given.kind:
        element.text = given.texts[0]
        return
    container = ElementTree.SubElement(element, f"{{{_RDF}}}{given.kind}")
    for text in given.texts:
        item = ElementTree.SubElement(container, f"{{{_RDF}}}li")
        item.text = text
        if given.kind == "Alt":
            item.set("{http://www.w3.org/XML/1998/namespace}lang", "x-default")


def _earlier(rdf: ElementTree.Element) -> dict[str, str]:
    """Return what the packet says about its own making, by the names under which that stays; the first making counts.

    A file that was coloured here before already has these names.
    """
    said: dict[str, str] = {}
    for description in rdf.findall(f"{{{_RDF}}}Description"):
        said |= description.attrib
        said |= {child.tag: child.text for child in description if child.text and not len(child)}
    return {
        kept: said.get(kept) or said[name]
        for name, kept in _KEPT_AS.items()
        if kept in said or (name in said and f"{{{NAMESPACE}}}Model" not in said)
    }


def _properties(provenance: Provenance) -> dict[str, str]:
    return {
        f"{{{_XMP}}}CreatorTool": TOOL,
        f"{{{_DC}}}source": f"sha256:{provenance.original_sha256}",
        f"{{{_IPTC_EXT}}}DigitalSourceType": DIGITAL_SOURCE_TYPE,
        f"{{{NAMESPACE}}}Model": provenance.model,
        f"{{{NAMESPACE}}}ModelTitle": provenance.title,
        f"{{{NAMESPACE}}}WeightsSHA256": provenance.weights_sha256,
        f"{{{NAMESPACE}}}WeightsVerified": str(provenance.verified),
    }


def _parsed(packet: bytes) -> ElementTree.Element | None:
    # XMP has no document type; one is only there to declare entities that grow without end.
    if b"<!" in packet.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        return None
    try:
        return ElementTree.fromstring(packet.strip(b"\0 \t\r\n"))  # nosec B314 # it has no document type
    except ElementTree.ParseError:
        return None


def _forget(description: ElementTree.Element, names: Iterable[str]) -> None:
    forgotten = set(names)
    for name in forgotten & set(description.attrib):
        del description.attrib[name]
    kept = [child for child in description if child.tag not in forgotten]
    if len(kept) < len(description):
        description[:] = kept


def _names(description: ElementTree.Element) -> list[str]:
    return [*description.attrib, *(child.tag for child in description)]


def _tells_place(name: str) -> bool:
    return name in _PLACES or name.startswith(_GPS)


def _correct(description: ElementTree.Element, size: tuple[int, int] | None) -> None:
    """Set what describes the pixels, where it is said at all."""
    corrected = {f"{{{_TIFF}}}Orientation": "1", f"{{{_EXIF}}}ColorSpace": "1", f"{{{_PHOTOSHOP}}}ICCProfile": "sRGB"}
    if size is not None:
        corrected |= zip(_SIDES, map(str, size * 2), strict=True)
    for name, value in corrected.items():
        if name in description.attrib:
            description.set(name, value)
        for child in description.findall(name):
            child.text = value


def _about(rdf: ElementTree.Element) -> str:
    """Return what the packet is about; XMP wants the same in all its descriptions."""
    first = rdf.find(f"{{{_RDF}}}Description")
    return "" if first is None else first.get(f"{{{_RDF}}}about", "")
