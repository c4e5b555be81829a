"""Files that would become large, or take long: each is refused in a second and 200 MiB, in a process of its own."""

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from benchmarks.stress.hostile_files import HOSTILE_FILES, REFUSALS, chunk
from colorizers.errors import PhotoError, TooManyPixelsError, UndecodableError
from colorizers.photo.photo import open_photo, read_header
from tests.support.picture_files import gray8, saved

ROOT = Path(__file__).resolve().parents[3]


def png(*chunks: bytes, side: int = 16) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(16 * 17)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


def packed_zeros(megabytes: int) -> bytes:
    return zlib.compress(bytes(megabytes << 20), 9)


def gif(width: int, height: int, frames: int) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0x80) + bytes(6) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + frame * frames + b";"


def gif_with_disposal(screen: int, frame: int) -> bytes:
    """Return a GIF file whose frame is to be cleared afterwards: Pillow makes room for that when it opens the file."""
    control = b"\x21\xf9\x04" + bytes([2 << 2 | 1]) + bytes(4)
    frame_ = b"\x2c" + struct.pack("<HHHHB", 0, 0, frame, frame, 0x80) + bytes(6) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0, 0, 0) + (control + frame_) * 2 + b";"


def webp_canvas(side: int) -> bytes:
    plain = saved(gray8(), "WEBP")
    size = (side - 1).to_bytes(3, "little")
    animation = b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    frame = b"ANMF" + struct.pack("<I", 16 + len(plain) - 12) + bytes(6)
    frame += (gray8().shape[1] - 1).to_bytes(3, "little") + (gray8().shape[0] - 1).to_bytes(3, "little") + bytes(4)
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size * 2 + animation + frame + plain[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(pages: int = 1, tile: int = 0, side: int = 16, samples: int = 1, tag_bytes: int = 0) -> bytes:
    """Return a TIFF file whose pages declare what is asked for; nothing of it is there."""
    tags = [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (277, samples), (278, side), (279, 256)]
    tags += [(322, tile), (323, tile), (324, 8), (325, 256)] if tile else []
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags)
    entries += struct.pack("<HHLL", 700, 1, tag_bytes, 8) if tag_bytes else b""
    count = len(entries) // 12
    size = 2 + len(entries) + 4
    start = 8 + 256
    links = [start + size * number for number in range(1, pages)] + [0]
    body = b"".join(struct.pack("<H", count) + entries + struct.pack("<L", link) for link in links)
    return b"II*\0" + struct.pack("<L", start) + bytes(256) + body


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


def jp2() -> bytes:
    data = bytes(imagecodecs.jpeg2k_encode(gray8(), level=0))
    small, large = struct.pack(">II", 24, 16), struct.pack(">II", 60_000, 60_000)
    return data.replace(small, large).replace(struct.pack(">II", 16, 24), large)


def jp2_whose_codestream_says_something_else() -> bytes:
    data = bytes(imagecodecs.jpeg2k_encode(gray8(), level=0, codecformat="jp2"))
    return patched(data, struct.pack(">II", 24, 16), struct.pack(">II", 60_000, 60_000))


def avif() -> bytes:
    data = saved(np.zeros((64, 48, 3), np.uint8), "AVIF")
    return patched(
        data, b"ispe\0\0\0\0" + struct.pack(">II", 48, 64), b"ispe\0\0\0\0" + struct.pack(">II", 60_000, 60_000)
    )


def heic() -> bytes:
    data = saved(np.zeros((64, 48, 3), np.uint8), "HEIF")
    place = data.index(b"ispe\0\0\0\0") + 8
    return data[:place] + struct.pack(">II", 60_000, 60_000) + data[place + 8 :]


def jpeg_with_metadata(megabytes: int) -> bytes:
    plain = saved(gray8(), "JPEG")
    segment = b"\xff\xe2\xff\xff" + b"ICC_PROFILE\0\1\1" + bytes(65533 - 14)
    return plain[:2] + segment * (megabytes * 16) + plain[2:]


def jpeg_of_many_scans() -> bytes:
    plain = saved(gray8(), "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    return plain[:-2] + plain[last:-2] * 1000 + plain[-2:]


def jpeg_of_empty_segments(before: bool) -> bytes:
    plain = saved(gray8(), "JPEG")
    at = 2 if before else len(plain) - 2
    return plain[:at] + b"\xff\xfe\0\2" * 5_000_000 + plain[at:]


def gif_of_small_blocks() -> bytes:
    return gif(1, 1, 0)[:-1] + b"!\xfe" + b"\1a" * 12_000_000 + b"\0;"


def webp_of_empty_chunks() -> bytes:
    plain = saved(gray8(), "WEBP")
    body = plain[8:] + (b"heLo" + bytes(4)) * 3_000_000
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_with_metadata() -> bytes:
    plain = saved(gray8(), "WEBP", exif=b"Exif\0\0II*\0" + bytes(20 << 20))
    assert len(plain) > 20 << 20
    return plain


def webp_with_xmp(inside: bytes) -> bytes:
    return saved(gray8(), "WEBP", xmp=b"<x>" + inside + b"</x>")


def gif_with_metadata() -> bytes:
    packet = (
        b"!\xff\x0bXMP DataXMP" + b"<x>" + b"a" * (20 << 20) + b"</x>" + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    )
    plain = gif(1, 1, 1)
    return plain[:13] + packet + plain[13:]


def jp2_with_metadata() -> bytes:
    plain = bytes(imagecodecs.jpeg2k_encode(gray8(), level=0, codecformat="jp2"))
    box = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x>" + b"a" * (20 << 20) + b"</x>"
    box = struct.pack(">I4s", 8 + len(box), b"uuid") + box
    at = plain.index(b"jp2c") - 4
    return plain[:at] + box + plain[at:]


def bmp() -> bytes:
    return b"BM" + struct.pack("<IHHI", 1000, 0, 0, 54) + struct.pack("<IiiHH", 40, 60_000, 60_000, 1, 24) + bytes(900)


def tiff_of_overlapping_directories(entries: int = 40_000, directories: int = 5_000) -> bytes:
    """Return a TIFF file of half a megabyte whose directories share their entries, each but the first a mask's."""
    first = 8 + 12
    # An entry's last two bytes are the number of entries of the directory that begins there.
    area = [struct.pack("<HHLL", 254, 4, 1, entries << 16 | 4)] * (entries + directories + 1)
    for number in range(directories):
        area[entries + number] = struct.pack("<LLL", first + 12 * (number + 1) - 2, 1, entries << 16 | 4)
    return b"II*\0" + struct.pack("<L", first - 2) + bytes(10) + struct.pack("<H", entries) + b"".join(area)


def big_tiff_of_one_directory(entries: int = 2_000_000) -> bytes:
    return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, entries) + struct.pack("<HHQQ", 256, 4, 1, 16) * entries


def multi_page_noise() -> bytes:
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for _ in range(1100):
            writer.write(np.zeros((2, 2), np.uint8), contiguous=False)
    return file.getvalue()


BOMBS: dict[str, tuple[Callable[[], bytes], set[str]]] = {
    "png pixels": (lambda: png(side=60_000), {"too_many_pixels"}),
    "png zTXt": (lambda: png(chunk(b"zTXt", b"Comment\0\0" + packed_zeros(400))), {"undecodable"}),
    "png many zTXt": (
        lambda: png(*[chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(900_000)))] * 100),
        {"undecodable"},
    ),
    "png iCCP": (lambda: png(chunk(b"iCCP", b"icc\0\0" + packed_zeros(400))), {"undecodable"}),
    "png iTXt": (lambda: png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed_zeros(400))), {"undecodable"}),
    "png large text": (lambda: png(chunk(b"tEXt", b"Comment\0" + b"a" * (40 << 20))), {"too_much_metadata"}),
    "gif pixels": (lambda: gif(65_535, 65_535, 1), {"too_many_pixels"}),
    "gif disposal": (lambda: gif_with_disposal(60_000, 60_000), {"too_many_pixels"}),
    "gif disposal of a frame": (lambda: gif_with_disposal(10, 60_000), {"too_many_pixels"}),
    "webp canvas": (lambda: webp_canvas(60_000), {"too_many_pixels"}),
    "gif frames": (lambda: gif(1, 1, 500_000), {"too_many_frames"}),
    "tiff pixels": (lambda: tiff(side=200_000), {"too_many_pixels"}),
    "tiff pages": (multi_page_noise, {"too_many_frames"}),
    "tiff many pages": (lambda: tiff(pages=200_000), {"too_many_frames"}),
    "tiff pages together": (lambda: tiff(pages=20, side=10_000), {"too_many_pixels"}),
    "tiff tile": (lambda: tiff(tile=100_000), {"too_many_pixels"}),
    "tiff samples": (lambda: tiff(samples=60_000), {"undecodable"}),
    "tiff metadata": (lambda: tiff(tag_bytes=4_000_000_000), {"too_much_metadata"}),
    "tiff overlapping directories": (tiff_of_overlapping_directories, {"too_much_metadata"}),
    "tiff large directory": (big_tiff_of_one_directory, {"undecodable"}),
    "jpeg 2000 pixels": (jp2, {"too_many_pixels"}),
    "jpeg 2000 codestream": (jp2_whose_codestream_says_something_else, {"undecodable"}),
    "avif pixels": (avif, {"too_many_pixels", "undecodable"}),
    "heic pixels": (heic, {"too_many_pixels", "undecodable"}),
    "jpeg metadata": (lambda: jpeg_with_metadata(40), {"too_much_metadata"}),
    "jpeg scans": (jpeg_of_many_scans, {"undecodable"}),
    "jpeg segments": (lambda: jpeg_of_empty_segments(before=True), {"too_much_metadata"}),
    "jpeg segments behind": (lambda: jpeg_of_empty_segments(before=False), {"undecodable"}),
    "gif blocks": (gif_of_small_blocks, {"too_much_metadata"}),
    "webp chunks": (webp_of_empty_chunks, {"too_much_metadata"}),
    "webp metadata": (webp_with_metadata, {"too_much_metadata"}),
    "gif metadata": (gif_with_metadata, {"too_much_metadata"}),
    "jpeg 2000 metadata": (jp2_with_metadata, {"too_much_metadata"}),
    "bmp pixels": (bmp, {"too_many_pixels"}),
    "pgm pixels": (lambda: b"P5 60000 60000 255\n" + bytes(1000), {"too_many_pixels"}),
    "xmp elements": (lambda: webp_with_xmp(b"<a/>" * 3_000_000), {"too_much_metadata"}),
    "xmp attributes": (lambda: webp_with_xmp(b'<a b=""/>' * 200_000), {"too_much_metadata"}),
    "xmp depth": (lambda: webp_with_xmp(b"<a>" * 1_000_000 + b"</a>" * 1_000_000), {"too_much_metadata"}),
} | {name: (partial(make, 63_000_000), set(REFUSALS)) for name, make in HOSTILE_FILES.items()}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_quickly_and_in_little_memory(name: str, tmp_path: Path) -> None:
    make, codes = BOMBS[name]
    path = tmp_path / "bomb"
    path.write_bytes(make())
    command = [sys.executable, "-m", "tests.support.measured_open", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["code"] in codes
    assert measured["cpu_seconds"] < 1
    assert measured["peak_mb"] < 200
    declared = not name.startswith(("gif metadata", "jpeg 2000 metadata", "xmp"))
    if name in HOSTILE_FILES or (declared and measured["code"].startswith("too_m")):
        with pytest.raises(PhotoError) as caught:
            read_header(path)
        assert caught.value.code == measured["code"]


def test_a_gif_header_is_read_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = saved(gray8(), "GIF")[:8]
    monkeypatch.setattr(Image, "open", None)
    path = tmp_path / "large.gif"
    path.write_bytes(gif_with_disposal(10, 9_000))
    header = read_header(path)
    assert (header.format, header.width, header.height) == ("GIF", 9_000, 9_000)
    path.write_bytes(broken)
    with pytest.raises(UndecodableError):
        read_header(path)


def test_sizes_that_webp_files_declare() -> None:
    for options in ({}, {"lossless": True}, {"exif": b"II*\0" + bytes(8)}):
        data = saved(np.zeros((30, 1300), np.uint8), "WEBP", **options)
        with pytest.raises(TooManyPixelsError) as caught:
            open_photo(data, max_megapixels=0.038)
        assert caught.value.data["megapixels"] == 0.039
        assert open_photo(data, max_megapixels=0.039).width == 1300
    assert open_photo(webp_canvas(500)).width == 500


def test_what_is_large_but_honest_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "honest.gif"
    path.write_bytes(gif(1, 1, 1000))
    assert read_header(path).format == "GIF"
    path.write_bytes(jpeg_with_metadata(10))
    assert read_header(path).width == 24
    noise = bytes(np.random.default_rng(0).integers(0, 256, 40 << 20, np.uint8))
    assert noise.count(b"\xff\xda") > 300
    path.write_bytes(saved(gray8(), "JPEG", progressive=True) + noise)
    assert read_header(path).width == 24, "phones hang videos behind their photos"
    image = Image.fromarray(gray8())
    path.write_bytes(saved(image, "TIFF", save_all=True, append_images=[image] * 40))
    assert read_header(path).format == "TIFF"


@pytest.mark.parametrize(
    "data",
    [
        b"P1 # a comment\n#and another\n24 16 " + b"1" * 384,
        b"P2\n24 16\n255\n" + b"  12 # a comment\n" * 384,
        b"P3 24\t16\r255 " + b"1 2 3 " * 384,
        b"P4\n24 16\n" + bytes(48),
        b"P5\n#" + b"a" * 60_000 + b"\n24 16 255\n" + bytes(384),
        b"P6 24 16 65535\n" + bytes(2 * 3 * 384),
        b"Pf\n24 16\n-1.0\n" + bytes(4 * 384),
        saved(gray8(), "JPEG")[:20] + b"a" * 10_000 + saved(gray8(), "JPEG")[20:],
    ],
)
def test_what_is_unusual_but_honest_is_opened(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "honest"
    path.write_bytes(data)
    assert (read_header(path).width, read_header(path).height) == (24, 16)
    assert open_photo(data).width == 24
