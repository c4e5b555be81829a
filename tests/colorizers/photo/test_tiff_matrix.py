"""TIFF samples of every depth, polarity, byte order, layout and compression, rewritten by libtiff's own programs."""

import itertools
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from colorizers.errors import CameraRawError, UndecodableError, UnsupportedSamplesError
from colorizers.photo.photo import open_photo
from tests.support.picture_files import gray8, rgb8

pytestmark = pytest.mark.tiffcp
HEIGHT, WIDTH = 40, 48
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
Tags = dict[int, tuple[int, tuple[int, ...]]]
SHORT, LONG = 3, 4


def ramp(white: int) -> NDArray[np.uint64]:
    """Return numbers (40, 48) from 0 to `white`."""
    return np.linspace(0, white, HEIGHT * WIDTH).round().astype(np.uint64).reshape(HEIGHT, WIDTH)


def packed(samples: NDArray[Any], bits: int) -> bytes:
    """Return rows of unsigned numbers of so many bits, each row filled up to whole bytes; little-endian where whole."""
    if bits in (8, 16, 32):
        return samples.astype(f"<u{bits // 8}").tobytes()
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    return np.packbits((samples[..., None] >> shifts & 1).reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


def tiff(pixels: bytes, *, bits: int, photometric: int, samples: int = 1, changes: Tags | None = None) -> bytes:
    """Return a little-endian TIFF file of one strip with the given tags changed; an empty tag is left out."""
    tags: Tags = {
        256: (LONG, (WIDTH,)),
        257: (LONG, (HEIGHT,)),
        258: (SHORT, (bits,) * samples),
        259: (SHORT, (1,)),
        262: (SHORT, (photometric,)),
        273: (LONG, (8,)),
        277: (SHORT, (samples,)),
        278: (LONG, (HEIGHT,)),
        279: (LONG, (len(pixels),)),
    } | (changes or {})
    entries, values = b"", b""
    present = {tag: value for tag, value in sorted(tags.items()) if value[1]}
    directory_at = 8 + len(pixels) + len(pixels) % 2
    values_at = directory_at + 2 + 12 * len(present) + 4
    for tag, (kind, numbers) in present.items():
        raw = struct.pack(f"<{len(numbers)}{'H' if kind == SHORT else 'L'}", *numbers)
        if len(raw) > 4:
            place, values = struct.pack("<L", values_at + len(values)), values + raw
        else:
            place = raw.ljust(4, b"\0")
        entries += struct.pack("<HHL", tag, kind, len(numbers)) + place
    head = b"II*\0" + struct.pack("<L", directory_at) + pixels + bytes(len(pixels) % 2)
    return head + struct.pack("<H", len(present)) + entries + bytes(4) + values


def rewritten(source: Path, target: Path, *options: str) -> bool:
    """Write the file anew by tiffcp; return whether it can do that."""
    return subprocess.run(["tiffcp", *options, source, target], capture_output=True, timeout=60).returncode == 0


def same(path: Path, expected: NDArray[Any]) -> bool:
    """Return whether the photo has these gray levels, of 8 or 16 bits, or is at most one away in 16."""
    pixels = open_photo(path).pixels
    apart = np.abs(pixels.astype(np.int64) - expected.astype(np.int64)).max()
    return pixels.dtype == expected.dtype and int(apart) <= (pixels.dtype == np.uint16)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14, 16, 32])
def test_every_depth_polarity_order_layout_and_compression(bits: int, tmp_path: Path) -> None:
    white = 2**bits - 1
    levels = ramp(white)
    most = 255 if bits <= 8 else 65535
    expected = np.rint(levels * (most / white)).astype(np.uint8 if bits <= 8 else np.uint16)
    codecs = ["none", "lzw", "zip", "packbits", *(["g3", "g4"] if bits == 1 else []), *(["lzw:2"] if bits > 15 else [])]
    seen = 0
    for photometric in (0, 1):
        source = tmp_path / f"{photometric}.tif"
        source.write_bytes(
            tiff(packed(levels if photometric else white - levels, bits), bits=bits, photometric=photometric)
        )
        assert same(source, expected), "as written"
        for number, (order, size, layout, codec) in enumerate(
            itertools.product(("-B", "-L"), ((), ("-8",)), (("-s", "-r", "7"), ("-t", "-w", "32", "-l", "16")), codecs)
        ):
            target = tmp_path / f"{photometric}-{number}.tif"
            if rewritten(source, target, order, *size, *layout, "-c", codec):
                assert same(target, expected), (photometric, order, size, layout, codec)
                seen += 1
    assert seen >= 2 * 2 * 2 * len(codecs), "at least all strips"


@pytest.mark.parametrize("bits", [3, 5, 7, 9, 11, 13, 15, 17, 20, 24, 28, 31])
def test_unusual_depths(bits: int, tmp_path: Path) -> None:
    path, levels = tmp_path / "a.tif", ramp(2**bits - 1)
    pixels = packed(levels, bits)
    if bits == 24:  # whole bytes, in the file's order
        pixels = levels.astype("<u4").view(np.uint8).reshape(HEIGHT, WIDTH, 4)[..., :3].tobytes()
    path.write_bytes(tiff(pixels, bits=bits, photometric=1))
    most, dtype = (255, np.uint8) if bits <= 8 else (65535, np.uint16)
    assert same(path, np.rint(levels * (most / (2**bits - 1))).astype(dtype))


@pytest.mark.parametrize("codec", ["none", "lzw", "zip", "packbits", "g3", "g4"])
def test_bits_in_the_other_order(codec: str, tmp_path: Path) -> None:
    source, target, levels = tmp_path / "a.tif", tmp_path / "b.tif", ramp(1)
    source.write_bytes(tiff(packed(levels, 1), bits=1, photometric=1))
    assert rewritten(source, target, "-f", "lsb2msb", "-c", codec)
    assert same(target, (255 * levels).astype(np.uint8))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_colours_in_every_layout(bits: int, planar: Any, tmp_path: Path) -> None:
    colours = np.tile(rgb8(), (4, 4, 1)).astype(f"u{bits // 8}") * (257 if bits == 16 else 1)
    source = tmp_path / "source.tif"
    stored = colours if planar == "contig" else np.moveaxis(colours, -1, 0).copy()
    tifffile.imwrite(source, stored, photometric="rgb", planarconfig=planar)
    # tiffcp itself mixes up planes of 16 bits in tiles.
    layouts = [("-s", "-r", "5"), *([("-t", "-w", "32", "-l", "16")] if (planar, bits) != ("separate", 16) else [])]
    for number, (order, layout, codec) in enumerate(itertools.product(("-B", "-L"), layouts, ("none", "lzw:2", "zip"))):
        target = tmp_path / f"{number}.tif"
        assert rewritten(source, target, "-p", planar, order, *layout, "-c", codec)
        assert np.array_equal(open_photo(target).pixels, colours), (order, layout, codec)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
def test_fractions(byteorder: Any, bigtiff: bool, dtype: str, photometric: Any, tmp_path: Path) -> None:
    path, fractions = tmp_path / "a.tif", ramp(65535) / 65535
    stored = (1 - fractions if photometric == "miniswhite" else fractions).astype(dtype)
    tifffile.imwrite(path, stored, photometric=photometric, byteorder=byteorder, bigtiff=bigtiff)
    found = open_photo(path).pixels
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - ramp(65535).astype(int)).max() <= (40 if dtype == "float16" else 1)


@pytest.mark.parametrize(
    ("bits", "changes", "kind"),
    [
        (16, {339: (SHORT, (SIGNED,))}, "signed samples of 16 bits"),
        (8, {339: (SHORT, (SIGNED,))}, "signed samples of 8 bits"),
        (32, {339: (SHORT, (SIGNED,))}, "signed samples of 32 bits"),
        (8, {262: (SHORT, (32844,))}, "colours of kind LOGL"),
        (8, {262: (SHORT, (5,))}, "1 samples a pixel"),
    ],
)
def test_what_nobody_agrees_on_is_refused_by_name(bits: int, changes: Tags, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(packed(ramp(2**bits - 1), bits), bits=bits, photometric=1, changes=changes))
    with pytest.raises(UnsupportedSamplesError, match=kind):
        open_photo(path)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 255.0, -3.0])
def test_fractions_beyond_black_and_white_are_refused(value: float, tmp_path: Path) -> None:
    fractions = (ramp(65535) / 65535).astype(np.float32)
    fractions[3, 4] = value
    tifffile.imwrite(tmp_path / "a.tif", fractions)
    with pytest.raises(UnsupportedSamplesError, match="fractions from"):
        open_photo(tmp_path / "a.tif")


@pytest.mark.parametrize("count", [(0,), ()])
def test_missing_byte_counts_are_computed(count: tuple[int, ...], tmp_path: Path) -> None:
    path, levels = tmp_path / "a.tif", ramp(65535)
    path.write_bytes(tiff(packed(levels, 16), bits=16, photometric=1, changes={279: (LONG, count)}))
    assert same(path, levels.astype(np.uint16))
    source, packed_path = tmp_path / "source.tif", tmp_path / "packed.tif"
    source.write_bytes(tiff(packed(levels, 16), bits=16, photometric=1))
    assert rewritten(source, packed_path, "-c", "zip", "-r", "10")
    with tifffile.TiffFile(packed_path, mode="r+") as file:
        tag = file.pages[0].tags[279]  # type: ignore[union-attr]
        tag.overwrite((0,) * tag.count)
    assert same(packed_path, levels.astype(np.uint16))


def test_strips_that_are_not_there_are_no_black_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(packed(ramp(255), 8), bits=8, photometric=1, changes={273: (LONG, (0,))}))
    with pytest.raises(UndecodableError, match="lacks some of its strips"):
        open_photo(path)
    path.write_bytes(tiff(packed(ramp(255), 8)[:-40], bits=8, photometric=1))
    with pytest.raises(UndecodableError, match="cut off"):
        open_photo(path)


@pytest.mark.parametrize(("times", "dtype"), [(1, np.uint8), (257, np.uint8), (256, np.uint8), (255, np.uint16)])
def test_palettes_of_eight_and_sixteen_bits(times: int, dtype: Any, tmp_path: Path) -> None:
    path, levels = tmp_path / "a.tif", ramp(255)
    entries = tuple(int(level) * times for level in [*range(256)] * 3)
    path.write_bytes(tiff(packed(levels, 8), bits=8, photometric=3, changes={320: (SHORT, entries)}))
    pixels = open_photo(path).pixels
    assert pixels.dtype == dtype
    assert np.array_equal(pixels, levels.astype(dtype) * (255 if dtype == np.uint16 else 1))


def test_further_samples_are_alpha_only_where_they_say_so(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    four = np.dstack([np.tile(rgb8(), (2, 2, 1)), np.tile(gray8(), (2, 2))])
    for extra, has_alpha in ((0, False), (2, True)):
        tifffile.imwrite(path, four, photometric="rgb", extrasamples=[extra])
        photo = open_photo(path)
        assert np.array_equal(photo.pixels, four[..., :3])
        assert (photo.alpha is not None) == has_alpha


def test_lab_with_alpha_and_tiles_under_strip_tags(tmp_path: Path) -> None:
    lab = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    lab[..., 0], lab[..., 3] = ramp(255), 200
    changes: Tags = {338: (SHORT, (2,)), 322: (LONG, (WIDTH,)), 323: (LONG, (48,)), 278: (LONG, ())}
    tile = np.zeros((48, WIDTH, 4), np.uint8)
    tile[:HEIGHT] = lab
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(tile.tobytes(), bits=8, photometric=8, samples=4, changes=changes))
    photo = open_photo(path)
    assert photo.alpha is not None and (photo.alpha == 200).all()
    assert photo.pixels.shape[:2] == (HEIGHT, WIDTH)
    assert np.ptp(photo.pixels.astype(int)) == 255


def test_which_directory_is_the_photo(tmp_path: Path) -> None:
    path, photo = tmp_path / "a.tif", np.tile(gray8(), (2, 2))
    with tifffile.TiffWriter(path) as file:
        file.write(photo[::4, ::4], subfiletype=1, photometric="minisblack")
        file.write(photo, photometric="minisblack")
        file.write(photo[::2, ::2] > 100, subfiletype=4, photometric="minisblack")
        file.write(photo[::-1].copy(), photometric="minisblack")
    assert np.array_equal(open_photo(path).pixels, photo)
    assert open_photo(path).pages == 2
    assert np.array_equal(open_photo(path, page=1).pixels, photo[::-1])


def test_a_broken_page_is_named(tmp_path: Path) -> None:
    path, photo = tmp_path / "a.tif", np.tile(gray8(), (2, 2))
    tifffile.imwrite(path, np.stack([photo, photo]), photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.pages[1].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[offset : offset + 20] = bytes(20)
    path.write_bytes(data)
    assert np.array_equal(open_photo(path).pixels, photo)
    with pytest.raises(UndecodableError, match="Page 2 of this TIFF file"):
        open_photo(path, page=1)


@pytest.mark.parametrize("changes", [{50706: (LONG, (1,))}, {262: (SHORT, (32803,))}, {259: (SHORT, (34713,))}])
def test_camera_raws_are_refused_by_name(changes: Tags, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(packed(ramp(255), 8), bits=8, photometric=1, changes=changes))
    with pytest.raises(CameraRawError):
        open_photo(path)


@pytest.mark.parametrize(
    "head", [b"FUJIFILMCCD-RAW 0201", b"IIU\0", b"IIRO\x08", b"\0\0\0\x18ftypcrx ", b"II*\0\x10\0\0\0CR\2\0"]
)
def test_other_camera_raws_are_told_by_their_first_bytes(head: bytes) -> None:
    with pytest.raises(CameraRawError):
        open_photo(head + bytes(100))
