"""`python -m benchmarks start`: how long a worker that has just been started takes to its first coloured photo.

A photo of two megapixels waits in the queue; then a worker is started as the supervisor does it. Importing torch, which
nothing here can shorten, is measured by itself between the starts, and taken off.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.photos import toned_print
from benchmarks.service import ROOT
from benchmarks.standins import Models
from benchmarks.table import Record
from service.files import PhotoFiles, open_files
from service.jobs import Job, JobStore, NewJob, new_job_id, open_jobs
from service.settings import Settings

_MEGAPIXELS = 2.0
_REPEATS = 3
_LOOK_S = 0.01
_WITHIN_S = 120.0


def run(models: Models, repeats: int | None = None) -> Iterator[Record]:
    """Yield one record for every network; all times are wall time."""
    rounds = repeats or _REPEATS
    for name, spec in models.specs.items():
        with tempfile.TemporaryDirectory() as folder:
            environ = {"DATA_DIR": folder, "MODEL_DIR": str(models.folder), "MODEL": spec.name, "DEVICE": "cpu"}
            settings = Settings.from_environ(environ)
            jobs, files = open_jobs(settings), open_files(settings)
            # The first round fills the disk cache.
            starts, imports = [], []
            for _ in range(rounds + 1):
                starts.append(_first_photo_s(jobs, files, environ))
                imports.append(_import_s(environ))
            jobs.close()
        to_photo, to_torch = median(starts[1:]), median(imports[1:])
        yield {
            "network": name,
            "start to first photo s": to_photo,
            "importing torch s": to_torch,
            "beyond torch s": to_photo - to_torch,
        }


def _first_photo_s(jobs: JobStore, files: PhotoFiles, environ: dict[str, str]) -> float:
    """Return the seconds from starting a worker to the end of a job that waits for it."""
    job_id = _queue(jobs, files)
    began = time.perf_counter()
    # It ends with its standard input.
    command = [sys.executable, "-m", "service.worker", "start"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env={**os.environ, **environ}
    ) as process:
        job = _ended(jobs, job_id)
        took = time.perf_counter() - began
        _, errors = process.communicate()
    if job is None or job.status != "done":
        raise RuntimeError(f"the photo was not coloured: {job}\n{errors.decode()[-3000:]}")
    return took


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


def _import_s(environ: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True, env={**os.environ, **environ})
    return time.perf_counter() - began
