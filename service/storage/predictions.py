"""A network's answers in, files beside the photo out, and back: what renders and previews start from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from zipfile import ZipFile, ZipInfo

from colorizers.prediction.prediction import Prediction
from service.storage.local import PhotoFiles


def write_prediction(files: PhotoFiles, job_id: str, prediction: Prediction) -> None:
    """Keep the answer for a photo, and the distribution that it was chosen from where there is one."""
    with files.replace(job_id, "prediction") as path:
        path.write_bytes(prediction.to_bytes())
    if prediction.distribution is not None:
        with files.replace(job_id, "distribution") as path:
            path.write_bytes(prediction.distribution.to_bytes())


def read_prediction(files: PhotoFiles, job_id: str) -> Prediction:
    """Return the answer for a photo, without its distribution. Raises `FileNotFoundError`."""
    with files.fetch(job_id, "prediction") as path:
        return Prediction.from_bytes(path.read_bytes())


@contextmanager
def keeping_pages(files: PhotoFiles, job_id: str) -> Iterator[Callable[[int, Prediction], None]]:
    """Give a place for the answers for the further pages of a file, by their numbers."""
    with files.replace(job_id, "page-predictions") as path, ZipFile(path, "w") as archive:
        # A ZIP entry without a date of its own has one that never changes.
        yield lambda number, prediction: archive.writestr(ZipInfo(str(number)), prediction.to_bytes())


@contextmanager
def kept_pages(files: PhotoFiles, job_id: str) -> Iterator[Callable[[int], Prediction]]:
    """Give the answers for the further pages of a file, by their numbers. Raises `FileNotFoundError`."""
    with files.fetch(job_id, "page-predictions") as path, ZipFile(path) as archive:
        yield lambda number: Prediction.from_bytes(archive.read(str(number)))
