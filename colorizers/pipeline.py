"""The making of a result file from photos, their predictions and a recipe.

The command line, the service and `replay` all use these functions, so that they write the same bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol

from colorizers.colorizer import Colorizer
from colorizers.colorspace.lab import Pixels
from colorizers.errors import OtherWeightsError
from colorizers.fileformats.output_formats import check_output_size
from colorizers.metadata.xmp import Provenance
from colorizers.output.encode import output_format, write, write_layer, write_tiff
from colorizers.photo.photo_data import MAX_MEGAPIXELS, Photo
from colorizers.photo.resizing import fitted
from colorizers.photo.sandbox import Decoder
from colorizers.prediction.prediction import Prediction
from colorizers.recipe import Recipe
from colorizers.rendering.render import Rendering, render, render_bands
from colorizers.weights.registry import MODEL_DIR, find_spec, weights_path

LAYER = "layer"
_DEEP = ("PNG", "TIFF")
_LOSSY = ("JPEG", "WEBP")


class Observer(Protocol):
    """Receives the pixels of the first page of a file while it is written."""

    def begin(self, photo: Photo, gray: Pixels) -> None:
        """Receive the photo at the size and depth of its result, and pixels that have its gray levels."""

    def see(self, rgb: Pixels) -> None:
        """Receive the next rows RGB (n, w, 3) of the result, from top to bottom; all at once in most formats."""


@dataclass(frozen=True, eq=False)
class Page:
    """A photo or one page of a file, its prediction, and the provenance to be written into the result.

    `gray` are the photo's gray levels (h, w), if already computed; the result depends on nothing else of its pixels.
    """

    photo: Photo
    prediction: Prediction
    provenance: Provenance
    gray: Pixels | None = None


def container(photo: Photo, recipe: Recipe) -> str:
    """Return the format, as `encode` calls it, of the file that `recipe` makes of `photo`."""
    if recipe.format == LAYER:
        return "PNG"
    return output_format(photo) if recipe.format is None else recipe.format.upper()


def coloured(page: Page, recipe: Recipe) -> tuple[Photo, Pixels]:
    """Return the photo at the size and depth of its result, and the result's pixels RGB (h, w, 3)."""
    photo = _fitted(page.photo, recipe)
    return photo, render(_gray(page, photo), page.prediction, rendering_of(recipe))


def _gray(page: Page, photo: Photo) -> Pixels:
    """Return pixels with the gray levels of `photo`, which is the page's photo at the size and depth of the result."""
    return page.gray if page.gray is not None and photo.pixels is page.photo.pixels else photo.pixels


def _fitted(photo: Photo, recipe: Recipe) -> Photo:
    # A file of 8 bits keeps the grays of the photo in 8 bits only if the colours were made for these.
    deep = container(photo, recipe) in _DEEP and recipe.format != LAYER
    return fitted(photo, recipe.size_px, recipe.bits if deep else 8)


def rendering_of(recipe: Recipe) -> Rendering:
    """Return the rendering that `recipe` asks for."""
    return Rendering(saturation=recipe.saturation, warmth=recipe.warmth, edge_aware=recipe.edge_aware)


def write_result(path: Path, pages: Iterable[Page], recipe: Recipe, observer: Observer | None = None) -> bytes:
    """Write what `recipe` makes of `pages` to `path`, in one step; of formats without pages it is the first.

    Return the bytes of a JPEG or WebP file, so that it need not be read again; none of other formats. The pages are
    taken one at a time, and the pixels of a TIFF file band by band. `observer` is shown what the first page becomes.
    Raises `ColorizerError` where the format cannot hold the result.
    """
    remaining = iter(pages)
    first = next(remaining)
    format_ = container(first.photo, recipe)
    if format_ == "TIFF":
        further = remaining if first.photo.pages > 1 else ()
        bands = chain([_page_by_bands(first, recipe, observer)], (_page_by_bands(page, recipe) for page in further))
        write_tiff(path, bands, recipe.strip_location)
        return b""
    photo, rgb = coloured(first, recipe)
    if observer:
        observer.begin(photo, _gray(first, photo))
        observer.see(rgb)
    if recipe.format == LAYER:
        write_layer(path, photo, rgb, first.provenance, recipe.strip_location)
        return b""
    data = write(path, rgb, photo, first.provenance, format_, recipe.quality, recipe.strip_location)
    return data if format_ in _LOSSY else b""


def _page_by_bands(
    page: Page, recipe: Recipe, observer: Observer | None = None
) -> tuple[Iterator[Pixels], Photo, Provenance]:
    photo = _fitted(page.photo, recipe)
    gray = _gray(page, photo)
    bands = render_bands(gray, page.prediction, rendering_of(recipe))
    return bands if observer is None else _shown(observer, photo, gray, bands), photo, page.provenance


def _shown(observer: Observer, photo: Photo, gray: Pixels, bands: Iterator[Pixels]) -> Iterator[Pixels]:
    observer.begin(photo, gray)
    for band in bands:
        observer.see(band)
        yield band


def pages_of(colorizer: Colorizer, recipe: Recipe, open_page: Callable[[int], Photo], first: Photo) -> Iterator[Page]:
    """Yield the pages of a file with their predictions, the network running once for each.

    `first` is page 0, to which alone the hints apply; `open_page` opens page 1, 2, ...
    """
    for number in range(first.pages):
        photo = open_page(number) if number else first
        hints = () if number else recipe.hints
        yield Page(photo, colorizer.predict(photo, hints, recipe.temperature), colorizer.provenance(photo))


def replay(
    recipe: Recipe,
    source: Path,
    target: Path,
    model_dir: Path = MODEL_DIR,
    use_gpu: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> bool:
    """Write what `recipe` makes of the photo `source` to `target`; return whether it is the photo it was made for.

    Raises `OtherWeightsError` where the installed weights are not the recipe's, and what opening a photo, loading a
    network and writing raise.
    """
    colorizer = colorizer_for(recipe, model_dir, use_gpu)
    with Decoder(max_megapixels) as decoder:
        photo = decoder.open(source)
        check_output_size(photo.width, photo.height, container(photo, recipe), recipe.size_px)
        opened = pages_of(colorizer, recipe, partial(decoder.open, source), photo)
        write_result(target, opened, recipe)
    return recipe.original_sha256 in (None, photo.sha256)


def colorizer_for(recipe: Recipe, model_dir: Path = MODEL_DIR, use_gpu: bool = False) -> Colorizer:
    """Return the network with the weights that `recipe` names; raises `OtherWeightsError` or `WeightsError`."""
    spec = find_spec(recipe.model, model_dir)
    path = weights_path(spec, model_dir)
    is_registered = spec.sha256 in (None, recipe.weights_sha256) or not path.exists()
    colorizer = (
        Colorizer.from_name(spec.name, model_dir, use_gpu) if is_registered else Colorizer(path, use_gpu, model_dir)
    )
    if colorizer.weights_sha256 != recipe.weights_sha256:
        raise OtherWeightsError(
            f"The recipe was made with other weights of {spec.name} (SHA-256 {recipe.weights_sha256}) than those that "
            f"are installed at {path} ({colorizer.weights_sha256}), so it cannot give the same result.",
            name=spec.name,
            wanted=recipe.weights_sha256,
            installed=colorizer.weights_sha256,
        )
    return colorizer
