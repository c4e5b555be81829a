"""Writing of a job's output files: the result, its recipe, and the views that pages show."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from colorizers.colorspace.lab import Pixels
from colorizers.output.encode import suffix_for
from colorizers.photo.photo_data import Photo
from colorizers.pipeline import LAYER, Page, container, write_result
from colorizers.recipe import Recipe
from service.coloring.gray_fidelity import GrayCounter
from service.coloring.stopwatch import Stages
from service.coloring.streaming_resize import StreamingResize
from service.domain.job import Job, Outcome
from service.storage.base import FileKind
from service.storage.local import PhotoFiles

VIEW_PX = 2048
_VIEW_QUALITY = 88
_VIEW_ROWS = 1024


class Results:
    """Writer of output files to one storage."""

    def __init__(self, files: PhotoFiles) -> None:
        self._files = files

    def write(
        self, job: Job, first: Page, further: Iterable[Page], page_count: int, recipe: Recipe, stages: Stages
    ) -> Outcome:
        """Write the result file, its recipe and a view of it, as `recipe` says.

        `further` yields the pages after the first of `page_count`, which only a TIFF file takes. Raises
        `ColorizerError`, `StorageError`, or `OSError` where the disk is full.
        """
        format_ = container(first.photo, recipe)
        stages.begin("render")
        with ThreadPoolExecutor(1, "grays") as thread:
            observer = _Observer(stages, thread)
            with self._files.replace(job.id, "result") as path:
                lossy = write_result(path, chain([first], further), recipe, observer)
            stages.begin("views")
            in_file = observer.grays.see_file(lossy) if lossy else None
            with self._files.replace(job.id, "recipe") as path:
                path.write_bytes(recipe.to_json().encode())
            self._save_view(job, "result-view", observer.view.picture())
            exact = observer.grays.exact()
            # A transparent layer has no gray levels of its own.
            changed_in_file = None if recipe.format == LAYER else in_file.result() if in_file else exact
        photo = observer.photo
        return Outcome(
            width=photo.width,
            height=photo.height,
            mimetype=Image.MIME[format_],
            suffix=suffix_for(format_),
            view_mimetype=Image.MIME[view_format(photo.alpha)],
            model=first.provenance.model,
            model_title=first.provenance.title,
            weights_sha256=first.provenance.weights_sha256,
            verified=first.provenance.verified,
            uncoloured=False,
            format=recipe.format or format_.lower(),
            pixels=photo.width * photo.height,
            changed_grays_exact=exact,
            changed_grays_file=changed_in_file,
            was_colour=first.photo.had_colour,
            frames=first.photo.frames,
            frames_coloured=page_count if format_ == "TIFF" else 1,
        )

    def write_view(self, job: Job, kind: FileKind, pixels: Pixels, alpha: Pixels | None) -> tuple[int, int]:
        """Write a view of the pixels, at most `VIEW_PX` a side; return its width and height."""
        height, width = pixels.shape[:2]
        view = StreamingResize(width, height, VIEW_PX)
        for top in range(0, height, _VIEW_ROWS):
            rows = slice(top, top + _VIEW_ROWS)
            view.see(pixels[rows], None if alpha is None else alpha[rows])
        self._save_view(job, kind, view.picture())
        return view.size

    def _save_view(self, job: Job, kind: FileKind, picture: Image.Image) -> None:
        with self._files.replace(job.id, kind) as path:
            picture.save(path, "WEBP" if picture.mode in ("LA", "RGBA") else "JPEG", quality=_VIEW_QUALITY)


class _Observer:
    """Observer of the rendered rows: makes the view of a result and counts its changed gray levels."""

    photo: Photo
    view: StreamingResize
    grays: GrayCounter

    def __init__(self, stages: Stages, thread: ThreadPoolExecutor) -> None:
        self._stages = stages
        self._thread = thread
        self._row = 0

    def begin(self, photo: Photo, gray: Pixels) -> None:
        self.photo = photo
        self.view = StreamingResize(photo.width, photo.height, VIEW_PX)
        self.grays = GrayCounter(gray, self._thread)

    def see(self, rgb: Pixels) -> None:
        if not self._row:
            self._stages.begin("encode")
        self.grays.see(rgb)
        rows = slice(self._row, self._row + len(rgb))
        self._row = rows.stop
        self.view.see(rgb, None if self.photo.alpha is None else self.photo.alpha[rows])
        if self._row < self.photo.height:
            self.grays.exact()  # Waits, as rows that are still to be counted take memory.


def view_format(alpha: Pixels | None) -> str:
    """Return JPEG, the quickest to write, or WebP where there is transparency."""
    return "JPEG" if alpha is None else "WEBP"


def read_view(path: Path, most_px: int) -> tuple[Pixels, Pixels | None]:
    """Return the pixels of a view, gray or RGB, and its alpha if any, scaled to at most `most_px` a side."""
    with Image.open(path) as image:
        image.draft(None, (most_px, most_px))
        image.thumbnail((most_px, most_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
        alpha = np.asarray(image.getchannel("A")) if "A" in image.getbands() else None
        return np.asarray(image if image.mode == "L" else image.convert("RGB")), alpha
