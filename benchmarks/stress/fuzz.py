"""`python -m benchmarks fuzz [FOLDER] [--files N] [--seed N] [--seconds S]`: broken picture files.

Takes the pictures of FOLDER and a few made on the spot, breaks each of N copies in a way that the seed decides (bits
flipped, ends cut off, pieces or the beginning of another file put in), and opens it in a decoding process as the
worker does. Each must end as a photo or as an error of the library within ten seconds; the server of these processes
must live on, and its memory, and that of the one that asks, must not grow. Prints the counts; exit status 1 where
something else happened.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageCms

from benchmarks.support.processes import memory_mib
from colorizers.errors import PhotoError
from colorizers.photo.sandbox import Decoder, DecoderDiedError

_LONGEST_S = 10.0
_MOST_MEGAPIXELS = 8.0
_FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "JPEG2000", "AVIF", "HEIF", "PPM")
# What a header needs to say all that it says.
_HEADER_BYTES = 512
# Memory may differ by so much from one half of a run to the next: pictures differ, and allocators keep some.
_MOST_GROWTH, _MOST_GROWTH_MIB = 1.1, 30.0

pillow_heif.register_heif_opener()


@dataclass
class Peaks:
    """The most memory, in MiB, that was seen in the first and in the second half of a run."""

    halves: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def saw(self, half: int, mebibytes: float) -> None:
        """Record a figure of that half (0, 1)."""
        self.halves[half] = max(self.halves[half], mebibytes)

    @property
    def are_flat(self) -> bool:
        """Whether memory has not grown from one half to the other."""
        first, second = self.halves
        return second <= first * _MOST_GROWTH + _MOST_GROWTH_MIB

    def __str__(self) -> str:
        return "{:.0f} MiB at most in the first half, {:.0f} MiB in the second".format(*self.halves)


@dataclass
class Findings:
    """Results of a run: counts of outcomes, decoding servers by process id, longest time, memory, failures.

    `server` is the memory of the decoding server, `own` that of this process.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    servers: set[int] = field(default_factory=set)
    longest_s: float = 0.0
    server: Peaks = field(default_factory=Peaks)
    own: Peaks = field(default_factory=Peaks)
    failures: list[str] = field(default_factory=list)

    def saw(self, half: int, server_pid: int | None) -> None:
        """Record the memory in that half (0, 1)."""
        self.own.saw(half, memory_mib(os.getpid()))
        if server_pid is not None:
            self.servers.add(server_pid)
            self.server.saw(half, memory_mib(server_pid))

    @property
    def is_flat(self) -> bool:
        """Whether memory has not grown."""
        return self.server.are_flat and self.own.are_flat


def made_corpus() -> list[bytes]:
    """Return small picture files of every format, gray and colour, and of kinds that take other ways inside."""
    y, x = np.mgrid[0:48, 0:64]
    gray = ((x * 5 + y * 3) % 256).astype(np.uint8)
    pictures = [Image.fromarray(pixels) for pixels in (gray, np.dstack([gray, gray[::-1], 255 - gray]))]
    files = [_saved(picture, format_) for format_ in _FORMATS for picture in pictures]
    grays, colours = pictures
    deep = Image.fromarray(gray.astype(np.uint16) * 257)
    tags = Image.Exif()
    tags[0x0112], tags[0x013B], tags.get_ifd(0x8825)[1] = 6, "nobody", "N"
    said = {"exif": tags.tobytes(), "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    files += [_saved(colours, format_, **said) for format_ in ("JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF")]
    files += [_saved(deep, format_) for format_ in ("PNG", "TIFF", "PPM", "JPEG2000")]
    files += [_saved(colours, "TIFF", compression=name) for name in ("tiff_lzw", "tiff_adobe_deflate", "jpeg")]
    files += [_saved(grays.convert("1"), "TIFF", compression="group4"), _saved(colours.convert("LAB"), "TIFF")]
    files += [_saved(colours.convert("CMYK"), format_) for format_ in ("JPEG", "TIFF")]
    files += [_saved(colours, "JPEG", progressive=True), _saved(colours.convert("P"), "PNG", transparency=3)]
    files += [_saved(grays, name, save_all=True, append_images=[grays] * 3) for name in ("GIF", "TIFF", "PNG", "WEBP")]
    return files


def corpus_with(folder: Path | None) -> list[bytes]:
    """Return the generated files, and those of `folder`."""
    more = sorted(folder.iterdir()) if folder else []
    return made_corpus() + [path.read_bytes() for path in more if path.is_file()]


def _saved(image: Image.Image, format_: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def mutated(corpus: Sequence[bytes], seed: int) -> bytes:
    """Return one of `corpus`, broken; the same seed gives the same bytes."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(corpus))
    kind = chance.randrange(5)
    if kind == 0:
        return bytes(data[: chance.randrange(len(data))])
    other = chance.choice(corpus)
    if kind == 4:
        return other[: chance.randrange(1, _HEADER_BYTES)] + bytes(data[chance.randrange(len(data)) :])
    if kind == 1:
        at, size = chance.randrange(len(data)), chance.randrange(1, 512)
        start = chance.randrange(len(other))
        data[at : at + size] = other[start : start + size]
    # Headers are where a change does most.
    reach = len(data) if kind == 2 else min(len(data), _HEADER_BYTES)
    for _ in range(chance.randrange(1, 24)):
        place = chance.randrange(reach)
        data[place % len(data)] ^= 1 << chance.randrange(8)
    return bytes(data)


def fuzz(corpus: Sequence[bytes], seeds: Sequence[int], seconds: float) -> Findings:
    """Open the broken files of `seeds`, for that many seconds at most; return the results."""
    findings, end = Findings(), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder, Decoder(_MOST_MEGAPIXELS, cpu_s=4, wall_s=_LONGEST_S) as decoder:
        path = Path(folder) / "file"
        for number, seed in enumerate(seeds):
            if time.monotonic() > end:
                break
            path.write_bytes(mutated(corpus, seed))
            start = time.monotonic()
            try:
                decoder.open(path)
                outcome = "photo"
            except DecoderDiedError as error:
                outcome = f"DecoderDiedError, {error.message.split()[-1].rstrip('.')}"
            except PhotoError as error:
                outcome = type(error).__name__
            except MemoryError:
                outcome = "MemoryError"
            except Exception as error:  # Any other error is a bug.
                findings.failures.append(f"seed {seed}: {error!r}")
                outcome = "failure"
            findings.outcomes[outcome] += 1
            findings.longest_s = max(findings.longest_s, time.monotonic() - start)
            findings.saw(2 * number // len(seeds), decoder.pid)
    return findings


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks fuzz", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="more pictures to break")
    parser.add_argument("--files", type=int, default=20_000, help="how many files (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="where to start (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after so long (default: %(default)g)")
    arguments = parser.parse_args(argv)
    findings = fuzz(
        corpus_with(arguments.folder), range(arguments.seed, arguments.seed + arguments.files), arguments.seconds
    )
    print(f"{findings.outcomes.total()} files: {dict(findings.outcomes.most_common())}")
    print(f"{len(findings.servers)} servers of decoding processes, longest {findings.longest_s:.2f} s")
    print(f"memory of the server: {findings.server}; of this process: {findings.own}")
    for failure in findings.failures:
        print(failure, file=sys.stderr)
    holds = not findings.failures and len(findings.servers) == 1 and findings.is_flat
    return 0 if holds and findings.longest_s <= _LONGEST_S else 1
