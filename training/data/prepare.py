"""Preparation of training data: filters and resizes photographs into tar shards.

Several processes filter and resize the sources; their results are written in order to shards in WebDataset's format,
`NAME.jpg` members in plain tar files. Progress is saved with every complete shard, and an interrupted run resumes after
the last one.
"""

import functools
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from training.data.filters import RULES, DuplicateFilter, Kept, Options, Rule, process
from training.data.samples import Sample, index_tar
from training.worker_pool import parallel_map

SHARD_SIZE = 1000  # pictures
_PROGRESS = ".progress.json"


@dataclass
class Report:
    """Numbers of sources, of pictures kept, and of pictures dropped by each rule."""

    sources: int
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)

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

    Raises `ValueError` where `out` lies in `source`, and `FileExistsError` where `out` holds finished shards, or those
    of an interrupted run with other sources or options.
    """
    if source.resolve() == out.resolve() or source.resolve() in out.resolve().parents:
        raise ValueError(f"{out} lies inside {source}, which must not be touched.")
    if any(out.glob("*.tar")) and not (out / _PROGRESS).exists():
        raise FileExistsError(f"There are shards in {out} already. Choose another folder or remove them.")
    sources = find_sources(source)
    out.mkdir(parents=True, exist_ok=True)
    with closing(_ShardWriter(out, sources, options)) as writer:
        remaining = sources[writer.done :]
        work = functools.partial(_process, options)
        for sample, outcome in zip(remaining, parallel_map(work, remaining, processes, "prepared"), strict=True):
            writer.add(sample, outcome)
        return writer.finish()


def _process(options: Options, sample: Sample) -> Kept | Rule:
    """Apply `process` to a source; one that cannot be read counts as undecodable."""
    try:
        data = sample.read()
    except OSError:
        return "undecodable"
    return process(data, options)


class _ShardWriter:
    """Writes pictures to shards in `out`, drops duplicates, and saves its state with every complete shard.

    `done` is the number of sources that were handled, those of an interrupted run included.
    """

    def __init__(self, out: Path, sources: Sequence[Sample], options: Options) -> None:
        names = hashlib.sha256("\n".join(f"{sample.name} {sample.size}" for sample in sources).encode()).hexdigest()
        self._job = {"sources": names, **asdict(options)}
        self._out, self._progress = out, out / _PROGRESS
        self.done, self._hashes, self._report = 0, list[int](), Report(len(sources))
        if self._progress.exists():
            self._restore()
        else:
            self._save()
        self._duplicates = DuplicateFilter()
        for dhash in self._hashes:
            self._duplicates.is_duplicate(dhash)
        self._open_shard()

    def add(self, sample: Sample, outcome: Kept | Rule) -> None:
        """Write the next source's picture, or count what dropped it."""
        self.done += 1
        if not isinstance(outcome, Kept):
            self._report.dropped[outcome] = self._report.dropped.get(outcome, 0) + 1
        elif self._duplicates.is_duplicate(outcome.dhash):
            self._report.dropped["duplicate"] = self._report.dropped.get("duplicate", 0) + 1
        else:
            entry = tarfile.TarInfo(f"{hashlib.sha1(sample.name.encode()).hexdigest()[:16]}.jpg")
            entry.size = len(outcome.data)
            self._archive.addfile(entry, io.BytesIO(outcome.data))
            self._hashes.append(outcome.dhash)
            self._report.kept += 1
            if self._report.kept % SHARD_SIZE == 0:
                self._finish_shard()
                self._save()
                self._open_shard()

    def finish(self) -> Report:
        """Complete the last shard; return the counts of all runs."""
        if self._report.kept % SHARD_SIZE:
            self._finish_shard()
        self.close()
        self._unfinished.unlink(missing_ok=True)
        self._progress.unlink()
        return self._report

    def close(self) -> None:
        """Close the file of the unfinished shard."""
        self._archive.close()

    @property
    def _unfinished(self) -> Path:
        return self._out / "shard.unfinished"

    def _open_shard(self) -> None:
        self._archive = tarfile.open(self._unfinished, "w")  # noqa: SIM115

    def _finish_shard(self) -> None:
        self.close()
        self._unfinished.replace(self._out / f"shard-{(self._report.kept - 1) // SHARD_SIZE:05d}.tar")

    def _save(self) -> None:
        state = {"job": self._job, "done": self.done, "hashes": self._hashes, "report": asdict(self._report)}
        unfinished = self._progress.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(state), encoding="utf-8")
        unfinished.replace(self._progress)

    def _restore(self) -> None:
        state = json.loads(self._progress.read_text(encoding="utf-8"))
        if state["job"] != self._job:
            message = f"{self._out} holds an unfinished run of other pictures or options. Remove it to start anew."
            raise FileExistsError(message)
        self.done, self._hashes, self._report = state["done"], state["hashes"], Report(**state["report"])
