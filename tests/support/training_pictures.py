"""Synthetic color pictures, and shards of them."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SKY, GRASS, SAND, BRICK = (120, 170, 230), (70, 120, 50), (205, 180, 130), (160, 80, 60)


def landscape(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """Draw sky over ground with a house and some noise; every seed gives another picture."""
    rng = np.random.default_rng(seed)
    ground = (GRASS, SAND)[seed % 2]
    image = Image.new("RGB", (width, height), SKY)
    draw = ImageDraw.Draw(image)
    horizon = int(height * rng.uniform(0.35, 0.65))
    draw.rectangle((0, horizon, width, height), fill=ground)
    left, size = int(width * rng.uniform(0.1, 0.6)), int(height * rng.uniform(0.2, 0.35))
    draw.rectangle((left, horizon - size, left + size, horizon + size // 3), fill=BRICK)
    # Uneven light, as in photographs.
    across, down = np.linspace(0, 1, width)[None, :, None], np.linspace(0, 1, height)[:, None, None]
    waves = np.sin(across * rng.uniform(3, 9) + rng.uniform(0, 6)) + np.sin(down * rng.uniform(3, 9) + across * 3)
    noisy = np.asarray(image) + 18 * waves + rng.integers(-6, 7, (height, width, 1))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, form: str = "PNG") -> bytes:
    """Encode `image` as a picture file."""
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


def write_shard(path: Path, images: Sequence[Image.Image]) -> None:
    """Write a tar shard of PNG pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for index, image in enumerate(images):
            data = encoded(image)
            entry = tarfile.TarInfo(f"{index:04d}.png")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def write_shards(folder: Path, count: int, width: int = 96, height: int = 72) -> Path:
    """Write `count` landscapes to one shard in `folder`; return the folder."""
    write_shard(folder / "shard-00000.tar", [landscape(seed, width, height) for seed in range(count)])
    return folder
