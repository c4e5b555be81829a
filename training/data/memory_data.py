"""In-memory training set that yields random crops, on the CPU or a GPU.

26,000 photographs of 128 px are 2.2 GB of bytes, which fits a graphics card or a workstation. Cropping, scaling and
mirroring are then one `grid_sample` per batch, without a loader that could fall behind.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from training.data.samples import Sample

_PART = 2000


def decode_all(samples: Sequence[Sample], longest_px: int) -> list[NDArray[np.uint8]]:
    """Decode every picture to RGB uint8 (h, w, 3), reduced where a side exceeds `longest_px`."""
    pictures = []
    for sample in samples:
        picture = sample.open()
        picture.thumbnail((longest_px, longest_px), Image.Resampling.BICUBIC)
        pictures.append(np.asarray(picture))
    return pictures


@dataclass(frozen=True)
class MemoryData:
    """Pictures padded to squares `pixels` (count, 3, side, side) uint8, top left, and their `sizes` (count, 2)."""

    pixels: Tensor
    sizes: Tensor

    @classmethod
    def load(
        cls, samples: Sequence[Sample], side_px: int, device: torch.device | str = "cpu", processes: int = 2
    ) -> "MemoryData":
        """Decode `samples` to `device`; large sets are decoded in several processes."""
        parts = [samples[start : start + _PART] for start in range(0, len(samples), _PART)]
        if len(parts) < 2:
            pictures = decode_all(samples, side_px)
        else:
            with ProcessPoolExecutor(processes) as pool:
                decoded = pool.map(decode_all, parts, [side_px] * len(parts))
                pictures = [picture for part in decoded for picture in part]
        pixels = np.zeros((len(pictures), 3, side_px, side_px), np.uint8)
        for slot, picture in zip(pixels, pictures, strict=True):
            slot[:, : picture.shape[0], : picture.shape[1]] = picture.transpose(2, 0, 1)
        sizes = torch.tensor([picture.shape[:2] for picture in pictures])
        return cls(torch.from_numpy(pixels).to(device), sizes.to(device))

    def __len__(self) -> int:
        return int(self.pixels.shape[0])

    def crops(self, chosen: Tensor, height_px: int, width_px: int, least_scale: float) -> Tensor:
        """Return random crops (n, 3, height, width), RGB in 0..1, of the `chosen` pictures, half of them mirrored.

        A crop has the proportions of the canvas within 10 %, and `least_scale` to 1 of the largest size that fits.
        """
        n = len(chosen)
        device = self.pixels.device
        sizes = self.sizes[chosen].float()
        stretch = torch.empty(n, device=device).uniform_(-0.1, 0.1).exp()
        proportion = width_px / height_px * stretch
        tallest = torch.minimum(sizes[:, 0], sizes[:, 1] / proportion)
        whole = torch.rand(n, device=device) < 0.3
        scale = torch.where(whole, 1.0, torch.empty(n, device=device).uniform_(least_scale, 1))
        box = torch.stack([tallest * scale, tallest * scale * proportion], dim=1)
        start = (sizes - box) * torch.rand(n, 2, device=device)
        middle = (start + box / 2) * 2 / self.pixels.shape[-1] - 1
        half = box / self.pixels.shape[-1]
        mirrored = torch.where(torch.rand(n, device=device) < 0.5, -1.0, 1.0)
        theta = torch.zeros(n, 2, 3, device=device)
        theta[:, 0, 0] = half[:, 1] * mirrored
        theta[:, 1, 1] = half[:, 0]
        theta[:, 0, 2] = middle[:, 1]
        theta[:, 1, 2] = middle[:, 0]
        grid = F.affine_grid(theta, [n, 3, height_px, width_px], align_corners=False)
        source = self.pixels[chosen].float() / 255
        return F.grid_sample(source, grid, mode="bicubic", align_corners=False).clamp(0, 1)

    def batches(self, batch: int, canvases: Sequence[tuple[int, int]], least_scale: float) -> Iterator[Tensor]:
        """Yield batches of crops without end; those of a batch share one orientation and one canvas.

        `canvases` are (short, long) sides in px. Portraits take (long, short), squares (short, short).
        """
        ratio = self.sizes[:, 1] / self.sizes[:, 0]
        device = self.pixels.device
        groups = [
            torch.nonzero(rule).flatten() for rule in (ratio > 1.15, ratio < 0.87, (ratio >= 0.87) & (ratio <= 1.15))
        ]
        weight = torch.tensor([float(len(group)) for group in groups])
        while True:
            kind = int(torch.multinomial(weight, 1))
            group = groups[kind]
            chosen = group[torch.randint(0, len(group), (batch,), device=device)]
            short, long = canvases[int(torch.randint(0, len(canvases), (1,)))]
            height, width = ((short, long), (long, short), (short, short))[kind]
            yield self.crops(chosen, height, width, least_scale)
