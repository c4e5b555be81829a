"""A folder of pictures or of tar shards in, tar shards ready for training out, and a count of what was dropped.

Several processes examine a part of the sources each and write what passes as one part file; a part that is there is
not made again, so an interrupted run goes on where it was. At the end duplicates are dropped across all parts and the
shards written: WebDataset's form, `NAME.jpg` members in plain tar files.
"""

import hashlib
import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from training.rules import RULES, Kept, Rule, Seen, Wish, examine
from training.samples import Sample, index_tar

PART_SIZE = 200  # sources; small enough for a smooth progress bar and little lost work
SHARD_SIZE = 2000  # pictures
_PARTS = ".parts"


@dataclass(frozen=True)
class Report:
    """How many sources there were, how many pictures were kept, and how many fell to which rule."""

    sources: int
    kept: int
    dropped: dict[str, int]

    def table(self) -> str:
        """Return the report as a Markdown table."""
        rows = [f"| dropped: {rule} | {self.dropped.get(rule, 0):,} |" for rule in RULES]
        lines = ["| pictures | count |", "|---|---|", f"| found | {self.sources:,} |", *rows]
        return "\n".join([*lines, f"| kept | {self.kept:,} |"])


def find_sources(source: Path) -> list[Sample]:
    """Return every file below the folder `source`, and every member of tar files there, in a fixed random order.

    `source` may be a tar file too. Whether a file is a picture is judged by its content, later. Raises
    `FileNotFoundError` where there is nothing.
    """
    if not source.exists():
        raise FileNotFoundError(f"There is no folder or tar file {source}.")
    found: list[Sample] = []
    for path in [source] if source.is_file() else _files_below(source):
        name = str(path.relative_to(source.parent if path == source else source))
        found += _in_tar(path, name) if path.suffix.lower() == ".tar" else [Sample(path, 0, path.stat().st_size, name)]
    if not found:
        raise FileNotFoundError(f"There are no files in {source}.")
    # Folders are often sorted by subject, which is the worst order to learn from.
    return sorted(found, key=lambda sample: (hashlib.sha1(sample.name.encode()).digest(), sample.name))


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder` but hidden ones; links that lead nowhere, pipes and sockets are none."""
    for below, _, names in os.walk(folder):
        paths = (Path(below) / name for name in names if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _in_tar(path: Path, name: str) -> list[Sample]:
    """Return the members of the tar file `path`; one that cannot be read as such is one source without content."""
    try:
        return [replace(sample, name=f"{name}/{sample.name}") for sample in index_tar(path, suffixes=("",))]
    except tarfile.ReadError:
        return [Sample(path, 0, 0, name)]


def prepare(source: Path, out: Path, wish: Wish, processes: int = 1) -> Report:
    """Write shards of the pictures below `source` into the folder `out`, and return what became of them.

    Raises `FileExistsError` where `out` holds finished shards, or parts made from other sources or wishes.
    """
    if source.resolve() == out.resolve() or source.resolve() in out.resolve().parents:
        raise ValueError(f"{out} lies inside {source}, which must not be touched.")
    if any(out.glob("*.tar")):
        raise FileExistsError(f"There are shards in {out} already. Choose another folder or remove them.")
    sources = find_sources(source)
    parts = out / _PARTS
    parts.mkdir(parents=True, exist_ok=True)
    _check_same_job(parts, sources, wish)
    groups = [sources[start : start + PART_SIZE] for start in range(0, len(sources), PART_SIZE)]
    missing = [index for index in range(len(groups)) if not _report_path(parts, index).exists()]
    with tqdm(total=len(sources), unit="picture", disable=None) as bar:
        bar.update(len(sources) - sum(len(groups[index]) for index in missing))
        for index in _make_parts(groups, missing, parts, wish, processes):
            bar.update(len(groups[index]))
    dropped, kept = _write_shards(parts, len(groups), out)
    for path in parts.iterdir():
        path.unlink()
    parts.rmdir()
    return Report(len(sources), kept, dict(dropped))


def _check_same_job(parts: Path, sources: Sequence[Sample], wish: Wish) -> None:
    names = hashlib.sha256("\n".join(f"{sample.name} {sample.size}" for sample in sources).encode()).hexdigest()
    job = {"sources": names, **asdict(wish)}
    note = parts / "job.json"
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) != job:
        raise FileExistsError(f"{parts} was made from other pictures or with other options. Remove it to start anew.")
    note.write_text(json.dumps(job), encoding="utf-8")


def _make_parts(
    groups: Sequence[Sequence[Sample]], missing: Sequence[int], parts: Path, wish: Wish, processes: int
) -> Iterator[int]:
    """Make the `missing` parts, in `processes` processes, and yield the index of each as it is done."""
    if processes == 1:
        for index in missing:
            _make_part(groups[index], parts, index, wish)
            yield index
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting = {pool.submit(_make_part, groups[index], parts, index, wish): index for index in missing}
        for done in as_completed(waiting):
            done.result()
            yield waiting[done]


def _make_part(group: Sequence[Sample], parts: Path, index: int, wish: Wish) -> None:
    """Examine a group of sources; write what passes as a tar file, then its report, which says that it is complete."""
    dropped: Counter[str] = Counter()
    hashes: list[int] = []
    with tarfile.open(_part_path(parts, index), "w") as archive:
        for sample in group:
            outcome = _judged(sample, wish)
            if isinstance(outcome, Kept):
                _add(archive, f"{hashlib.sha1(sample.name.encode()).hexdigest()[:16]}.jpg", outcome.data)
                hashes.append(outcome.dhash)
            else:
                dropped[outcome] += 1
    report = _report_path(parts, index)
    unfinished = report.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"dropped": dropped, "hashes": hashes}), encoding="utf-8")
    unfinished.replace(report)


def _judged(sample: Sample, wish: Wish) -> Kept | Rule:
    """Return what `examine` makes of a source; one that the disk or its permissions withhold cannot be decoded."""
    try:
        data = sample.read()
    except OSError:
        return "undecodable"
    return examine(data, wish)


def _write_shards(parts: Path, count: int, out: Path) -> tuple[Counter[str], int]:
    """Write the parts' pictures, without duplicates, as shards; return what was dropped and how many were kept."""
    dropped: Counter[str] = Counter()
    pictures = _unique(parts, count, dropped)
    kept = shards = 0
    unfinished = out / "shard.unfinished"
    while True:
        written = 0
        with tarfile.open(unfinished, "w") as archive:
            for name, data in pictures:
                _add(archive, name, data)
                written += 1
                if written == SHARD_SIZE:
                    break
        if not written:
            unfinished.unlink()
            return dropped, kept
        unfinished.replace(out / f"shard-{shards:05d}.tar")
        kept, shards = kept + written, shards + 1


def _unique(parts: Path, count: int, dropped: Counter[str]) -> Iterator[tuple[str, bytes]]:
    seen = Seen()
    for index in range(count):
        report = json.loads(_report_path(parts, index).read_text(encoding="utf-8"))
        dropped.update(report["dropped"])
        for sample, dhash in zip(index_tar(_part_path(parts, index)), report["hashes"], strict=True):
            if seen.is_duplicate(dhash):
                dropped["duplicate"] += 1
            else:
                yield sample.name, sample.read()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def _part_path(parts: Path, index: int) -> Path:
    return parts / f"part-{index:06d}.tar"


def _report_path(parts: Path, index: int) -> Path:
    return parts / f"part-{index:06d}.json"
