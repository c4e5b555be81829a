"""`python -m benchmarks upsampling FOLDER`: true colours reduced and brought back, edge-aware against bilinear."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from skimage import color

from benchmarks.support.table import Record
from colorizers.colorizer import network_lightness
from colorizers.colorspace.lab import gray_share
from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import Photo, rgb8
from colorizers.rendering.guided_upsampling import edge_aware_planes
from colorizers.weights.registry import ModelSpec, find_spec

_BAND_ROWS = 256
_LIKE_DEFAULT = ModelSpec("", "", "", "", "", "", working_size_px=192, keeps_aspect=True, size_multiple=16)


def run(paths: list[Path]) -> Iterator[Record]:
    """Yield one record for every photo and size of ab: the mean chroma error of both ways, in ab units.

    The true ab is reduced by its mean over areas to the sizes at which the networks answer; L is the one that they
    see. Both ways interpolate the same small ab.
    """
    square = find_spec("siggraph17")
    for path in paths:
        photo = open_photo(path)
        lab = _lab(photo)
        for title, spec, divisor in (("256x256", square, 1), ("64x64", square, 4), ("1/4 of 192", _LIKE_DEFAULT, 4)):
            L = network_lightness(photo, spec)
            size = (L.shape[0] // divisor, L.shape[1] // divisor)
            ab = F.interpolate(torch.from_numpy(lab[1:])[None], size, mode="area")[0].numpy()
            bilinear = chroma_error(lab, ab)
            edge_aware = chroma_error(lab, edge_aware_planes(ab, L))
            yield {
                "photo": path.name,
                "MP": photo.width * photo.height / 1e6,
                "ab": title,
                "bilinear": bilinear,
                "edge-aware": edge_aware,
                "edge-aware/bilinear": edge_aware / bilinear,
            }


def summary(records: list[Record]) -> Iterator[Record]:
    """Yield for every size of ab the mean and the worst ratio over the photos."""
    for title in dict.fromkeys(record["ab"] for record in records):
        ratios = [record["edge-aware/bilinear"] for record in records if record["ab"] == title]
        yield {"ab": title, "photos": len(ratios), "mean ratio": float(np.mean(ratios)), "worst ratio": max(ratios)}


def chroma_error(lab: NDArray[np.float32], planes: NDArray[np.float32]) -> float:
    """Return the mean distance in ab between `lab` (3, h, w) and `planes`, brought to its size as the pass does."""
    height, width = lab.shape[1:]
    gray = gray_share(lab[0])
    large = F.interpolate(torch.from_numpy(planes)[None], (height, width), mode="bilinear")[0].numpy()
    total = 0.0
    for top in range(0, height, _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        ab = large[:2, rows]
        if len(large) == 4:
            ab = ab + large[2:, rows] * gray[rows]
        total += float(np.hypot(*(ab - lab[1:, rows])).sum(dtype=np.float64))
    return float(total / (height * width))


def _lab(photo: Photo) -> NDArray[np.float32]:
    """Return Lab (3, h, w) of the photo."""
    rgb = rgb8(photo)
    lab = np.empty((3, photo.height, photo.width), np.float32)
    for top in range(0, photo.height, _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        lab[:, rows] = color.rgb2lab(rgb[rows]).transpose(2, 0, 1)
    return lab
