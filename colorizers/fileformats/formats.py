"""Table of the supported picture formats, and how a file is told by its first bytes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureFormat:
    """A supported input format: Pillow's name for it, the name people use, media type, usual suffixes, signatures.

    A signature, by which its files begin, is (offset, bytes).
    """

    name: str
    title: str
    mimetype: str
    suffixes: tuple[str, ...]
    signatures: tuple[tuple[int, bytes], ...]


def _brands(*brands: bytes) -> tuple[tuple[int, bytes], ...]:
    return tuple((4, b"ftyp" + brand) for brand in brands)


SUPPORTED: tuple[PictureFormat, ...] = (
    PictureFormat("JPEG", "JPEG", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), ((0, b"\xff\xd8\xff"),)),
    PictureFormat("MPO", "MPO (multi-picture JPEG)", "image/mpo", (".mpo",), ((0, b"\xff\xd8\xff"),)),
    PictureFormat("PNG", "PNG", "image/png", (".png", ".apng"), ((0, b"\x89PNG\r\n\x1a\n"),)),
    PictureFormat(
        "TIFF",
        "TIFF",
        "image/tiff",
        (".tif", ".tiff"),
        ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+")),
    ),
    PictureFormat("WEBP", "WebP", "image/webp", (".webp",), ((8, b"WEBPVP8"),)),
    PictureFormat("AVIF", "AVIF", "image/avif", (".avif",), _brands(b"avif", b"avis")),
    PictureFormat(
        "HEIF",
        "HEIC/HEIF",
        "image/heif",
        (".heic", ".heif", ".hif"),
        _brands(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
    ),
    PictureFormat(
        "JPEG2000",
        "JPEG 2000",
        "image/jp2",
        (".jp2", ".j2k", ".jpx", ".jpf", ".jpc"),
        ((0, b"\xff\x4f\xff\x51"), (0, b"\0\0\0\x0cjP  \r\n\x87\n")),
    ),
    PictureFormat("BMP", "BMP", "image/bmp", (".bmp", ".dib"), ((0, b"BM"),)),
    PictureFormat("GIF", "GIF", "image/gif", (".gif",), ((0, b"GIF87a"), (0, b"GIF89a"))),
    PictureFormat(
        "PPM",
        "PBM/PGM/PPM",
        "image/x-portable-anymap",
        (".pgm", ".ppm", ".pbm", ".pnm", ".pfm"),
        tuple((0, b"P" + digit) for digit in (b"1", b"2", b"3", b"4", b"5", b"6", b"F", b"f")),
    ),
)

PICTURE_SUFFIXES = frozenset(suffix for entry in SUPPORTED for suffix in entry.suffixes)


def supported_titles() -> str:
    """Return the supported formats as people call them, in one line for messages."""
    return ", ".join(entry.title for entry in SUPPORTED)


def mimetype_of(name: str) -> str:
    """Return the media type of the format that Pillow calls so; that of any bytes for one that is not supported."""
    return next((entry.mimetype for entry in SUPPORTED if entry.name == name), "application/octet-stream")


def announced_format(head: bytes) -> PictureFormat | None:
    """Return the first format whose signature `head` (the first 16 bytes or more) carries, None if there is none."""
    for entry in SUPPORTED:
        if any(head.startswith(signature, offset) for offset, signature in entry.signatures):
            return entry
    return None
