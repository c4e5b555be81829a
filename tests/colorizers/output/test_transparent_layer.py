"""The colour layer: what it gives over the original, and that no pixel of it could be more transparent."""

import numpy as np
from PIL import Image

from colorizers.output.transparent_layer import colour_layer
from colorizers.rendering.color_pass import join
from tests.support.picture_files import gray16


def composited(below: Image.Image, layer: Image.Image) -> np.ndarray:
    return np.asarray(Image.alpha_composite(below.convert("RGBA"), layer).convert("RGB")).astype(int)


def every_gray_in_many_colours() -> tuple[np.ndarray, np.ndarray]:
    gray = np.arange(256, dtype=np.uint8)[None].repeat(289, axis=0)
    a, b = np.meshgrid(np.linspace(-80, 80, 17), np.linspace(-80, 80, 17))
    planes = np.stack([a.reshape(-1, 1).repeat(2, axis=1), b.reshape(-1, 1).repeat(2, axis=1)]).astype(np.float32)
    return gray, join(gray, planes)


def test_over_the_original_it_gives_the_result() -> None:
    gray, rgb = every_gray_in_many_colours()
    layer = colour_layer(gray, rgb)
    found = composited(Image.fromarray(gray), Image.fromarray(layer))
    assert np.abs(found - rgb).max() <= 1
    assert layer[..., 3].mean() < 220, "an opaque copy is no layer"


def test_no_pixel_could_be_more_transparent() -> None:
    gray, rgb = every_gray_in_many_colours()
    picked = np.random.default_rng(5).choice(gray.size, 40, replace=False)
    layer = colour_layer(gray, rgb).reshape(-1, 4)[picked]
    values = np.arange(256)
    for base, wanted, alpha in zip(gray.reshape(-1)[picked], rgb.reshape(-1, 3)[picked], layer[:, 3], strict=True):
        if alpha == 0:
            continue
        pixels = np.dstack([np.repeat(values[:, None], 3, axis=1)[None], np.full((1, 256), alpha - 1)]).astype(np.uint8)
        below = Image.new("RGB", (256, 1), (int(base),) * 3)
        reached = composited(below, Image.fromarray(pixels))[0]
        assert not all((np.abs(reached[:, channel] - int(wanted[channel])) <= 1).any() for channel in range(3))


def test_colour_originals_and_sixteen_bits() -> None:
    planes = np.full((2, 2, 2), 30, np.float32)
    rgb = join(gray16(), planes)
    layer = colour_layer(gray16(), rgb)
    below = Image.fromarray(np.rint(gray16() / 257).astype(np.uint8))
    assert np.abs(composited(below, Image.fromarray(layer)) - np.rint(rgb / 257)).max() <= 1
    assert colour_layer(rgb, rgb).max() == 0
