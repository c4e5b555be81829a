"""EXIF blocks in both byte orders: the orientation read and reset, nothing else touched, broken ones recognised."""

import struct
import time

import pytest

from colorizers.metadata.exif import for_upright_copy, read_orientation, strip_prefix, without_location


def block(order: str, orientation: int | None, thumbnail_at: int = 0) -> bytes:
    """Return a block with a model name and perhaps an orientation, and a link to a thumbnail's directory."""
    entries = [struct.pack(order + "HHL4s", 0x0110, 2, 4, b"abc\0")]
    if orientation is not None:
        entries.append(struct.pack(order + "HHLHH", 0x0112, 3, 1, orientation, 0))
    head = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "L", thumbnail_at)
    return head + struct.pack(order + "L", 8) + directory + b"maker notes"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_read_and_reset_in_place(order: str, orientation: int) -> None:
    original = block(order, orientation, thumbnail_at=60)
    assert read_orientation(original) == orientation
    assert for_upright_copy(original, 4, 3) == block(order, 1, thumbnail_at=60)


@pytest.mark.parametrize("order", "<>")
def test_no_or_no_valid_orientation_means_upright(order: str) -> None:
    assert read_orientation(block(order, None)) == 1
    assert for_upright_copy(block(order, None), 4, 3) == block(order, None)
    for nonsense in (0, 9, 65535):
        assert read_orientation(block(order, nonsense)) == 1


def test_broken_blocks() -> None:
    whole = block("<", 6)
    for broken in (b"", b"II*\0", whole[:20], b"XX*\0" + whole[4:], whole[:4] + b"\xff\xff\xff\x7f" + whole[8:]):
        assert read_orientation(broken) == 1
        assert for_upright_copy(broken, 4, 3) is None


def test_places_that_overlap_are_overwritten_once() -> None:
    """Sixty thousand entries that share four megabytes are no more work than one."""
    count, size = 60_000, 4_000_000
    entry = struct.pack("<HHLL", 33550, 1, size, 8 + 2 + 12 * count + 4)
    full = b"II*\0" + struct.pack("<LH", 8, count) + entry * count + bytes(4) + b"a" * size
    start = time.process_time()
    stripped = without_location(full)
    assert time.process_time() - start < 5
    assert stripped is not None
    assert len(stripped) == len(full)
    assert b"a" not in stripped


def test_prefix_is_stripped() -> None:
    assert strip_prefix(b"Exif\0\0II*\0") == strip_prefix(b"II*\0") == b"II*\0"
