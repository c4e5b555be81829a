"""Preparation of training data: filters and resizes photographs into tar shards.

Processes work on parts of 200 sources and write what passes to one part file each. Parts that exist are not made
again, so an interrupted run resumes. At the end duplicates are dropped across all parts and the shards are written in
WebDataset's format: `NAME.jpg` members in plain tar files.
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

from training.rules import RULES, DuplicateFilter, Kept, Options, Rule, process
from training.samples import Sample, index_tar

PART_SIZE = 200  # sources; small enough for a smooth progress bar and little lost work
SHARD_SIZE = 2000  # pictures
_PARTS = ".parts"


@dataclass(frozen=True)
class Report:
    """Numbers of sources, of pictures kept, and of pictures dropped by each rule."""

    sources: int
    kept: int
    dropped: dict[str, int]

    def table(self) -> str:
        """Format the report as a Markdown table."""
        rows = [f"| dropped: {rule} | {self.dropped.get(rule, 0):,} |" for rule in RULES]
        lines = ["| pictures | count |", "|---|---|", f"| found | {self.sources:,} |", *rows]
        return "\n".join([*lines, f"| kept | {self.kept:,} |"])


def find_sources(source: Path) -> list[Sample]:
    """List every file below the folder `source`, and every member of tar files there, in a fixed random order.

    `source` may be a tar file too. Files are not opened: whether one is a picture is decided later, by its content.
    Raises `FileNotFoundError` where there is none.
    """
    if not source.exists():
        raise FileNotFoundError(f"There is no folder or tar file {source}.")
    found: list[Sample] = []
    for path in [source] if source.is_file() else _files_below(source):
        name = str(path.relative_to(source.parent if path == source else source))
        is_tar = path.suffix.lower() == ".tar"
        found += _tar_members(path, name) if is_tar else [Sample(path, 0, path.stat().st_size, name)]
    if not found:
        raise FileNotFoundError(f"There are no files in {source}.")
    # Folders are often sorted by subject, and batches of one subject train badly.
    return sorted(found, key=lambda sample: (hashlib.sha1(sample.name.encode()).digest(), sample.name))


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield the regular files below `folder`, except hidden ones and broken links."""
    for below, _, names in os.walk(folder):
        paths = (Path(below) / name for name in names if not name.startswith("."))
        yield from (path for path in paths if path.is_file())


def _tar_members(path: Path, name: str) -> list[Sample]:
    """List the members of the tar file `path`; an unreadable one is listed as one empty source, to be counted."""
    try:
        return [replace(sample, name=f"{name}/{sample.name}") for sample in index_tar(path, suffixes=("",))]
    except tarfile.ReadError:
        return [Sample(path, 0, 0, name)]


def prepare(source: Path, out: Path, options: Options, processes: int = 1) -> Report:
    """Write shards of the pictures below `source` to the folder `out`; return the counts.

    Raises `ValueError` where `out` lies in `source`, and `FileExistsError` where `out` holds finished shards, or parts
    of other sources or options.
    """
    if source.resolve() == out.resolve() or source.resolve() in out.resolve().parents:
        raise ValueError(f"{out} lies inside {source}, which must not be touched.")
    if any(out.glob("*.tar")):
        raise FileExistsError(f"There are shards in {out} already. Choose another folder or remove them.")
    sources = find_sources(source)
    parts = out / _PARTS
    parts.mkdir(parents=True, exist_ok=True)
    _check_same_job(parts, sources, options)
    groups = [sources[start : start + PART_SIZE] for start in range(0, len(sources), PART_SIZE)]
    missing = [index for index in range(len(groups)) if not _report_path(parts, index).exists()]
    with tqdm(total=len(sources), unit="picture", disable=None) as bar:
        bar.update(len(sources) - sum(len(groups[index]) for index in missing))
        for index in _make_parts(groups, missing, parts, options, processes):
            bar.update(len(groups[index]))
    dropped, kept = _write_shards(parts, len(groups), out)
    for path in parts.iterdir():
        path.unlink()
    parts.rmdir()
    return Report(len(sources), kept, dict(dropped))


def _check_same_job(parts: Path, sources: Sequence[Sample], options: Options) -> None:
    names = hashlib.sha256("\n".join(f"{sample.name} {sample.size}" for sample in sources).encode()).hexdigest()
    job = {"sources": names, **asdict(options)}
    note = parts / "job.json"
    if note.exists() and json.loads(note.read_text(encoding="utf-8")) != job:
        raise FileExistsError(f"{parts} was made from other pictures or with other options. Remove it to start anew.")
    note.write_text(json.dumps(job), encoding="utf-8")


def _make_parts(
    groups: Sequence[Sequence[Sample]], missing: Sequence[int], parts: Path, options: Options, processes: int
) -> Iterator[int]:
    """Make the `missing` parts in `processes` processes; yield the index of each when it is done."""
    if processes == 1:
        for index in missing:
            _make_part(groups[index], parts, index, options)
            yield index
        return
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting = {pool.submit(_make_part, groups[index], parts, index, options): index for index in missing}
        for done in as_completed(waiting):
            done.result()
            yield waiting[done]


def _make_part(group: Sequence[Sample], parts: Path, index: int, options: Options) -> None:
    """Write the pictures of `group` that pass to a tar file, then the part's report, which marks it as complete."""
    dropped: Counter[str] = Counter()
    hashes: list[int] = []
    with tarfile.open(_part_path(parts, index), "w") as archive:
        for sample in group:
            outcome = _process(sample, options)
            if isinstance(outcome, Kept):
                _add(archive, f"{hashlib.sha1(sample.name.encode()).hexdigest()[:16]}.jpg", outcome.data)
                hashes.append(outcome.dhash)
            else:
                dropped[outcome] += 1
    report = _report_path(parts, index)
    unfinished = report.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"dropped": dropped, "hashes": hashes}), encoding="utf-8")
    unfinished.replace(report)


def _process(sample: Sample, options: Options) -> Kept | Rule:
    """Apply `process` to a source; one that cannot be read counts as undecodable."""
    try:
        data = sample.read()
    except OSError:
        return "undecodable"
    return process(data, options)


def _write_shards(parts: Path, count: int, out: Path) -> tuple[Counter[str], int]:
    """Write the parts' pictures, without duplicates, as shards; return what was dropped, and how many were kept."""
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
    """Yield the pictures of all parts that duplicate no earlier one; count the others in `dropped`."""
    duplicates = DuplicateFilter()
    for index in range(count):
        report = json.loads(_report_path(parts, index).read_text(encoding="utf-8"))
        dropped.update(report["dropped"])
        for sample, dhash in zip(index_tar(_part_path(parts, index)), report["hashes"], strict=True):
            if duplicates.is_duplicate(dhash):
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
