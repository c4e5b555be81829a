"""The colour pass once more, slow and plain in double precision: what `colorizers.colour` is compared with."""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab

from colorizers.lab import RGB_TO_XYZ, Pixels, lab_f, luminance, srgb_encode
from colorizers.util import postprocess_tens

Floats = NDArray[np.float64]
REC709_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def gray(pixels: Pixels) -> NDArray[np.int64]:
    """Return the sRGB-encoded Y of pixels in whole levels, rounded half up."""
    return np.floor(gray_value(pixels) + 0.5).astype(np.int64)


def gray_value(pixels: Pixels) -> Floats:
    """Return the sRGB-encoded Y of pixels in fractional levels."""
    white = np.iinfo(pixels.dtype).max
    return srgb_encode(luminance(pixels)) * white


def colour(pixels: Pixels, ab: NDArray[np.float32], quarters: bool | None = None) -> Floats:
    """Return the RGB (h, w, 3), in fractional levels, that `join` rounds.

    `quarters` says whether ab is rounded to them, which it is for 8 bits unless something else is asked for.
    """
    white = np.iinfo(pixels.dtype).max
    y = luminance((gray(pixels)).astype(pixels.dtype))
    a, b = upsampled(ab, pixels.shape[0], pixels.shape[1])
    if quarters is None:
        quarters = pixels.dtype == np.uint8
    if quarters:
        a, b = in_quarters(a, b)
    size = np.maximum(np.hypot(a, b), 1e-9)
    limit = _largest_chroma(y, a / size, b / size)
    rgb = linear_rgb(y, a, b)
    share = np.where(in_gamut(rgb), 1, np.minimum(limit / size, 1))
    return srgb_encode(_clamped(y, linear_rgb(y, a * share, b * share))) * white


def in_quarters(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return ab rounded to quarters where both come to lie from -64 to below 64."""
    rounded = np.floor(np.stack([a, b]) * 4 + 0.5) / 4
    near = np.all((rounded >= -64) & (rounded < 64), axis=0)
    return np.where(near, rounded[0], a), np.where(near, rounded[1], b)


def _largest_chroma(y: Floats, a: Floats, b: Floats) -> Floats:
    """Return up to which chroma the hue (a, b), a**2 + b**2 = 1, is in the gamut: the outermost exit, by bisection."""
    outside, inside = np.full_like(y, 200.0), np.full_like(y, -1.0)
    for chroma in np.arange(198.0, -1.0, -2.0):
        found = (inside < 0) & in_gamut(linear_rgb(y, a * chroma, b * chroma))
        inside = np.where(found, chroma, inside)
        outside = np.where(inside < 0, chroma, outside)
    for _ in range(30):
        middle = (inside + outside) / 2
        fits = in_gamut(linear_rgb(y, a * middle, b * middle))
        inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
    return np.maximum(inside, 0)


def _clamped(y: Floats, rgb: Floats) -> Floats:
    """Return r, g, b within 0..1, mixed with black or white so that their luminance is y."""
    clipped = np.clip(rgb, 0, 1)
    found = clipped @ RGB_TO_XYZ[1]
    darker = clipped * (y / np.maximum(found, 1e-12))[..., None]
    lighter = clipped + ((y - found) / np.maximum(1 - found, 1e-12))[..., None] * (1 - clipped)
    return np.where((found > y)[..., None], darker, lighter)


def upsampled(ab: NDArray[np.float32], height: int, width: int) -> Floats:
    """Return ab (2, height, width), interpolated by PyTorch."""
    large = torch.nn.functional.interpolate(torch.from_numpy(ab)[None].double(), (height, width), mode="bilinear")
    result: Floats = large[0].numpy()
    return result


def linear_rgb(y: Floats, a: Floats, b: Floats) -> Floats:
    """Return linear r, g, b for luminance and ab, relative to the white that r = g = b = 1 has."""
    white = RGB_TO_XYZ.sum(axis=1)
    f = lab_f(y)
    xyz = np.stack([_inverse_f(f + a / 500) * white[0], y, _inverse_f(f - b / 200) * white[2]], axis=-1)
    result: Floats = xyz @ np.linalg.inv(RGB_TO_XYZ).T
    return result


def in_gamut(rgb: Floats) -> NDArray[np.bool_]:
    return np.all((rgb >= -1e-9) & (rgb <= 1 + 1e-9), axis=-1)


def _inverse_f(f: Floats) -> Floats:
    return np.where(f > 6 / 29, f**3, (f - 16 / 116) / 7.787)


def edge_aware_planes(ab: NDArray[np.float32], L: NDArray[np.float32]) -> Floats:
    """Return ab at black and its rise up to white (4, h', w'), from loops over 3 x 3 neighbourhoods."""
    height, width = ab.shape[1:]
    guide = torch.nn.functional.interpolate(torch.from_numpy(L)[None, None].double(), (height, width), mode="area")
    seen = srgb_encode(_inverse_f((guide[0, 0].numpy() + 16) / 116))
    around = [np.pad(plane.astype(np.float64), 1, mode="edge") for plane in (seen, *ab)]
    raw = np.empty((2, height, width))
    for y in range(height):
        for x in range(width):
            near, *near_ab = (plane[y : y + 3, x : x + 3] for plane in around)
            for channel, plane in enumerate(near_ab):
                raw[channel, y, x] = ((near - near.mean()) * plane).mean() / (near.var() + 3e-4)
    padded = np.pad(raw, ((0, 0), (1, 1), (1, 1)), mode="edge")
    slopes = np.mean([padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=0)
    return np.concatenate([ab - slopes * seen, slopes])


def clipped(rgb: Pixels, ab: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return what the published demo makes of RGB (h, w, 3) and ab, rounded to 8 bits."""
    L = torch.from_numpy(rgb2lab(rgb)[..., 0].astype(np.float32))[None, None]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Conversion from CIE-LAB")
        result: NDArray[np.uint8] = np.rint(255 * postprocess_tens(L, torch.from_numpy(ab)[None])).astype(np.uint8)
    return result
