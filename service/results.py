"""A photo and its colours in, the files that people see and keep and what is to be said of them out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from colorizers.encode import suffix_for
from colorizers.lab import Pixels, eight_bits
from colorizers.photo import Photo
from colorizers.recipe import Recipe
from colorizers.results import LAYER, Page, container, write_result
from service.files import FileKind, PhotoFiles
from service.jobs import Job, Outcome
from service.promise import counting
from service.stages import Stages

VIEW_PX = 2048
_VIEW_QUALITY = 88
_LOSSY = ("JPEG", "WEBP")


class Results:
    """Writes the results of one application's photos."""

    def __init__(self, files: PhotoFiles) -> None:
        self._files = files

    def write(self, job: Job, first: Page, further: Iterator[Page], recipe: Recipe, stages: Stages) -> Outcome:
        """Write what `recipe` makes of a file's pages as the result of `job`: the file, the recipe, and a view.

        Raises `ColorizerError`, `StorageError`, or `OSError` where the disk is full.
        """
        format_ = container(first.photo, recipe)
        seen: list[tuple[Photo, Pixels]] = []
        pages = 0

        def count() -> Iterator[Page]:
            nonlocal pages
            pages = 1
            yield first
            for pages, page in enumerate(further, 2):  # noqa: B007  # counted for the outcome
                yield page

        def show(photo: Photo, rgb: Pixels) -> None:
            seen.append((photo, rgb))
            stages.begin("encode")

        stages.begin("render")
        with self._files.replace(job.id, "result") as path:
            write_result(path, count(), recipe, show)
            lossy = path.read_bytes() if format_ in _LOSSY else None
        with self._files.replace(job.id, "recipe") as path:
            path.write_bytes(recipe.to_json().encode())
        stages.begin("views")
        ((photo, rgb),) = seen
        with counting(photo.pixels, rgb, lossy, recipe.format != LAYER) as grays:
            self.write_view(job, "result-view", rgb, photo.alpha)
        exact, in_file = grays.result()
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
            changed_grays_file=in_file,
            was_colour=first.photo.had_colour,
            frames=first.photo.frames,
            frames_coloured=pages,
        )

    def write_view(self, job: Job, kind: FileKind, pixels: Pixels, alpha: Pixels | None) -> tuple[int, int]:
        """Write a view of the pixels, at most `VIEW_PX` a side; returns its width and height."""
        image = Image.fromarray(eight_bits(pixels))
        if alpha is not None:
            image.putalpha(Image.fromarray(eight_bits(alpha)))
        image.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
        with self._files.replace(job.id, kind) as path:
            image.save(path, view_format(alpha), quality=_VIEW_QUALITY)
        return image.size


def view_format(alpha: Pixels | None) -> str:
    """Return JPEG, which is quickest to write, unless there is transparency to show."""
    return "JPEG" if alpha is None else "WEBP"


def read_view(path: Path, most_px: int) -> tuple[Pixels, Pixels | None]:
    """Return the pixels of a view, gray or RGB, and its alpha if it has one, at most `most_px` a side."""
    with Image.open(path) as image:
        image.draft(None, (most_px, most_px))
        image.thumbnail((most_px, most_px), Image.Resampling.BILINEAR, reducing_gap=2.0)
        alpha = np.asarray(image.getchannel("A")) if "A" in image.getbands() else None
        return np.asarray(image if image.mode == "L" else image.convert("RGB")), alpha
