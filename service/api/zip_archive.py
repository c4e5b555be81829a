"""ZIP archives of results, streamed while they are made, without a copy in memory or on disk.

`manifest.json` at the end describes every photo, those without a result included.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from zipstream import ZipStream

from service.domain.filenames import result_name
from service.domain.job import Job

MANIFEST = "manifest.json"
_CHUNK_BYTES = 1 << 16
# Not allowed in file names on some systems.
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"|?*\\/', "_"))

Describe = Callable[[Job], dict[str, Any]]


def zip_of(jobs: Sequence[Job], open_result: Callable[[str], BinaryIO], describe: Describe) -> Iterator[bytes]:
    """Yield the ZIP file with the results of `jobs`; `describe` gives the manifest's entry of a photo."""
    archive = ZipStream()
    entries = []
    for job, name in zip(jobs, file_names(jobs), strict=True):
        entry = {"file": None, **describe(job)}
        if name:
            try:
                file = open_result(job.id)
            except FileNotFoundError:  # Deleted a moment ago.
                entry["status"] = "deleted"
            else:
                entry["file"] = name
                archive.add(_chunks(file), name)
                yield from archive.all_files()
        entries.append(entry)
    archive.add(json.dumps({"photos": entries}, indent=2, ensure_ascii=False) + "\n", MANIFEST)
    yield from archive.finalize()


def file_names(jobs: Sequence[Job]) -> list[str | None]:
    """Return the names of the results in an archive: no two are alike on any system; None where there is no result."""
    taken = {MANIFEST}
    names: list[str | None] = []
    for job in jobs:
        if job.status != "done" or job.outcome is None:
            names.append(None)
            continue
        name = _unlike(result_name(job.name, job.outcome.suffix).translate(_FORBIDDEN), taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _unlike(name: str, taken: set[str]) -> str:
    path, number, candidate = PurePosixPath(name), 1, name
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{path.stem} ({number}){path.suffix}"
    return candidate


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
