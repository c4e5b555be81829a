"""The decoding process: the same photos as in this process, and nothing but one photo lost when it dies."""

import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorizers import decoding
from colorizers.colour import gray_levels
from colorizers.decoding import Decoder, DecoderDiedError
from colorizers.errors import NotAPictureError, TooManyPixelsError, UndecodableError
from colorizers.photo import open_photo
from tests.colorizers.pictures import exif, gray8, gray16, rgb8, saved


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(max_megapixels=2) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "photo").write_bytes(saved(gray8(), "PNG"))
    return tmp_path / "photo"


def test_photos_are_those_of_this_process(decoder: Decoder, path: Path) -> None:
    comment = "taken on glass"
    files = [
        saved(rgb8(), "JPEG", exif=exif(6, artist="Lange"), dpi=(300, 150), comment=comment, xmp=b"<x/>"),
        saved(gray16(), "PNG"),
        saved(np.dstack([rgb8(), gray8()]), "PNG"),
        saved(gray8(), "TIFF", tiffinfo={33723: b"\x1c\x02\x05\x00\x01a"}),
    ]
    pids = set()
    for data in files:
        path.write_bytes(data)
        here, there = open_photo(path), decoder.open(path)
        pids.add(decoder.pid)
        for field in dataclasses.fields(here):
            expected, found = getattr(here, field.name), getattr(there, field.name)
            if isinstance(expected, np.ndarray):
                assert found.dtype == expected.dtype
                assert np.array_equal(found, expected)
            else:
                assert found == expected, field.name
        assert np.array_equal(gray_levels(there.pixels), gray_levels(here.pixels))
        there.pixels[...] = 0
    assert len(pids) == 1, "the process is kept"


def test_errors_are_those_of_this_process(decoder: Decoder, path: Path) -> None:
    path.write_bytes(b"hello")
    with pytest.raises(NotAPictureError, match="supported format"):
        decoder.open(path)
    path.write_bytes(saved(gray8(), "PNG")[:60])
    with pytest.raises(UndecodableError, match="cut off"):
        decoder.open(path)
    path.write_bytes(saved(np.zeros((1500, 1500), np.uint8), "PNG"))
    with pytest.raises(TooManyPixelsError) as caught:
        decoder.open(path)
    assert caught.value.data == {"megapixels": 2.25, "limit": 2}
    with pytest.raises(FileNotFoundError):
        decoder.open(path.with_name("nothing"))


def test_the_process_has_limits_and_no_torch(decoder: Decoder, path: Path) -> None:
    decoder.open(path)
    process = Path(f"/proc/{decoder.pid}")
    limits = (process / "limits").read_text().splitlines()
    memory, cpu = (
        next(line.split() for line in limits if line.startswith(name)) for name in ("Max address", "Max cpu")
    )
    assert int(memory[3]) == (1 << 30) + 80_000_000
    assert int(cpu[3]) < 200
    assert not [line for line in (process / "maps").read_text().splitlines() if "torch" in line or "numba" in line]


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGSEGV, "crashed"), (signal.SIGSTOP, "took too long")])
def test_a_process_that_dies_or_hangs_costs_one_photo(number: signal.Signals, reason: str, path: Path) -> None:
    with Decoder(max_megapixels=2, wall_s=4) as decoder:
        decoder.open(path)
        first = decoder.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        timer = threading.Timer(0.3, os.kill, (first, number))
        timer.start()
        # A stopped process dies of a signal once it continues.
        threading.Timer(0.5, os.kill, (first, signal.SIGCONT)).start() if number == signal.SIGSEGV else None
        start = time.monotonic()
        with pytest.raises(DecoderDiedError, match=reason):
            decoder.open(path)
        assert time.monotonic() - start < 8
        timer.join()
        assert np.array_equal(decoder.open(path).pixels, gray8())
        assert decoder.pid != first


def test_a_process_that_died_between_two_photos_is_replaced(path: Path) -> None:
    with Decoder() as decoder:
        decoder.open(path)
        first = decoder.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        while decoder.pid is not None:
            time.sleep(0.01)
        assert np.array_equal(decoder.open(path).pixels, gray8())


def test_too_little_memory_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_BASE_BYTES", 0)
    monkeypatch.setattr(decoding, "_BYTES_PER_PIXEL", 1)
    path.write_bytes(saved(np.zeros((7000, 7000), np.uint8), "PNG"))
    with Decoder(max_megapixels=50) as decoder, pytest.raises((MemoryError, UndecodableError)):
        decoder.open(path)


def test_nothing_remains_when_it_is_closed(path: Path) -> None:
    decoder = Decoder()
    decoder.open(path)
    pid = decoder.pid
    decoder.close()
    assert not Path(f"/proc/{pid}").exists()
    assert decoder.pid is None


def test_the_process_ends_quietly_where_nobody_reads_its_answer(path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "colorizers.decoding_child", str(theirs.fileno())]
    process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True)
    request = {"path": str(path), "page": 0, "max_megapixels": 2, "memory_bytes": 1 << 30, "cpu_s": 60}
    with ours, theirs:
        ours.send(json.dumps(request).encode())
        assert select.select([ours], [], [], 60)[0]
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_libraries_do_not_fill_the_log(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One line for every row that is broken, of a file that anyone can send, is too much."""
    data = bytearray(saved(Image.fromarray(np.tile(gray8(), (4, 4))).convert("1"), "TIFF", compression="group4"))
    start = int.from_bytes(data[4:8], "little")
    data[8:start:3] = bytes(len(data[8:start:3]))
    path.write_bytes(data)
    with pytest.raises(UndecodableError):
        open_photo(path)
    assert "Fax4Decode" in capfd.readouterr().err
    with Decoder() as decoder, pytest.raises(UndecodableError):
        decoder.open(path)
    assert "Fax4Decode" not in capfd.readouterr().err
