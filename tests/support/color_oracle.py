"""Reference implementation of the color pass, slow and in double precision."""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab

from colorizers.colorspace.lab import RGB_TO_XYZ, Pixels, lab_f, lab_f_inverse, luminance, srgb_encode
from colorizers.util import postprocess_tens

Floats = NDArray[np.float64]
REC709_WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def gray(pixels: Pixels) -> NDArray[np.int64]:
    """Return the sRGB-encoded Y of pixels in levels, rounded half up."""
    return np.floor(gray_value(pixels) + 0.5).astype(np.int64)


def gray_value(pixels: Pixels) -> Floats:
    """Return the sRGB-encoded Y of pixels in fractional levels."""
    white = np.iinfo(pixels.dtype).max
    return srgb_encode(luminance(pixels)) * white


def color(pixels: Pixels, ab: NDArray[np.float32], quarters: bool | None = None) -> Floats:
    """Return the RGB (h, w, 3), in fractional levels, that `join` rounds.

    `quarters` tells whether ab is rounded to quarters; by default it is for 8 bits.
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
    """Return the largest chroma inside the gamut for the hue (a, b), a**2 + b**2 = 1: the outermost exit."""
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
    xyz = np.stack([lab_f_inverse(f + a / 500) * white[0], y, lab_f_inverse(f - b / 200) * white[2]], axis=-1)
    result: Floats = xyz @ np.linalg.inv(RGB_TO_XYZ).T
    return result


def in_gamut(rgb: Floats) -> NDArray[np.bool_]:
    return np.all((rgb >= -1e-9) & (rgb <= 1 + 1e-9), axis=-1)


def edge_aware_planes(ab: NDArray[np.float32], L: NDArray[np.float32]) -> Floats:
    """Return ab at black and its rise up to white (4, h', w'), by loops over 3 x 3 neighborhoods."""
    height, width = ab.shape[1:]
    guide = torch.nn.functional.interpolate(torch.from_numpy(L)[None, None].double(), (height, width), mode="area")
    seen = srgb_encode(lab_f_inverse((guide[0, 0].numpy() + 16) / 116))
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
    """Return the published demo's result for RGB (h, w, 3) and ab, rounded to 8 bits."""
    L = torch.from_numpy(rgb2lab(rgb)[..., 0].astype(np.float32))[None, None]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Conversion from CIE-LAB")
        result: NDArray[np.uint8] = np.rint(255 * postprocess_tens(L, torch.from_numpy(ab)[None])).astype(np.uint8)
    return result
