"""The choice of a storage by `STORAGE_URL`."""

from pathlib import Path

from service.settings import Settings
from service.storage.local import PhotoFiles


def open_files(settings: Settings) -> PhotoFiles:
    """Return the files at `STORAGE_URL`, a folder's or an object storage's, else those of the data folder."""
    scheme, separator, rest = settings.storage_url.partition("://")
    if separator and scheme != "file":
        from service.storage.s3 import ObjectFiles

        return ObjectFiles(settings.storage_url, settings.data_dir)
    return PhotoFiles(Path(rest or scheme) if settings.storage_url else settings.data_dir)
