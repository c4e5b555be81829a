"""A job in, its result and renditions on disk and its `Outcome` out: the work itself. Only the worker imports this.

Doing a job twice is harmless: every file appears whole, by rename, and is the same both times.
"""

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from PIL import Image

from colorizers.colorizer import Colorizer, UncolouredWarning
from colorizers.decoding import Decoder
from colorizers.encode import encode, output_format, suffix_for, write_pages
from colorizers.lab import Pixels, eight_bits
from colorizers.photo import Photo
from colorizers.provenance import Provenance
from colorizers.registry import ModelSpec, weights_path
from service.files import FileKind, PhotoFiles
from service.jobs import Job, Outcome
from service.models import choose_model
from service.settings import Settings

VIEW_PX = 2048
_VIEW_QUALITY = 88

_log = logging.getLogger(__name__)


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record under `name` how long the block takes."""
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start


class Painter:
    """Colours the photos of one data folder; keeps the network from one job to the next."""

    def __init__(self, settings: Settings, files: PhotoFiles) -> None:
        self._settings = settings
        self._files = files
        self._loaded: tuple[ModelSpec, float, Colorizer] | None = None
        self._decoder = Decoder(settings.max_megapixels)
        self._decoder.start()

    def colorizer(self) -> Colorizer:
        """Return the network in use, loaded anew where another has become the best or its file has changed.

        Raises `ColorizerError`.
        """
        spec = choose_model(self._settings)
        path = weights_path(spec, self._settings.model_dir)
        changed = path.stat().st_mtime if path.exists() else 0.0
        if self._loaded is None or self._loaded[:2] != (spec, changed):
            use_gpu = {"cpu": False, "gpu": True, "auto": _has_gpu()}[self._settings.device]
            colorizer = Colorizer.from_name(spec.name, model_dir=self._settings.model_dir, use_gpu=use_gpu)
            _log.info("using %s on %s", colorizer.spec.title, colorizer.device)
            self._loaded = (spec, changed, colorizer)
        return self._loaded[2]

    def paint(self, job: Job) -> Outcome:
        """Colour the photo of `job` and write its files. Raises `ColorizerError`, or whatever nobody expected."""
        watch = Stopwatch()
        colorizer = self.colorizer()
        self._files.clear_parts(job.id)
        with watch.stage("open_s"), self._files.fetch(job.id, "original") as path:
            photo = self._decoder.open(path)
        with watch.stage("predict_s"), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            prediction = colorizer.predict(photo)
        with watch.stage("render_s"):
            rgb = colorizer.render(photo, prediction)
        with watch.stage("encode_s"):
            format_ = output_format(photo)
            if photo.pages > 1:
                self._write_all_pages(job, photo, rgb, colorizer)
            else:
                self._write(job, "result", encode(rgb, photo, colorizer.provenance(photo), format=format_))
        with watch.stage("views_s"):
            self._write_view(job, "original-view", photo.pixels, photo)
            self._write_view(job, "result-view", rgb, photo)
        return Outcome(
            width=photo.width,
            height=photo.height,
            mimetype=Image.MIME[format_],
            suffix=suffix_for(format_),
            view_mimetype=Image.MIME[_view_format(photo)],
            model=colorizer.spec.name,
            model_title=colorizer.spec.title,
            weights_sha256=colorizer.weights_sha256,
            verified=colorizer.verified,
            uncoloured=_noted(caught),
            timings=watch.seconds,
        )

    def _write(self, job: Job, kind: FileKind, data: bytes) -> None:
        with self._files.replace(job.id, kind) as path:
            path.write_bytes(data)

    def _write_all_pages(self, job: Job, first: Photo, rgb: Pixels, colorizer: Colorizer) -> None:
        """Write the result of a file with several pages, of which the first is coloured already."""

        def pages() -> Iterator[tuple[Pixels, Photo, Provenance]]:
            yield rgb, first, colorizer.provenance(first)
            with self._files.fetch(job.id, "original") as original:
                for number in range(1, first.pages):
                    photo = self._decoder.open(original, number)
                    yield colorizer.colorize(photo), photo, colorizer.provenance(photo)

        with self._files.replace(job.id, "result") as path:
            write_pages(path, pages())

    def _write_view(self, job: Job, kind: FileKind, pixels: Pixels, photo: Photo) -> None:
        image = Image.fromarray(eight_bits(pixels))
        if photo.alpha is not None:
            image.putalpha(Image.fromarray(eight_bits(photo.alpha)))
        image.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
        with self._files.replace(job.id, kind) as path:
            image.save(path, _view_format(photo), quality=_VIEW_QUALITY)


def _has_gpu() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def _view_format(photo: Photo) -> str:
    """Return JPEG, which is quickest to write, unless there is transparency to show."""
    return "JPEG" if photo.alpha is None else "WEBP"


def _noted(caught: list[warnings.WarningMessage]) -> bool:
    """Log the network's warnings; return whether one of them is that it gave no colour."""
    for warning in caught:
        _log.warning("%s", warning.message)
    return any(issubclass(warning.category, UncolouredWarning) for warning in caught)
