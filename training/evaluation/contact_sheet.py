"""Contact sheets: pictures in labeled columns, for visual comparison."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_GAP_PX = 4
_LABEL_PX = 16


def contact_sheet(rows: Sequence[Sequence[NDArray[np.uint8]]], labels: Sequence[str], cell_px: int) -> Image.Image:
    """Arrange pictures in `rows`, with a label over each column.

    Pictures, RGB uint8 (h, w, 3), are scaled to a long side of `cell_px`.
    """
    step = cell_px + _GAP_PX
    sheet = Image.new("RGB", (step * len(labels) - _GAP_PX, _LABEL_PX + step * len(rows) - _GAP_PX), "white")
    draw = ImageDraw.Draw(sheet)
    for column, label in enumerate(labels):
        draw.text((column * step + 2, 2), label, fill="black")
    for line, pictures in enumerate(rows):
        for column, pixels in enumerate(pictures):
            image = Image.fromarray(pixels)
            scale = cell_px / max(image.size)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            cell = image.resize(size, Image.Resampling.BICUBIC)
            left = column * step + (cell_px - cell.width) // 2
            sheet.paste(cell, (left, _LABEL_PX + line * step + (cell_px - cell.height) // 2))
    return sheet


def save_sheet(sheet: Image.Image, path: Path) -> None:
    """Write `sheet` as JPEG; create its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=92)
