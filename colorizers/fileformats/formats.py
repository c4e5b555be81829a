"""Table of the supported picture formats, and how a file is told by its first bytes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureFormat:
    """A supported input format: Pillow's name for it, the name people use, media type, usual suffixes, signatures.

    A signature, by which its files begin, is (offset, bytes). `kinds` says what of the format is read, `result` what a
    photo of it becomes.
    """

    name: str
    title: str
    mimetype: str
    suffixes: tuple[str, ...]
    signatures: tuple[tuple[int, bytes], ...]
    kinds: str
    result: str = "PNG"


# Brands that say how a file's pictures are packed, and those that both kinds of files may begin with.
_AVIF_BRANDS = (b"avif", b"avis", b"MA1A", b"MA1B")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"MiHA", b"MiHB", b"MiHE", b"MiPr")
_SHARED_BRANDS = (b"mif1", b"mif2", b"msf1", b"miaf", b"tmap")
# Fujifilm, Panasonic, Olympus (three), Canon, Sigma, Minolta; most others are TIFF files.
_RAW_SIGNATURES = (
    *((0, start) for start in (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb", b"\0MRM")),
    *((4, b"ftypcrx "), (8, b"CR\2\0")),
)
HEAD_BYTES = 256
"""So many bytes of a file tell its format."""


def _brands(*brands: bytes) -> tuple[tuple[int, bytes], ...]:
    return tuple((4, b"ftyp" + brand) for brand in brands)


SUPPORTED: tuple[PictureFormat, ...] = (
    PictureFormat(
        "JPEG",
        "JPEG",
        "image/jpeg",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        ((0, b"\xff\xd8\xff"),),
        "baseline, progressive and arithmetic-coded; gray, RGB, CMYK and YCCK (Adobe)",
        "JPEG, quality 95, colour at full resolution (4:4:4)",
    ),
    PictureFormat(
        "MPO",
        "MPO (multi-picture JPEG)",
        "image/mpo",
        (".mpo",),
        ((0, b"\xff\xd8\xff"),),
        "its first picture; the others are depth and gain maps",
        "JPEG, as above",
    ),
    PictureFormat(
        "PNG",
        "PNG",
        "image/png",
        (".png", ".apng"),
        ((0, b"\x89PNG\r\n\x1a\n"),),
        "every type of 1 to 16 bits, interlaced or not, palettes, transparency",
    ),
    PictureFormat(
        "TIFF",
        "TIFF",
        "image/tiff",
        (".tif", ".tiff"),
        ((0, b"II*\0"), (0, b"MM\0*"), (0, b"II+\0"), (0, b"MM\0+")),
        "whole numbers of 1 to 32 bits, fractions from 0 to 1 of 16 to 64 bits; gray of either polarity, palette, RGB, "
        "CMYK, CIELAB, YCbCr; both byte orders, strips and tiles, planes; LZW, deflate, PackBits, CCITT (G3, G4), JPEG "
        "and others; several pages; BigTIFF",
        "TIFF, deflated, all pages",
    ),
    PictureFormat(
        "WEBP",
        "WebP",
        "image/webp",
        (".webp",),
        ((8, b"WEBPVP8"),),
        "lossy and lossless, transparency",
        "WebP, quality 95",
    ),
    PictureFormat(
        "AVIF", "AVIF", "image/avif", (".avif",), _brands(*_AVIF_BRANDS), "8, 10 and 12 bits, transparency, HDR"
    ),
    PictureFormat(
        "HEIF",
        "HEIC/HEIF",
        "image/heif",
        (".heic", ".heif", ".hif"),
        _brands(*_HEIF_BRANDS, *_SHARED_BRANDS),
        "8 and 10 bits, transparency, HDR",
    ),
    PictureFormat(
        "JPEG2000",
        "JPEG 2000",
        "image/jp2",
        (".jp2", ".j2k", ".jpx", ".jpf", ".jpc"),
        ((0, b"\xff\x4f\xff\x51"), (0, b"\0\0\0\x0cjP  \r\n\x87\n")),
        "JP2 files and bare codestreams, up to 16 bits, transparency",
    ),
    PictureFormat("BMP", "BMP", "image/bmp", (".bmp", ".dib"), ((0, b"BM"),), "all that Pillow reads"),
    PictureFormat(
        "GIF", "GIF", "image/gif", (".gif",), ((0, b"GIF87a"), (0, b"GIF89a")), "its first frame, transparency"
    ),
    PictureFormat(
        "PPM",
        "PBM/PGM/PPM",
        "image/x-portable-anymap",
        (".pgm", ".ppm", ".pbm", ".pnm", ".pfm"),
        tuple((0, b"P" + digit) for digit in (b"1", b"2", b"3", b"4", b"5", b"6", b"F", b"f")),
        "text and binary, 1 to 16 bits; PFM in gray and colour, fractions from 0 to 1",
    ),
)

PICTURE_SUFFIXES = frozenset(suffix for entry in SUPPORTED for suffix in entry.suffixes)


def supported_titles() -> str:
    """Return the supported formats as people call them, in one line for messages."""
    return ", ".join(entry.title for entry in SUPPORTED)


def as_markdown() -> str:
    """Return the table of `docs/formats.md`."""
    rows = "".join(f"| {entry.title} | {entry.kinds} | {entry.result} |\n" for entry in SUPPORTED)
    return f"| Format | What of it is read | Result |\n|---|---|---|\n{rows}"


def mimetype_of(name: str) -> str:
    """Return the media type of the format that Pillow calls so; that of any bytes for one that is not supported."""
    return next((entry.mimetype for entry in SUPPORTED if entry.name == name), "application/octet-stream")


def announced_format(head: bytes) -> PictureFormat | None:
    """Return the first format whose signature `head`, the first `HEAD_BYTES` or all, carries; None if there is none."""
    if head[8:12] in _SHARED_BRANDS and not brands_of(head).isdisjoint(_AVIF_BRANDS):
        return next(entry for entry in SUPPORTED if entry.name == "AVIF")
    for entry in SUPPORTED:
        if any(head.startswith(signature, offset) for offset, signature in entry.signatures):
            return entry
    return None


def is_raw_signature(head: bytes) -> bool:
    """Return whether a file that begins like `head` is a camera's raw file by its first bytes."""
    return any(head.startswith(signature, offset) for offset, signature in _RAW_SIGNATURES)


def brands_of(head: bytes) -> set[bytes]:
    """Return all brands of a file that begins with an `ftyp` box (ISO/IEC 14496-12, section 4.3); none of others."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def with_usual_brand(data: bytes, format_: str) -> bytes:
    """Return an AVIF or HEIF file with the first brand that decoders know it by."""
    usual = {"AVIF": b"avif", "HEIF": b"heic"}[format_]
    return data if data[8:12] in (usual, b"avis") else data[:8] + usual + data[12:]


if __name__ == "__main__":
    print(as_markdown(), end="")
