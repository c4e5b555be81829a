"""Conversion of pixels from an embedded ICC profile to sRGB, at the same depth (ICC.1:2022, IEC 61966-2-1).

A profile that cannot be read, or is made for another kind of pixels, is ignored, as browsers do: the pixels are then
taken for sRGB.
"""

import struct
from contextlib import suppress
from functools import cache
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from colorizers.colorspace.lab import RGB_TO_XYZ, Pixels, lab_f_inverse, srgb_decode, srgb_encode
from colorizers.photo.coded_color import in_gamut

# Relative colorimetric with black point compensation keeps gray tones where they are and shadows open.
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_CREATION_TIME = slice(24, 36)
_STANDARD_PUBLISHED = struct.pack(">6H", 1999, 10, 18, 0, 0, 0)
_BAND_ROWS = 256
# IEC 61966-2-1 with its white brought to D50 by Bradford's matrix, as sRGB profiles have it; white is exactly neutral.
_D50_TO_RGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
)
_D50 = np.linalg.inv(_D50_TO_RGB).sum(axis=1)
# A gamma beyond these says nothing that can be meant.
_LEAST_GAMMA = 0.1
# What PNG files of sRGB pixels state instead of the true curve.
_GAMMA_OF_SRGB, _SAME_GAMMA = 2.2, 0.03
_SRGB_CHROMATICITIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_SAME_CHROMATICITY = 0.002


@cache
def srgb_profile() -> bytes:
    """Return an sRGB profile, always the same bytes (its creation time is the standard's)."""
    profile = bytearray(imagecodecs.cms_profile("srgb"))
    profile[_CREATION_TIME] = _STANDARD_PUBLISHED
    return bytes(profile)


def profile_of_png(image: Image.Image) -> bytes | None:
    """Return a profile for what a PNG file says by its gAMA and cHRM chunks (PNG, third edition, sections 11.3.2).

    None for other files, and where the chunks are absent, say nothing but sRGB, or are outranked by an sRGB chunk.
    """
    gamma = image.info.get("gamma", 0.0) if image.format == "PNG" and "srgb" not in image.info else 0.0
    white_and_primaries = image.info.get("chromaticity", ())
    if not _LEAST_GAMMA <= gamma <= 1 / _LEAST_GAMMA:
        return None
    is_gray = image.mode in ("1", "L", "LA", "I", "I;16")
    if is_gray or len(white_and_primaries) != 8 or not all(0 < value < 1 for value in white_and_primaries):
        white_and_primaries = _SRGB_CHROMATICITIES
    differences = np.subtract(white_and_primaries, _SRGB_CHROMATICITIES)
    if abs(gamma * _GAMMA_OF_SRGB - 1) < _SAME_GAMMA and np.abs(differences).max() < _SAME_CHROMATICITY:
        return None
    x, y = white_and_primaries[:2]
    primaries = [part for at in (2, 4, 6) for part in (*white_and_primaries[at : at + 2], 1.0)]
    return bytes(imagecodecs.cms_profile("rgb", gamma=1 / gamma, whitepoint=[x, y, 1.0], primaries=primaries))


def gray_to_srgb(gray: Pixels, profile: bytes) -> Pixels:
    """Return gray (h, w) in sRGB tones; `profile` is for gray pixels, or for RGB ones and then read at r = g = b."""
    space = _colour_space(profile)
    if space not in ("GRAY", "RGB"):
        return gray
    levels = np.arange(np.iinfo(gray.dtype).max + 1).astype(gray.dtype)[None]
    ramp = levels if space == "GRAY" else np.repeat(levels[..., None], 3, axis=2)
    try:
        table = _gray_of(_transform(ramp, profile, space.lower())[0])
    except imagecodecs.CmsError:
        return gray
    return gray if _is_identity(levels[0], table) else table[gray]


def _gray_of(rgb: Pixels) -> Pixels:
    """Return the gray levels (n) of sRGB (n, 3): a profile may give red, green and blue curves of their own."""
    white = float(np.iinfo(rgb.dtype).max)
    levels = srgb_encode(srgb_decode(rgb / white) @ np.array(RGB_TO_XYZ[1]))
    return np.rint(white * np.where((rgb == rgb[:, :1]).all(axis=1), rgb[:, 1] / white, levels)).astype(rgb.dtype)


def rgb_to_srgb(rgb: Pixels, profile: bytes) -> Pixels:
    """Return RGB (h, w, 3) in sRGB; `profile` is for RGB pixels."""
    if _colour_space(profile) != "RGB":
        return rgb
    steps = np.linspace(0, np.iinfo(rgb.dtype).max, 11).astype(rgb.dtype)
    probe = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(1, -1, 3)
    try:
        # A conversion that only rounds would turn some neutral grays into coloured ones.
        if _is_identity(probe, _transform(probe, profile, "rgb")):
            return rgb
    except imagecodecs.CmsError:
        return rgb
    converted = _transform(np.ascontiguousarray(rgb), profile, "rgb")
    for top in range(0, len(rgb), _BAND_ROWS):
        _bring_into_gamut(converted[top : top + _BAND_ROWS], rgb[top : top + _BAND_ROWS], profile)
    return converted


def _bring_into_gamut(converted: Pixels, rgb: Pixels, profile: bytes) -> None:
    """Make colours beyond sRGB paler at the same luminance, in place; the conversion has cut them off.

    They have a channel of 0 or of the largest value; in fractions the conversion knows no limits.
    """
    white = int(np.iinfo(rgb.dtype).max)
    at_limit = ((converted == 0) | (converted == white)).any(axis=2)
    suspects = at_limit & (np.ptp(converted, axis=2) > 0)
    if not suspects.any():
        return
    fractions = (rgb[suspects] / white).astype(np.float32)[None]
    unlimited = _transform(fractions, profile, "rgb", np.float32)[0].astype(np.float64)
    converted[suspects] = np.rint(white * srgb_encode(in_gamut(srgb_decode(unlimited))))


def cmyk_to_srgb(cmyk: Pixels, profile: bytes | None) -> Pixels:
    """Return CMYK (h, w, 4), the largest value being full ink, in sRGB (h, w, 3) of the same depth.

    Without a usable profile by the plain complement.
    """
    if profile is not None and _colour_space(profile) == "CMYK":
        with suppress(imagecodecs.CmsError):
            return _transform(np.ascontiguousarray(cmyk), profile, "cmyk").astype(cmyk.dtype)
    white = int(np.iinfo(cmyk.dtype).max)
    rgb = np.empty((*cmyk.shape[:2], 3), cmyk.dtype)
    for top in range(0, len(cmyk), _BAND_ROWS):
        paper = white - cmyk[top : top + _BAND_ROWS].astype(np.uint32)
        rgb[top : top + _BAND_ROWS] = (paper[..., :3] * paper[..., 3:] + white // 2) // white
    return rgb


def lab_to_srgb(lab: Pixels, signed: bool) -> Pixels:
    """Return CIELAB (h, w, 3), D50, 8 or 16 bits, in sRGB (h, w, 3) of the same depth.

    Of 16 bits, L is 0..65535 and a, b signed, 256 a unit (TIFF's CIELab), or L is 0..65280 and a, b have 32768 as their
    zero (ICCLab). Of 8 bits, L is 0..255, and a, b are signed or have 128 as their zero.
    """
    is_deep = lab.dtype == np.uint16
    signed_type, unit, white = (np.int16, 256, 65535) if is_deep else (np.int8, 1, 255)
    rgb = np.empty(lab.shape, lab.dtype)
    for top in range(0, len(lab), _BAND_ROWS):
        band = np.ascontiguousarray(lab[top : top + _BAND_ROWS])
        ab = (band.view(signed_type) if signed else band)[..., 1:].astype(np.float64) / unit - (0 if signed else 128)
        L = np.minimum(band[..., 0] / (652.8 if is_deep and not signed else white / 100), 100)
        f = (L + 16) / 116
        f = np.stack([f + ab[..., 0] / 500, f, f - ab[..., 1] / 200], axis=-1)
        xyz = lab_f_inverse(f) * _D50
        linear = np.clip(xyz @ _D50_TO_RGB.T, 0, 1)
        rgb[top : top + _BAND_ROWS] = np.rint(white * np.clip(srgb_encode(linear), 0, 1))
    return rgb


def _colour_space(profile: bytes) -> str | None:
    """Return the kind of pixels that the profile describes ("RGB", "GRAY", "CMYK", ...), None if it is unreadable."""
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    except (OSError, ImageCms.PyCMSError):
        return None
    return str(opened.profile.xcolor_space).strip()


def _transform(pixels: NDArray[Any], profile: bytes, space: str, dtype: Any = None) -> NDArray[Any]:
    converted: NDArray[Any] = imagecodecs.cms_transform(
        pixels,
        profile,
        srgb_profile(),
        colorspace=space,
        outcolorspace="rgb",
        intent=int(_INTENT),
        flags=int(_FLAGS),
        outdtype=dtype,
    )
    return converted


def _is_identity(before: Pixels, after: Pixels) -> bool:
    step = int(np.iinfo(before.dtype).max) // 255
    return bool(np.abs(before.astype(np.int64) - after.astype(np.int64)).max() <= step)
