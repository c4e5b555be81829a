"""A job in, its files in storage and its `Outcome` out: the work itself. Only the worker imports this.

The network runs once for a photo; its answer is kept beside the photo, and everything else is made of that. Doing a job
twice is harmless: every file appears whole, by rename, and is the same both times: it holds no time and no id.
"""

import copy
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from colorizers.colorizer import Colorizer, UncolouredWarning
from colorizers.kernels.malloc import keep_freed_memory
from colorizers.metadata.xmp import Provenance
from colorizers.output.encode import suffix_for
from colorizers.photo.photo_data import Photo
from colorizers.photo.sandbox import Decoder
from colorizers.pipeline import Page
from colorizers.prediction.prediction import Prediction
from colorizers.recipe import Recipe
from colorizers.rendering.render import Rendering, render
from service.coloring.network_cache import Networks
from service.coloring.original_cache import Original, OriginalCache
from service.coloring.stopwatch import Stages
from service.coloring.write_outputs import Results, read_view, view_format
from service.domain.job import Job, Outcome, new_job_id
from service.domain.options import Options
from service.settings import Settings
from service.storage.local import PhotoFiles
from service.storage.predictions import keeping_pages, kept_pages, read_prediction, write_prediction

PREVIEW_PX = 1024
_WARM_UP_SIZE = 320, 240

_log = logging.getLogger(__name__)


class Painter:
    """Colours the photos of one application; keeps networks and decoder from one job to the next."""

    def __init__(self, settings: Settings, files: PhotoFiles) -> None:
        keep_freed_memory()
        self._networks = Networks(settings)
        self._decoder = Decoder(settings.max_megapixels)
        self._decoder.start()
        self._use(files)
        self.is_warm = False
        """Whether it has coloured a photo."""

    def _use(self, files: PhotoFiles) -> None:
        self._files = files
        self._originals = OriginalCache(files, self._decoder)
        self._results = Results(files)

    def close(self) -> None:
        """End the decoder's process, and let go of what is at hand."""
        self._originals.forget()
        self._decoder.close()

    def warm_up(self) -> None:
        """Colour a small photo in a folder of its own with the network that is used where none is asked for.

        From the decoder to the last file it takes the way of every photo: the next one waits for nothing that is done
        once. Raises what `paint` raises.
        """
        with tempfile.TemporaryDirectory(prefix="photo-colorizer-") as folder, warnings.catch_warnings():
            # Of a picture without a subject, some networks think that it has no colours.
            warnings.simplefilter("ignore", UncolouredWarning)
            job = Job(new_job_id(), "running", "warm-up", "image/jpeg", *_WARM_UP_SIZE, created_at=0.0, queued_at=0.0)
            files = PhotoFiles(Path(folder))
            files.make_room(job.id)
            with files.replace(job.id, "original") as path:
                Image.linear_gradient("L").resize(_WARM_UP_SIZE).convert("RGB").save(path, "JPEG")
            elsewhere = copy.copy(self)
            elsewhere._use(files)
            elsewhere._colorize(job, Stages(lambda _: None))
            elsewhere._originals.forget()
        self.is_warm = True

    def paint(self, job: Job, parent: Job | None, report: Callable[[str], None]) -> Outcome:
        """Do `job`, whose parent is `parent`, and write its files; tells `report` which step it is at.

        Raises `ColorizerError`, `StorageError`, or whatever nobody expected.
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
        """Let the network colour the photo, and keep its answer."""
        colorizer, options = self._networks.get(job.options.model), job.options
        stages.begin("open")
        with self._originals.open(job.id, anew=True) as original:
            photo = original.photo
            stages.begin("predict")
            answer = colorizer.predict(photo, options.hints, options.temperature)
            write_prediction(self._files, job.id, answer)
            recipe = colorizer.recipe(
                photo, hints=options.hints, temperature=options.temperature, **_of_rendering(options)
            )
            first = Page(photo, answer, colorizer.provenance(photo), original.gray)
            further = self._colour_further(job, colorizer, original)
            outcome = self._results.write(job, first, further, recipe, stages)
            self._results.write_view(job, "original-view", photo.pixels, photo.alpha)
        return replace(outcome, **_abilities(colorizer, answer, options))

    def _colour_further(self, job: Job, colorizer: Colorizer, original: Original) -> Iterator[Page]:
        """Yield the pages after the first, of which alone hints speak, and keep the network's answers for them too."""
        if original.photo.pages == 1:
            return
        with keeping_pages(self._files, job.id) as keep:
            for number in range(1, original.photo.pages):
                photo = original.page(number)
                answer = colorizer.predict(photo, (), job.options.temperature)
                keep(number, answer)
                yield Page(photo, answer, colorizer.provenance(photo))

    def _render(self, job: Job, parent: Job, stages: Stages) -> Outcome:
        """Make another file of the colours that a photo has; no network runs."""
        known = parent.outcome
        assert known is not None
        answer = read_prediction(self._files, parent.id)
        with self._files.fetch(parent.id, "recipe") as path:
            recipe = replace(Recipe.from_json(path.read_bytes()), **_of_rendering(job.options))
        stages.begin("open")
        with self._originals.open(parent.id) as original:
            first = Page(original.photo, answer, _provenance(known, original.photo), original.gray)
            further = self._read_further(parent, known, original)
            outcome = self._results.write(job, first, further, recipe, stages)
        return replace(outcome, uncoloured=known.uncoloured, temperature=known.temperature)

    def _read_further(self, parent: Job, known: Outcome, original: Original) -> Iterator[Page]:
        """Yield the pages after the first, if they have been coloured."""
        if known.frames_coloured == 1:
            return
        with kept_pages(self._files, parent.id) as read:
            for number in range(1, known.frames_coloured):
                photo = original.page(number)
                yield Page(photo, read(number), _provenance(known, photo))

    def _preview(self, job: Job, parent: Job, stages: Stages) -> Outcome:
        """Show a photo in the colours that a network gives the small picture that was kept of it."""
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
    """Return what a file of `photo` says of the network that gave its colours before."""
    return Provenance(known.model, known.model_title, known.weights_sha256, known.verified, photo.sha256)


def _of_rendering(options: Options) -> dict[str, Any]:
    """Return what a recipe says of the steps after the network."""
    names = ("saturation", "warmth", "format", "quality", "bits", "size_px", "strip_location")
    return {name: getattr(options, name) for name in names}


def _abilities(colorizer: Colorizer, prediction: Prediction, options: Options) -> dict[str, Any]:
    """Return what can be asked about a network's answer, as members of the outcome."""
    spec = colorizer.spec
    return {
        "accepts_hints": spec.accepts_hints,
        "has_distribution": prediction.distribution is not None,
        "temperature": spec.temperature if options.temperature is None else options.temperature,
    }


def _noted(caught: list[warnings.WarningMessage]) -> bool:
    """Log the network's warnings; return whether one of them is that it gave no colour."""
    for warning in caught:
        _log.warning("%s", warning.message)
    return any(issubclass(warning.category, UncolouredWarning) for warning in caught)
