"""Decoding processes: the same photos as in this process, and nothing but one file refused when one dies."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from colorizers.errors import (
    DecodersBusyError,
    NotAPictureError,
    OutOfMemoryError,
    TooManyPixelsError,
    TooSlowError,
    UndecodableError,
)
from colorizers.photo import sandbox
from colorizers.photo.photo import open_photo, read_header
from colorizers.photo.sandbox import Decoder, DecoderDiedError
from colorizers.rendering.color_pass import gray_levels
from tests.support.picture_files import exif, gray8, gray16, rgb8, saved
from tests.support.processes import children_of, until


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(max_megapixels=2) as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "photo").write_bytes(saved(gray8(), "PNG"))
    return tmp_path / "photo"


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Path]:
    """A file that nobody gets to the end of: a pipe that something could still be written to."""
    with hanging_file(tmp_path / "hanging") as path:
        yield path


@contextmanager
def hanging_file(path: Path) -> Iterator[Path]:
    os.mkfifo(path)
    writing = os.open(path, os.O_RDWR)
    try:
        yield path
    finally:
        os.close(writing)


def processes_of(decoder: Decoder) -> list[int]:
    """Return the decoding processes that are at work."""
    return [] if decoder.pid is None else children_of(decoder.pid)


def opened_by(pid: int) -> list[str]:
    """Return the names of what a process has open."""
    return [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]


def lives(pid: int) -> bool:
    """Whether that process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except OSError:
        return False


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
    assert len(pids) == 1, "the server is kept"


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


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "HEIF", "JPEG2000", "PPM"])
def test_headers_are_those_of_this_process(decoder: Decoder, path: Path, format_: str) -> None:
    path.write_bytes(saved(rgb8(), format_))
    assert decoder.read_header(path) == read_header(path)
    path.write_bytes(saved(np.zeros((1500, 1500), np.uint8), "PNG"))
    with pytest.raises(TooManyPixelsError):
        decoder.read_header(path)


@pytest.mark.parametrize("reads", ["header", "photo"])
def test_each_file_has_a_process_with_limits_and_without_torch(decoder: Decoder, hanging: Path, reads: str) -> None:
    read = decoder.read_header if reads == "header" else decoder.open
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(read, hanging) for _ in range(2)]
        until(lambda: len(processes_of(decoder)) == 2)
        pids = processes_of(decoder)
        process = Path(f"/proc/{pids[1]}")
        until(lambda: "unlimited" not in line_of(process / "limits", "Max cpu")[3])
        assert int(line_of(process / "limits", "Max cpu")[3]) <= sandbox.CPU_S
        assert int(line_of(process / "limits", "Max address")[3]) <= (1 << 30) + 80_000_000
        assert not [name for name in ("torch", "numba") if name in (process / "maps").read_text()]
        connections = [name for name in opened_by(pids[1]) if name.startswith("socket:")]
        assert len(connections) == 1, "it cannot answer for others"
        for pid in pids:
            os.kill(pid, signal.SIGSEGV)
        for future in futures:
            with pytest.raises(DecoderDiedError, match="crashed"):
                future.result(60)


def line_of(path: Path, beginning: str) -> list[str]:
    return next(line.split() for line in path.read_text().splitlines() if line.startswith(beginning))


def test_a_file_that_takes_too_long_is_refused_by_name(path: Path, hanging: Path) -> None:
    with Decoder(wall_s=0.5, header_wall_s=0.5) as decoder:
        for read in (decoder.read_header, decoder.open):
            with pytest.raises(TooSlowError):
                read(hanging)
        until(lambda: processes_of(decoder) == [])
        assert np.array_equal(decoder.open(path).pixels, gray8())


def test_processor_time_is_limited_by_what_the_header_declares(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (4000, 3000), dtype=np.uint8)
    path.write_bytes(imagecodecs.jpeg2k_encode(noise, level=0, codecformat="jp2"))
    monkeypatch.setattr(sandbox, "CPU_S_PER_MEGAPIXEL", 0)
    with Decoder(cpu_s=1) as decoder:
        with pytest.raises(TooSlowError):
            decoder.open(path)
        monkeypatch.setattr(sandbox, "CPU_S_PER_MEGAPIXEL", 100)
        assert decoder.open(path).width == 3000


def test_slow_files_delay_nobody_until_there_are_too_many(path: Path, tmp_path: Path) -> None:
    with Decoder(header_wall_s=100, most_at_once=5, busy_s=0.2) as decoder, ThreadPoolExecutor(5) as pool:
        with hanging_file(tmp_path / "slow") as slow:
            waiting = [pool.submit(decoder.read_header, slow) for _ in range(4)]
            until(lambda: len(processes_of(decoder)) == 4)
            until(lambda: os.getpriority(os.PRIO_PROCESS, processes_of(decoder)[0]) == 19)
            assert decoder.read_header(path).format == "PNG"
            until(lambda: len(processes_of(decoder)) == 4)
            waiting.append(pool.submit(decoder.read_header, slow))
            until(lambda: len(processes_of(decoder)) == 5)
            with pytest.raises(DecodersBusyError) as caught:
                decoder.read_header(path)
            assert caught.value.data["retry_after_s"] > 0
            os.kill(processes_of(decoder)[0], signal.SIGKILL)
            until(lambda: any(future.done() for future in waiting))
            assert decoder.read_header(path).format == "PNG"
        for future in waiting:
            assert isinstance(future.exception(60), DecoderDiedError | NotAPictureError)


def test_a_server_that_dies_is_replaced_and_no_file_blamed(path: Path, tmp_path: Path) -> None:
    with Decoder() as decoder, ThreadPoolExecutor(1) as pool:
        decoder.open(path)
        first = decoder.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        until(lambda: decoder.pid is None)
        with hanging_file(tmp_path / "late") as late:
            future = pool.submit(decoder.open, late)
            until(lambda: len(processes_of(decoder)) == 1)
            second, reading = decoder.pid, processes_of(decoder)[0]
            assert second is not None
            os.kill(second, signal.SIGKILL)
            until(lambda: not lives(reading))
            until(lambda: len(processes_of(decoder)) == 1)
            assert len({first, second, decoder.pid}) == 3
            # It has the file from whoever asked, and opens it once more.
            until(lambda: opened_by(processes_of(decoder)[0]).count(str(late)) == 2)
            with late.open("wb") as pipe:
                pipe.write(saved(gray8(), "PNG"))
        assert np.array_equal(future.result(60).pixels, gray8())


def test_too_little_memory_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "_BASE_BYTES", 220 << 20)
    monkeypatch.setattr(sandbox, "_BYTES_PER_PIXEL", 1)
    path.write_bytes(saved(np.zeros((7000, 7000), np.uint8), "PNG"))
    with Decoder(max_megapixels=50) as decoder, pytest.raises((OutOfMemoryError, UndecodableError)):
        decoder.open(path)


def test_nothing_remains_when_it_is_closed(hanging: Path) -> None:
    decoder = Decoder()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(decoder.open, hanging)
        until(lambda: len(processes_of(decoder)) == 1)
        server, process = decoder.pid, processes_of(decoder)[0]
        assert server is not None
        os.kill(process, signal.SIGKILL)
        with pytest.raises(DecoderDiedError):
            future.result(60)
    decoder.close()
    assert not lives(server)
    assert decoder.pid is None


def test_everything_ends_with_whoever_started_it(hanging: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from colorizers.photo.sandbox import Decoder;"
        "Decoder().open(Path(sys.argv[1]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(hanging)])
    (server,) = until(lambda: children_of(parent.pid))
    (process,) = until(lambda: children_of(server))
    parent.kill()
    parent.wait()
    until(lambda: not lives(server) and not lives(process))


def test_nothing_is_said_where_nobody_waits_for_an_answer(path: Path) -> None:
    control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "colorizers.photo.sandbox_server", str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True)
    request = {"reads": "header", "max_megapixels": 2, "memory_bytes": 1 << 30, "cpu_s": 60, "wall_s": 60}
    with closing(control), path.open("rb") as file:
        for gone in (True, False):
            ours, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours, other:
                if gone:
                    ours.close()
                socket.send_fds(control, [json.dumps(request).encode()], [other.fileno(), file.fileno()])
                if not gone:
                    assert json.loads(ours.recv(1 << 16))["format"] == "PNG"
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_libraries_do_not_fill_the_log(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One line for every row that is broken, of a file that anyone can send, is too much."""
    picture = Image.fromarray(np.tile(gray8(), (8, 8))).convert("YCbCr")
    data = bytearray(saved(picture, "TIFF", compression="tiff_lzw"))
    start = int.from_bytes(data[4:8], "little")
    data[28:start:3] = bytes(len(data[28:start:3]))
    path.write_bytes(data)
    open_photo(path)
    assert "code not yet in table" in capfd.readouterr().err
    with Decoder() as decoder:
        decoder.open(path)
    assert "code not yet in table" not in capfd.readouterr().err
