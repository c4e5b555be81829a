"""`python -m benchmarks network|colour|codecs`: the steps of the pipeline one by one, against what the demo uses."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from skimage import color

from benchmarks.speed import demo_pipeline
from benchmarks.speed.pipeline import published_network
from benchmarks.support.measure import alternating
from benchmarks.support.model_folder import Models
from benchmarks.support.photos import pixels, toned_print
from benchmarks.support.table import Record
from colorizers.colorizer import Colorizer, network_lightness
from colorizers.metadata.xmp import Provenance
from colorizers.networks.half_precision import ColorNetwork
from colorizers.output.encode import encode
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo, rgb8
from colorizers.prediction.prediction import Prediction
from colorizers.recipe import QUALITY
from colorizers.rendering.color_pass import gray_levels
from colorizers.rendering.render import FAITHFUL, PUBLISHED, Rendering, render
from colorizers.weights.registry import find_spec

SIZES = (2.0, 12.0)
_NOBODY = Provenance("none", "none", "0" * 64, False, "0" * 64)


def network(models: Models, repeats: int | None = None) -> Iterator[Record]:
    """Yield one record for every network: as published, and in the precision that the library takes here."""
    photo = open_photo(toned_print(2.0))
    for name, spec in models.specs.items():
        colorizer = Colorizer.from_name(spec.name, models.folder)
        published = published_network(spec, models.folder)
        seen = network_lightness(photo, colorizer.spec)
        L = torch.from_numpy(seen)[None, None]
        none = torch.zeros_like(L)
        predict = partial(_full, published, L, none, spec.temperature)
        baseline = partial(demo_pipeline.forward, published, L) if name != "default" else predict
        times = alternating({"reference": baseline, "library": partial(colorizer.predict, photo)}, repeats)
        difference = np.abs(predict() - colorizer.predict(photo).ab)
        yield {
            "network": name,
            "input": f"{seen.shape[1]}x{seen.shape[0]}",
            "precision": str(colorizer.precision).removeprefix("torch."),
            "reference CPU ms": times["reference"].cpu_ms,
            "library CPU ms": times["library"].cpu_ms,
            "ratio": times["reference"].cpu_ms / times["library"].cpu_ms,
            "ab off, mean": float(difference.mean()),
            "ab off, most": float(difference.max()),
        }


def _full(
    network: torch.nn.Module, L: torch.Tensor, none: torch.Tensor, temperature: float | None
) -> NDArray[np.float32]:
    with torch.inference_mode():
        return cast(ColorNetwork, network).predict(L, none.expand(-1, 2, -1, -1), none, temperature)[0].numpy()


def colour(sizes: Sequence[float] = SIZES, repeats: int | None = None) -> Iterator[Record]:
    """Yield one record for every size and kind of colour pass: skimage's way against ours, from pixels to pixels."""
    ab = _some_ab()
    for size in sizes:
        toned = pixels(size)
        gray = gray_levels(toned)
        L = network_lightness(Photo(toned, None, "PNG", 1, ""), find_spec("siggraph17"))
        prediction = Prediction(ab, L)
        tasks: dict[str, Callable[[], object]] = {"reference": partial(_reference_colour, toned, ab)}
        for title, rendering in (("published", PUBLISHED), ("default", FAITHFUL)):
            tasks[f"{title}, toned"] = partial(render, toned, prediction, rendering)
            tasks[f"{title}, gray"] = partial(render, gray, prediction, rendering)
        tasks["bilinear, exact, gray"] = partial(render, gray, prediction, Rendering(edge_aware=False))
        deep = gray.astype(np.uint16) * np.uint16(257)
        tasks["default, gray 16 bit"] = partial(render, deep, prediction)
        times = alternating(tasks, repeats)
        for title, taken in times.items():
            ratio = times["reference"].cpu_ms / taken.cpu_ms
            yield {"MP": size, "pass": title, "CPU ms": taken.cpu_ms, "wall ms": taken.wall_ms, "ratio": ratio}


def codecs(sizes: Sequence[float] = SIZES, repeats: int | None = None) -> Iterator[Record]:
    """Yield one record for every size and codec: Pillow's defaults against what the library does."""
    for size in sizes:
        data = toned_print(size)
        photo = open_photo(data)
        rgb = rgb8(photo)
        for title, theirs, ours in (
            ("JPEG decode", partial(demo_pipeline.decode, data), partial(open_photo, data)),
            ("JPEG encode", partial(_save, rgb, "JPEG", quality=QUALITY, subsampling=0), _encoding(rgb, photo, "JPEG")),
            ("PNG encode", partial(_save, rgb, "PNG"), _encoding(rgb, photo, "PNG")),
        ):
            times = alternating({"reference": theirs, "library": ours}, repeats)
            record: Record = {
                "MP": size,
                "what": title,
                "Pillow CPU ms": times["reference"].cpu_ms,
                "library CPU ms": times["library"].cpu_ms,
                "ratio": times["reference"].cpu_ms / times["library"].cpu_ms,
            }
            for name, task in (("Pillow", theirs), ("library", ours)):
                made = task()
                record |= {f"{name} MB": len(made) / 1e6} if isinstance(made, bytes) else {}
            yield record


def _encoding(rgb: NDArray[np.uint8], photo: Photo, format_: str) -> Callable[[], bytes]:
    return partial(encode, rgb, photo, _NOBODY, format_)


def _some_ab() -> NDArray[np.float32]:
    """Return a smooth ab picture (2, 256, 256) with all hues and the chroma of a lively photo, 20 on average."""
    y, x = np.mgrid[0:256, 0:256] / 256 * 2 * np.pi
    return (20 * np.stack([np.sin(x + 2 * y), np.cos(3 * x - y)])).astype(np.float32)


def _reference_colour(toned: NDArray[np.uint8], ab: NDArray[np.float32]) -> NDArray[np.uint8]:
    L = torch.from_numpy(color.rgb2lab(toned)[..., 0].astype(np.float32))
    large = F.interpolate(torch.from_numpy(ab)[None], L.shape, mode="bilinear")[0]
    return demo_pipeline.to_8_bits(color.lab2rgb(torch.cat([L[None], large]).numpy().transpose(1, 2, 0)))


def _save(rgb: NDArray[np.uint8], format_: str, **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(rgb).save(file, format_, **options)
    return file.getvalue()
