"""Serialization of a network's answers to files beside the photo, from which renders and previews are made."""

from collections.abc import Iterator
from zipfile import ZipFile, ZipInfo

from colorizers.prediction.prediction import Prediction
from service.storage.local import PhotoFiles


def write_prediction(files: PhotoFiles, job_id: str, prediction: Prediction) -> None:
    """Write the answer for a photo, and its color distribution if there is one."""
    with files.replace(job_id, "prediction") as path:
        path.write_bytes(prediction.to_bytes())
    if prediction.distribution is not None:
        with files.replace(job_id, "distribution") as path:
            path.write_bytes(prediction.distribution.to_bytes())


def read_prediction(files: PhotoFiles, job_id: str) -> Prediction:
    """Return the answer for a photo, without its distribution. Raises `FileNotFoundError`."""
    with files.fetch(job_id, "prediction") as path:
        return Prediction.from_bytes(path.read_bytes())


def add_page_prediction(archive: ZipFile, number: int, prediction: Prediction) -> None:
    """Add the answer for the page `number` (from 1) to an archive that becomes the file `page-predictions`."""
    # A ZIP entry made without a date has a constant one, so that the file is reproducible.
    archive.writestr(ZipInfo(str(number)), prediction.to_bytes())


def read_page_predictions(files: PhotoFiles, job_id: str, count: int) -> Iterator[Prediction]:
    """Yield the answers for pages 1 to `count` - 1. Raises `FileNotFoundError`."""
    with files.fetch(job_id, "page-predictions") as path, ZipFile(path) as archive:
        for number in range(1, count):
            yield Prediction.from_bytes(archive.read(str(number)))
