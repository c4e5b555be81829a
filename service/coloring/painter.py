"""Execution of a single job in a worker: decoding, prediction, rendering, and the files that result.

The network runs once for a photo; its answer is kept beside the photo, and renders and previews start from that. Doing
a job twice is harmless: files are replaced by rename and are the same both times, as they hold no time and no id.
"""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self
from zipfile import ZipFile

from PIL import Image

from colorizers.colorizer import Colorizer, UncolouredWarning
from colorizers.kernels.malloc import keep_freed_memory
from colorizers.metadata.xmp import Provenance
from colorizers.output.encode import suffix_for
from colorizers.photo.photo_data import Photo
from colorizers.photo.sandbox import Decoder
from colorizers.pipeline import Page
from colorizers.prediction.prediction import Prediction
from colorizers.recipe import Options, Recipe
from colorizers.rendering.render import Rendering, render
from service.coloring.network_cache import Networks
from service.coloring.original_cache import OriginalCache
from service.coloring.stopwatch import Stages
from service.coloring.write_outputs import Results, read_view, view_format
from service.domain.job import Job, Outcome, new_job_id
from service.settings import Settings
from service.storage.local import PhotoFiles
from service.storage.predictions import (
    add_page_prediction,
    read_page_predictions,
    read_prediction,
    write_prediction,
)

PREVIEW_PX = 1024
_WARM_UP_SIZE = 320, 240

_log = logging.getLogger(__name__)


class Painter:
    """Colorizes the photos of one storage; keeps networks and decoder from one job to the next."""

    def __init__(self, files: PhotoFiles, networks: Networks, decoder: Decoder) -> None:
        self._files = files
        self._networks = networks
        self._decoder = decoder
        self._originals = OriginalCache(files, decoder)
        self._results = Results(files)
        self.is_warm = False
        """Whether it has colorized a photo."""

    @classmethod
    def of(cls, settings: Settings, files: PhotoFiles) -> Self:
        """Return a painter with `settings`, and start its decoding process; `close` has to follow."""
        keep_freed_memory()
        decoder = Decoder(settings.max_megapixels)
        decoder.start()
        return cls(files, Networks(settings), decoder)

    def close(self) -> None:
        """End the decoding process, and drop the cached original."""
        self._originals.forget()
        self._decoder.close()

    def warm_up(self) -> None:
        """Colorize a small photo in a temporary folder with the default network.

        It takes the way of every photo, from the decoder to the last file, so that the next one waits for nothing that
        is done once. Raises what `paint` raises.
        """
        with tempfile.TemporaryDirectory(prefix="photo-colorizer-") as folder, warnings.catch_warnings():
            # Some networks find no colour in a picture without a subject.
            warnings.simplefilter("ignore", UncolouredWarning)
            job = Job(new_job_id(), "running", "warm-up", "image/jpeg", *_WARM_UP_SIZE, created_at=0.0, queued_at=0.0)
            files = PhotoFiles(Path(folder))
            files.make_room(job.id)
            with files.replace(job.id, "original") as path:
                Image.linear_gradient("L").resize(_WARM_UP_SIZE).convert("RGB").save(path, "JPEG")
            temporary = Painter(files, self._networks, self._decoder)
            temporary._colorize(job, Stages(lambda _: None))
            temporary._originals.forget()
        self.is_warm = True

    def paint(self, job: Job, parent: Job | None, report: Callable[[str], None]) -> Outcome:
        """Do `job`, whose parent is `parent`, and write its files; call `report` with the name of each step.

        Raises `ColorizerError`, `StorageError`, or any unexpected error.
        """
        stages = Stages(report)
        self._files.clear_parts(job.id)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if parent is None:
                outcome = self._colorize(job, stages)
                self.is_warm = True
            elif job.kind == "preview":
                outcome = self._preview(job, parent, stages)
            else:
                outcome = self._render(job, parent, stages)
        return replace(outcome, uncoloured=_noted(caught) or outcome.uncoloured, timings=stages.seconds())

    def _colorize(self, job: Job, stages: Stages) -> Outcome:
        """Run the network on the photo, and keep its answer."""
        colorizer, options = self._networks.get(job.options.model), job.options
        stages.begin("open")
        with self._originals.open(job.id, anew=True) as original:
            photo = original.photo
            stages.begin("predict")
            answer = colorizer.predict(photo, options.hints, options.temperature)
            write_prediction(self._files, job.id, answer)
            recipe = colorizer.recipe(photo).with_options(options)
            first = Page(photo, answer, colorizer.provenance(photo), original.gray)
            further = self._predict_further(job, colorizer, photo.pages)
            outcome = self._results.write(job, first, further, photo.pages, recipe, stages)
            self._results.write_view(job, "original-view", photo.pixels, photo.alpha)
        return replace(outcome, **_abilities(colorizer, answer, options))

    def _predict_further(self, job: Job, colorizer: Colorizer, count: int) -> Iterator[Page]:
        """Yield pages 1 to `count` - 1, and keep the network's answers. Hints apply to the first page alone."""
        with self._files.replace(job.id, "page-predictions") as path, ZipFile(path, "w") as archive:
            for number, photo in enumerate(self._originals.further_pages(job.id, count), 1):
                answer = colorizer.predict(photo, (), job.options.temperature)
                add_page_prediction(archive, number, answer)
                yield Page(photo, answer, colorizer.provenance(photo))

    def _render(self, job: Job, parent: Job, stages: Stages) -> Outcome:
        """Write another file from the answer that is kept of the photo; no network runs."""
        known = parent.outcome
        assert known is not None
        answer = read_prediction(self._files, parent.id)
        with self._files.fetch(parent.id, "recipe") as path:
            recipe = Recipe.from_json(path.read_bytes()).with_options(job.options)
        stages.begin("open")
        with self._originals.open(parent.id) as original:
            first = Page(original.photo, answer, _provenance(known, original.photo), original.gray)
            further = self._read_further(parent, known)
            outcome = self._results.write(job, first, further, known.frames_coloured, recipe, stages)
        return replace(outcome, uncoloured=known.uncoloured, temperature=known.temperature)

    def _read_further(self, parent: Job, known: Outcome) -> Iterator[Page]:
        """Yield the pages after the first that have been colorized."""
        count = known.frames_coloured
        if count > 1:
            answers = read_page_predictions(self._files, parent.id, count)
            for answer, photo in zip(answers, self._originals.further_pages(parent.id, count), strict=True):
                yield Page(photo, answer, _provenance(known, photo))

    def _preview(self, job: Job, parent: Job, stages: Stages) -> Outcome:
        """Render the view of a photo in the colours that a network gives its small picture."""
        colorizer, options = self._networks.get(job.options.model), job.options
        stages.begin("open")
        before = read_prediction(self._files, parent.id)
        with self._files.fetch(parent.id, "original-view") as path:
            pixels, alpha = read_view(path, PREVIEW_PX)
        stages.begin("predict")
        answer = colorizer.predict_small(before.L, options.hints, options.temperature, before.photo_size)
        write_prediction(self._files, job.id, answer)
        stages.begin("render")
        rgb = render(pixels, answer, Rendering(options.saturation, warmth=options.warmth))
        stages.begin("encode")
        width, height = self._results.write_view(job, "result-view", rgb, alpha)
        format_ = view_format(alpha)
        mimetype = Image.MIME[format_]
        return Outcome(
            width=width,
            height=height,
            mimetype=mimetype,
            suffix=suffix_for(format_),
            view_mimetype=mimetype,
            model=colorizer.spec.name,
            model_title=colorizer.spec.title,
            weights_sha256=colorizer.weights_sha256,
            verified=colorizer.verified,
            uncoloured=False,
            format=format_.lower(),
            **_abilities(colorizer, answer, options),
        )


def _provenance(known: Outcome, photo: Photo) -> Provenance:
    """Return the provenance of a file of `photo` rendered from an earlier answer."""
    return Provenance(known.model, known.model_title, known.weights_sha256, known.verified, photo.sha256)


def _abilities(colorizer: Colorizer, prediction: Prediction, options: Options) -> dict[str, Any]:
    """Return the members of the outcome that depend on the network's answer."""
    spec = colorizer.spec
    return {
        "accepts_hints": spec.accepts_hints,
        "has_distribution": prediction.distribution is not None,
        "temperature": spec.temperature if options.temperature is None else options.temperature,
    }


def _noted(caught: list[warnings.WarningMessage]) -> bool:
    """Log the network's warnings; return whether one of them says that it gave no colour."""
    for warning in caught:
        _log.warning("%s", warning.message)
    return any(issubclass(warning.category, UncolouredWarning) for warning in caught)
