"""`python -m benchmarks start`: time from starting a worker to its first colored photo.

A photo of two megapixels waits in the queue; then a worker is started as the supervisor does it. Importing torch, which
nothing here can shorten, is measured by itself between the starts, and taken off.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

from benchmarks.support.model_folder import Models
from benchmarks.support.photos import toned_print
from benchmarks.support.table import Record
from service.domain.job import Job, NewJob, new_job_id
from service.jobs.store import JobStore, open_jobs
from service.settings import ROOT, Settings
from service.storage.backends import open_files
from service.storage.local import PhotoFiles

_MEGAPIXELS = 2.0
_REPEATS = 3
_LOOK_S = 0.01
_WITHIN_S = 120.0


class _Taken(NamedTuple):
    wall_s: float
    cpu_s: float


def run(models: Models, repeats: int | None = None) -> Iterator[Record]:
    """Yield one record for every network: medians of wall time, and of the processor's until the worker has ended."""
    for name, spec in models.specs.items():
        with tempfile.TemporaryDirectory() as folder:
            environ = {"DATA_DIR": folder, "MODEL_DIR": str(models.folder), "MODEL": spec.name, "DEVICE": "cpu"}
            settings = Settings.from_environ(environ)
            jobs, files = open_jobs(settings), open_files(settings)
            starts, imports = [], []
            for _ in range(repeats or _REPEATS):
                starts.append(_first_photo(jobs, files, environ))
                imports.append(_import(environ))
            jobs.close()
        to_photo, to_torch = _medians(starts), _medians(imports)
        yield {
            "network": name,
            "start to first photo s": to_photo.wall_s,
            "importing torch s": to_torch.wall_s,
            "beyond torch s": to_photo.wall_s - to_torch.wall_s,
            "start to first photo CPU s": to_photo.cpu_s,
            "importing torch CPU s": to_torch.cpu_s,
        }


def _medians(taken: list[_Taken]) -> _Taken:
    return _Taken(median(one.wall_s for one in taken), median(one.cpu_s for one in taken))


def _first_photo(jobs: JobStore, files: PhotoFiles, environ: dict[str, str]) -> _Taken:
    """Return how long it takes from starting a worker to the end of a job that waits for it."""
    job_id = _queue(jobs, files)
    began, cpu_s = time.perf_counter(), _children_cpu_s()
    # It ends with its standard input.
    command = [sys.executable, "-m", "service.workers.worker", "start"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, **environ}
    ) as process:
        job = _ended(jobs, job_id)
        wall_s = time.perf_counter() - began
        _, errors = process.communicate()
    if job is None or job.status != "done":
        raise RuntimeError(f"the photo was not coloured: {job}\n{errors.decode()[-3000:]}")
    return _Taken(wall_s, _children_cpu_s() - cpu_s)


def _queue(jobs: JobStore, files: PhotoFiles) -> str:
    job_id = new_job_id()
    upload = files.receive(2**30)
    upload.write(toned_print(_MEGAPIXELS))
    files.keep(upload, job_id)
    jobs.add([NewJob(job_id, "photo.jpg", "image/jpeg", 1633, 1225)])
    return job_id


def _ended(jobs: JobStore, job_id: str) -> Job | None:
    deadline = time.perf_counter() + _WITHIN_S
    while time.perf_counter() < deadline:
        job = jobs.get(job_id)
        if job is None or job.is_final:
            return job
        time.sleep(_LOOK_S)
    return jobs.get(job_id)


def _import(environ: dict[str, str]) -> _Taken:
    began, cpu_s = time.perf_counter(), _children_cpu_s()
    subprocess.run([sys.executable, "-c", "import torch"], check=True, env={**os.environ, **environ})
    return _Taken(time.perf_counter() - began, _children_cpu_s() - cpu_s)


def _children_cpu_s() -> float:
    """Return the processor's time of all processes that this one has started and seen the end of."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
