"""`python -m benchmarks pipeline`: file to file, against the published demo, with memory in a fresh process."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import nn

from benchmarks.speed import demo_pipeline
from benchmarks.speed.library_pipeline import growth_mib, pipeline
from benchmarks.support.measure import Times, alternating
from benchmarks.support.model_folder import Models, prepare
from benchmarks.support.photos import toned_print
from benchmarks.support.table import Record
from colorizers.colorizer import Colorizer, network_lightness
from colorizers.colorspace.lab import Pixels
from colorizers.kernels.malloc import keep_freed_memory
from colorizers.networks.load import load_network
from colorizers.photo.photo import open_photo
from colorizers.prediction.prediction import Prediction
from colorizers.rendering.color_pass import count_changed_grays, gray_levels
from colorizers.rendering.render import FAITHFUL, PUBLISHED, Rendering, render
from colorizers.weights.registry import ModelSpec

SIZES = (0.25, 2.0, 12.0, 48.0)
_COMPARED_WITH = {"default": "eccv16"}
_WARM_UP_MEGAPIXELS = 0.25


def run(models: Models, sizes: Sequence[float] = SIZES, repeats: int | None = None) -> Iterator[Record]:
    """Yield one record for every size and network."""
    # As the worker and the command line do; the reference has the same heap.
    keep_freed_memory()
    warm_up = _file(models, _WARM_UP_MEGAPIXELS)
    for size in sizes:
        photo = _file(models, size)
        for name, spec in models.specs.items():
            partner = _COMPARED_WITH.get(name, name)
            network = published_network(prepare([partner], models.folder).specs[partner], models.folder)
            colorizer = Colorizer.from_name(spec.name, models.folder)
            data = photo.read_bytes()
            times = alternating(
                {
                    "reference": partial(demo_pipeline.pipeline, data, network),
                    "published": partial(pipeline, data, colorizer, PUBLISHED),
                    "default": partial(pipeline, data, colorizer, FAITHFUL),
                },
                repeats,
            )
            record = _speed(size, name, partner, colorizer.precision, times)
            record |= _again(data, colorizer, repeats)
            record |= _agreement(data, network, colorizer) if partner == name else {}
            rgb = colorizer.colorize(open_photo(data))
            record["grays changed"] = count_changed_grays(open_photo(data).pixels, rgb)
            record["default MiB"] = growth_mib(spec.name, models.folder, warm_up, photo)
            yield record


def published_network(spec: ModelSpec, folder: Path) -> nn.Module:
    """Return a network in single precision, its weights laid out in memory as their authors' package has them."""
    module = cast(nn.Module, load_network(spec, folder).module)
    return nn.utils.convert_conv2d_weight_memory_format(module, torch.contiguous_format)


def _file(models: Models, megapixels: float) -> Path:
    path = models.folder / f"{megapixels:g}.jpg"
    path.write_bytes(toned_print(megapixels))
    return path


def _speed(size: float, name: str, partner: str, precision: torch.dtype, times: dict[str, Times]) -> Record:
    ours, exact, theirs = times["published"], times["default"], times["reference"]
    return {
        "MP": size,
        "network": name,
        "reference": partner,
        "precision": str(precision).removeprefix("torch."),
        "reference CPU ms": theirs.cpu_ms,
        "published CPU ms": ours.cpu_ms,
        "ratio": theirs.cpu_ms / ours.cpu_ms,
        "default CPU ms": exact.cpu_ms,
        "default/published": exact.cpu_ms / ours.cpu_ms,
        "reference wall ms": theirs.wall_ms,
        "published wall ms": ours.wall_ms,
        "default wall ms": exact.wall_ms,
    }


def _again(data: bytes, colorizer: Colorizer, repeats: int | None) -> Record:
    """Return what another vividness costs, encoder aside, beside the first render: file to pixels, network included.

    Of the photo its gray levels have been kept: without clipping, a result depends on nothing else of it.
    """
    photo = open_photo(data)
    prediction, gray = colorizer.predict(photo), gray_levels(photo.pixels)
    del photo
    times = alternating(
        {
            "first": lambda: colorizer.colorize(open_photo(data)),
            "again": partial(render, gray, prediction, Rendering(saturation=1.3)),
        },
        repeats,
    )
    first, again = times["first"].cpu_ms, times["again"].cpu_ms
    return {"first render CPU ms": first, "re-render CPU ms": again, "re-render/first": again / first}


def _agreement(data: bytes, network: nn.Module, colorizer: Colorizer) -> Record:
    """Return by how many levels the published settings differ from the reference: with its ab, and with our own."""
    expected = demo_pipeline.colorize(data, network)
    photo = open_photo(data)
    L = network_lightness(photo, colorizer.spec)
    with torch.inference_mode():
        ab = demo_pipeline.forward(network, torch.from_numpy(L)[None, None])[0].numpy()
    same_ab = render(photo.pixels, Prediction(ab, L), PUBLISHED)
    levels = _difference(same_ab, expected)
    del same_ab
    return {"levels, same ab": levels, "levels, all": _difference(colorizer.colorize(photo, PUBLISHED), expected)}


def _difference(first: Pixels, second: Pixels) -> int:
    return max(int(np.abs(a.astype(np.int16) - b).max()) for a, b in zip(first, second, strict=True))
