"""Who coloured a photo, with what and from which original, in; the XMP packet that says so in the file, out.

XMP is ISO 16684-1; Iptc4xmpExt:DigitalSourceType is of the IPTC Photo Metadata Standard.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree

TOOL = "photo-colorizer"
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
NAMESPACE = "https://photo-colorizer.invalid/xmp/1.0/"

_X = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_DC = "http://purl.org/dc/elements/1.1/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PREFIXES = {
    "x": _X,
    "rdf": _RDF,
    "xmp": _XMP,
    "dc": _DC,
    "tiff": _TIFF,
    "Iptc4xmpExt": _IPTC_EXT,
    "colorizer": NAMESPACE,
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "stRef": "http://ns.adobe.com/xap/1.0/sType/ResourceRef#",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
for _prefix, _uri in _PREFIXES.items():
    ElementTree.register_namespace(_prefix, _uri)

_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END = '\n<?xpacket end="w"?>'


@dataclass(frozen=True)
class Provenance:
    """The network that did the work (its name, its title, the SHA-256 of its weights, whether that is a registered
    one) and the SHA-256 of the original file, in lower-case hexadecimal."""

    model: str
    title: str
    weights_sha256: str
    verified: bool
    original_sha256: str


def xmp_packet(provenance: Provenance, existing: bytes | None = None) -> bytes:
    """Return an XMP packet that states `provenance` and keeps what the packet `existing` said besides.

    An existing packet that is not well-formed XMP is left out. An orientation in it is reset: the copy is upright.
    """
    root = _parsed(existing) if existing else None
    rdf = None if root is None else root.find(f".//{{{_RDF}}}RDF")
    if root is None or rdf is None:
        root = ElementTree.Element(f"{{{_X}}}xmpmeta")
        rdf = ElementTree.SubElement(root, f"{{{_RDF}}}RDF")
    properties = _properties(provenance)
    for description in rdf.findall(f"{{{_RDF}}}Description"):
        _forget(description, properties.keys())
        _reset_orientation(description)
    added = ElementTree.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": _about(rdf)})
    for name, value in properties.items():
        ElementTree.SubElement(added, name).text = value
    return (_BEGIN + ElementTree.tostring(root, encoding="unicode") + _END).encode()


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
        return ElementTree.fromstring(packet.strip(b"\0 \t\r\n"))
    except ElementTree.ParseError:
        return None


def _forget(description: ElementTree.Element, names: Iterable[str]) -> None:
    for name in names:
        description.attrib.pop(name, None)
        for child in description.findall(name):
            description.remove(child)


def _reset_orientation(description: ElementTree.Element) -> None:
    name = f"{{{_TIFF}}}Orientation"
    if name in description.attrib:
        description.set(name, "1")
    for child in description.findall(name):
        child.text = "1"


def _about(rdf: ElementTree.Element) -> str:
    """Return what the packet is about; XMP wants the same in all its descriptions."""
    first = rdf.find(f"{{{_RDF}}}Description")
    return "" if first is None else first.get(f"{{{_RDF}}}about", "")
