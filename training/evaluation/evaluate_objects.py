"""Evaluation of color hints by regions: how well a hint in the middle of an object keeps to it; `PROTOCOL` says how.

`objects.json` holds the outlines: for each photograph the run lengths of a mask, row by row, of cells outside and
inside the object in turn. They were made by GrabCut (Rother et al. 2004) from boxes drawn by hand, and checked by eye.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import distance_transform_edt

from colorizers.colorizer import Colorizer
from colorizers.prediction.hints import Hint
from training.evaluation.evaluated_models import gray_photo, read_truth

OUTLINES = Path(__file__).with_name("objects.json")
HUES_DEG = (35, 125, 215, 305)
CHROMA = 45.0
RADIUS = 0.015

PROTOCOL = f"""\
Objects: one hint in the innermost cell of the object, of radius {RADIUS} of the short side and chroma {CHROMA:g}, once
for each hue of {", ".join(map(str, HUES_DEG))} degrees in ab, whatever the object's true color. Inside: the share of
the change of ab that lies inside the outline. Reached: the share of the object that changes by at least half of what
its hinted cell was to change. Means over hues, medians over objects."""

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Outline:
    """The mask (h, w) of an object in the photograph whose file is called `photo`."""

    photo: str
    mask: Mask

    def center(self) -> tuple[float, float]:
        """Return x and y, 0..1, of the cell that is farthest from the object's edge."""
        depth = distance_transform_edt(np.pad(self.mask, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(int(depth.argmax()), depth.shape)
        return (int(column) + 0.5) / self.mask.shape[1], (int(row) + 0.5) / self.mask.shape[0]


def read_outlines(path: Path = OUTLINES) -> list[Outline]:
    """Read the outlines of a file like `objects.json`."""
    outlines = []
    for entry in json.loads(path.read_text(encoding="utf-8")):
        runs = entry["runs"]
        inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        outlines.append(Outline(entry["photo"], inside.reshape(entry["height"], entry["width"])))
    return outlines


def shares(change: Floats, wanted: float, mask: Mask) -> tuple[float, float]:
    """Return the shares inside and reached of `change` (2, h', w'), for a hint that was to change ab by `wanted`."""
    height, width = mask.shape
    planes = [np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR)) for plane in change]
    size = np.hypot(*planes)
    return float(size[mask].sum() / max(float(size.sum()), 1e-6)), float((size[mask] > wanted / 2).mean())


def measure(colorizer: Colorizer, outline: Outline, photo_path: Path) -> tuple[float, float]:
    """Return the shares inside and reached for one object, means over `HUES_DEG`."""
    photo = gray_photo(read_truth(photo_path))
    plain = colorizer.predict(photo)
    x, y = outline.center()
    values = []
    for hue in np.radians(HUES_DEG):
        hint = Hint(x, y, RADIUS, CHROMA * float(np.cos(hue)), CHROMA * float(np.sin(hue)))
        hinted = colorizer.predict_small(plain.L, [hint], photo_size=plain.photo_size).ab
        height, width = hinted.shape[1:]
        before = np.stack(
            [np.asarray(Image.fromarray(p).resize((width, height), Image.Resampling.BILINEAR)) for p in plain.ab]
        )
        at_hint = before[:, int(y * height), int(x * width)]
        wanted = float(np.hypot(hint.a - at_hint[0], hint.b - at_hint[1]))
        values.append(shares(hinted - before, wanted, outline.mask))
    inside, reached = np.mean(values, axis=0)
    return float(inside), float(reached)


def markdown(colorizers: Sequence[Colorizer], photos: Sequence[Path]) -> str:
    """Measure networks on the outlined objects of `photos`; return a Markdown table, "" without any of them."""
    by_name = {path.name: path for path in photos}
    outlines = [outline for outline in read_outlines() if outline.photo in by_name]
    if not outlines:
        return ""
    lines = [f"| {len(outlines)} objects | inside | reached |", "|---|---|---|"]
    for colorizer in colorizers:
        values = [measure(colorizer, outline, by_name[outline.photo]) for outline in outlines]
        inside, reached = np.median(values, axis=0)
        lines.append(f"| {colorizer.spec.name} | {inside:.1%} | {reached:.1%} |")
    return "\n".join(lines)
