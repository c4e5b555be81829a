"""Files and outcomes of jobs: reproducible bytes from one answer of the network."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from PIL import Image, ImageSequence

from colorizers.colorizer import Colorizer
from colorizers.pipeline import replay
from colorizers.prediction.distribution import Distribution
from colorizers.prediction.hints import Hint
from colorizers.prediction.prediction import Prediction
from colorizers.recipe import Options, Recipe
from service.coloring.painter import PREVIEW_PX, Painter
from service.domain.job import Job, Kind, Outcome
from service.settings import Settings
from service.storage.base import FileKind
from service.storage.local import PhotoFiles
from tests.service.conftest import MakeSettings
from tests.support.uploads import as_file, chroma, pixels_of, scene

PHOTO, CHILD = "a" * 32, "b" * 32
WARM = Hint(x=0.25, y=0.5, radius=0.2, a=40.0, b=40.0)


@pytest.fixture(scope="module")
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings()


@pytest.fixture(scope="module")
def painters(settings: Settings) -> Iterator[Painter]:
    painter = Painter.of(settings, PhotoFiles(settings.data_dir))
    yield painter
    painter.close()


@pytest.fixture
def files(settings: Settings) -> Iterator[PhotoFiles]:
    there = PhotoFiles(settings.data_dir)
    yield there
    there.remove(PHOTO)
    there.remove(CHILD)


@pytest.fixture
def paint(painters: Painter, files: PhotoFiles) -> Callable[..., Job]:
    """Return a function that does a job for a photo, or for the child of a job, and returns the job as done."""

    def do(source: bytes | Job, kind: Kind = "colorization", **options: Any) -> Job:
        parent = source if isinstance(source, Job) else None
        job_id = CHILD if parent else PHOTO
        files.remove(job_id)
        files.make_room(job_id)
        if isinstance(source, bytes):
            with files.replace(job_id, "original") as path:
                path.write_bytes(source)
        new = Job(job_id, "running", "p", "image/jpeg", 1, 1, 0.0, 0.0, kind=kind, options=Options(**options))
        return replace(new, status="done", outcome=painters.paint(new, parent, lambda _: None))

    return do


def read(files: PhotoFiles, job: Job, kind: FileKind = "result") -> bytes:
    with files.open(job.id, kind) as file:
        return file.read()


def outcome(job: Job) -> Outcome:
    assert job.outcome is not None
    return job.outcome


Paint = Callable[..., Job]


def test_photo_keeps_the_networks_answer_and_reports_its_steps(
    painters: Painter, paint: Paint, files: PhotoFiles
) -> None:
    done = paint(as_file(scene(), "PNG"))
    prediction = Prediction.from_bytes(read(files, done, "prediction"))
    distribution = Distribution.from_bytes(read(files, done, "distribution"))
    assert prediction.photo_size == (120, 80)
    assert prediction.ab.shape[1:] == distribution.logits.shape[1:]
    assert outcome(done).has_distribution
    assert outcome(done).accepts_hints
    assert list(outcome(done).timings) == ["open_s", "predict_s", "render_s", "encode_s", "views_s"]
    steps: list[str] = []
    painters.paint(done, None, steps.append)
    assert steps == ["opening", "predicting", "rendering", "encoding"]


def test_every_file_is_the_same_the_second_time(paint: Paint, files: PhotoFiles) -> None:
    kinds = get_args(FileKind)
    exif = Image.Exif()
    exif[0x010E] = "A street"
    first, again = (
        [read(files, done, kind) for done in [paint(several("TIFF", exif))] for kind in kinds] for _ in range(2)
    )
    assert first == again


def test_recipe_replays_to_the_same_bytes(paint: Paint, files: PhotoFiles, settings: Settings, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(as_file(scene()))
    done = paint(photo.read_bytes(), hints=(WARM,), temperature=0.5, warmth=0.2, format="webp", quality=70, size_px=100)
    recipe = Recipe.from_json(read(files, done, "recipe"))
    assert replay(recipe, photo, tmp_path / "again", settings.model_dir)
    assert (tmp_path / "again").read_bytes() == read(files, done)


@pytest.mark.parametrize(
    ("options", "mode", "size"),
    [
        ({}, "RGB", (120, 80)),
        ({"format": "png", "size_px": 60}, "RGB", (60, 40)),
        ({"format": "webp", "quality": 60, "saturation": 2.0}, "RGB", (120, 80)),
        ({"format": "tiff", "bits": 16, "warmth": -1.0}, "RGB", (120, 80)),
        ({"format": "jpeg", "size_px": 4000}, "RGB", (120, 80)),
        ({"format": "layer"}, "RGBA", (120, 80)),
    ],
)
def test_render_is_what_colouring_with_those_options_gives(
    paint: Paint, files: PhotoFiles, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], mode: str, size: Any
) -> None:
    directly = paint(as_file(scene()), **options)
    wanted, recipe = read(files, directly), read(files, directly, "recipe")
    parent = paint(as_file(scene()))
    with monkeypatch.context() as patch:
        patch.setattr(Colorizer, "_run", None)
        render = paint(parent, "render", **options)
    assert read(files, render) == wanted
    assert read(files, render, "recipe") == recipe
    members = vars(outcome(directly)) | {"timings": None, "has_distribution": None, "accepts_hints": None}
    assert vars(outcome(render)) | {"timings": None, "has_distribution": None, "accepts_hints": None} == members
    with Image.open(io.BytesIO(wanted)) as image:
        assert (image.mode, image.size) == (mode, size)
        assert image.size == (outcome(render).width, outcome(render).height)
        assert Image.MIME[str(image.format)] == outcome(render).mimetype


def test_photo_that_was_just_coloured_is_rendered_without_reading_its_file(paint: Paint, files: PhotoFiles) -> None:
    toned = np.stack([scene(), scene() // 2, scene() // 3], axis=2)
    wanted = read(files, paint(as_file(toned, "PNG"), saturation=1.5))
    parent = paint(as_file(toned, "PNG"))
    assert outcome(parent).was_colour
    with files.replace(PHOTO, "original") as path:
        path.write_bytes(b"nobody reads this again")
    for _ in range(2):
        assert read(files, paint(parent, "render", saturation=1.5)) == wanted


def test_deleted_photo_is_not_rendered_from_memory(paint: Paint, files: PhotoFiles) -> None:
    parent = paint(as_file(scene()))
    files.remove(PHOTO)
    with pytest.raises(FileNotFoundError):
        paint(parent, "render", saturation=1.5)


def test_preview_follows_hints_from_the_small_answer_alone(paint: Paint, files: PhotoFiles) -> None:
    parent = paint(as_file(scene(1500, 1000)))
    with files.replace(PHOTO, "original") as path:
        path.write_bytes(b"nobody reads this again")
    plain = Prediction.from_bytes(read(files, parent, "prediction"))
    preview = paint(parent, "preview", hints=(WARM,))
    hinted = Prediction.from_bytes(read(files, preview, "prediction"))
    assert (outcome(preview).width, outcome(preview).height) == (PREVIEW_PX, 683)
    view = pixels_of(read(files, preview, "result-view"))
    assert view.shape == (683, PREVIEW_PX, 3)
    assert chroma(view) > 20
    assert np.hypot(*hinted.ab).max() > np.hypot(*plain.ab).max()
    assert np.array_equal(hinted.L, plain.L)
    same = paint(parent, "preview")
    assert np.array_equal(Prediction.from_bytes(read(files, same, "prediction")).ab, plain.ab)


def test_exact_file_changes_no_gray_and_a_lossy_one_is_measured(paint: Paint) -> None:
    noisy = np.clip(scene() + np.random.default_rng(1).normal(0, 9, (80, 120)), 0, 255).astype(np.uint8)
    exact = outcome(paint(as_file(noisy, "PNG")))
    assert (exact.pixels, exact.changed_grays_exact, exact.changed_grays_file) == (9600, 0, 0)
    for options in ({"format": "jpeg", "quality": 60}, {"format": "webp", "quality": 60}):
        lossy = outcome(paint(as_file(noisy, "PNG"), **options))
        assert lossy.changed_grays_exact == 0
        assert 1000 < (lossy.changed_grays_file or 0) <= 9600
    layer = outcome(paint(as_file(noisy, "PNG"), format="layer"))
    assert (layer.changed_grays_exact, layer.changed_grays_file) == (0, None)


def test_sixteen_bit_photo_keeps_its_grays_as_an_eight_bit_file(paint: Paint) -> None:
    deep = scene().astype(np.uint16) * 250 + 77
    done = outcome(paint(as_file(deep, "TIFF"), format="png", bits=8))
    assert (done.changed_grays_exact, done.changed_grays_file, done.was_colour) == (0, 0, False)


def test_location_is_left_out_where_asked(paint: Paint, files: PhotoFiles) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[2] = (51.0, 30.0, 0.0)
    photo = as_file(scene(), exif=exif.tobytes())
    for strip, there in ((False, True), (True, False)):
        with Image.open(io.BytesIO(read(files, paint(photo, strip_location=strip)))) as image:
            assert bool(image.getexif().get_ifd(0x8825)) == there


def pages_of(data: bytes) -> list[Any]:
    with Image.open(io.BytesIO(data)) as image:
        return [np.asarray(page.convert("RGB")) for page in ImageSequence.Iterator(image)]


def several(format_: str, exif: Image.Exif | None = None) -> bytes:
    frames = [Image.fromarray(np.roll(scene(), shift)) for shift in (0, 20, 40)]
    buffer = io.BytesIO()
    frames[0].save(buffer, format_, save_all=True, append_images=frames[1:], exif=exif or Image.Exif())
    return buffer.getvalue()


def test_all_pages_of_a_tiff_are_coloured_and_rendered_again_without_the_network(
    paint: Paint, files: PhotoFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = paint(several("TIFF"), hints=(WARM,))
    pages = pages_of(read(files, parent))
    assert (outcome(parent).frames, outcome(parent).frames_coloured) == (3, 3)
    assert [chroma(page) > 20 for page in pages] == [True] * 3
    monkeypatch.setattr(Colorizer, "_run", None)
    again = paint(parent, "render")
    assert read(files, again) == read(files, parent)
    assert outcome(paint(parent, "render", format="png")).frames_coloured == 1
    gray = paint(parent, "render", saturation=0.0)
    assert [chroma(page) <= 1 for page in pages_of(read(files, gray))] == [True] * 3


def test_of_an_animation_the_first_frame_is_coloured(paint: Paint) -> None:
    done = outcome(paint(several("GIF")))
    assert (done.frames, done.frames_coloured, done.format) == (3, 1, "png")
