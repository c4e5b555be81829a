"""Conversion of pixels to sRGB whose primaries and transfer a file names by code points (ITU-T H.273).

Colours beyond sRGB's become paler, at the same luminance: the gray of a photo stays what it was. High dynamic range
(PQ, HLG) is brought to a white of 203 cd/m2 (ITU-R BT.2408); what is brighter is compressed as BT.2390 has it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from colorizers.colorspace.lab import Y_WEIGHTS, Pixels, srgb_decode, srgb_encode
from colorizers.fileformats.color_codes import ColorCodes
from colorizers.photo.channels import Samples
from colorizers.photo.levels import unsupported

Floats = NDArray[np.float64]

# H.273, table 2: x and y of red, green and blue, and of white.
_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
_SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_NTSC = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65)
_PRIMARIES = {
    1: _SRGB,
    2: _SRGB,  # not specified
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: _NTSC,
    7: _NTSC,
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
# H.273, table 3. Files state BT.709's curve and its like for pictures that are meant, and shown, as sRGB.
_AS_SRGB = (1, 2, 6, 13, 14, 15)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18
_WHITE_NITS, _HLG_PEAK_NITS, _HLG_GAMMA = 203.0, 1000.0, 1.2
_HLG_Y = np.array([0.2627, 0.6780, 0.0593])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_BAND_ROWS = 256


def is_srgb(codes: ColorCodes) -> bool:
    """Return whether the codes say nothing but sRGB."""
    return codes.transfer in _AS_SRGB and _PRIMARIES.get(codes.primaries) == _SRGB


def dynamic_range(codes: ColorCodes) -> str:
    """Return the name of the high dynamic range that the codes state, or nothing."""
    return {_PQ: "PQ", _HLG: "HLG"}.get(codes.transfer, "")


def coded_to_srgb(samples: Samples, codes: ColorCodes, title: str) -> Samples:
    """Return samples whose colours mean what `codes` say in sRGB, of the same depth.

    Raises `UnsupportedSamplesError`, which calls the file's format `title`, for codes that nobody uses for photographs.
    """
    if codes.primaries not in _PRIMARIES:
        raise unsupported(title, f"colours of the primaries {codes.primaries} of H.273")
    if codes.transfer not in (*_AS_SRGB, *_GAMMAS, _PQ, _HLG):
        raise unsupported(title, f"colours of the transfer {codes.transfer} of H.273")
    pixels = samples.pixels
    white = int(np.iinfo(pixels.dtype).max)
    bands = [slice(top, top + _BAND_ROWS) for top in range(0, len(pixels), _BAND_ROWS)]
    to_srgb = np.eye(3) if pixels.ndim == 2 else np.linalg.inv(rgb_to_xyz(1)) @ rgb_to_xyz(codes.primaries)
    peak = 1.0
    if dynamic_range(codes):
        peak = max(float((_linear(pixels[band], white, codes) @ (to_srgb.T @ Y_WEIGHTS)).max()) for band in bands)
    result = np.empty_like(pixels)
    for band in bands:
        linear = _linear(pixels[band], white, codes) @ to_srgb.T
        encoded = srgb_encode(in_gamut(_tone_mapped(linear, peak) if peak > 1 else linear))
        levels = np.rint(white * encoded)
        result[band] = levels[..., 1] if pixels.ndim == 2 else levels
    return Samples(result, samples.alpha, dynamic_range(codes))


def in_gamut(linear: Floats) -> Floats:
    """Return linear RGB (..., 3) that may lie beyond 0..1 made paler until it does not, at the same luminance."""
    y = np.clip(linear @ Y_WEIGHTS, 0, 1)[..., None]
    chroma = linear - y
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(chroma > 0, (1 - y) / chroma, np.where(chroma < 0, -y / chroma, 1))
    share = np.minimum(np.nan_to_num(room, nan=1.0, posinf=1.0).min(axis=-1, keepdims=True), 1)
    mapped: Floats = np.clip(y + share * chroma, 0, 1)
    return mapped


def rgb_to_xyz(primaries: int) -> Floats:
    """Return the matrix from linear RGB of these primaries to XYZ, white brought to D65 (SMPTE RP 177, Bradford)."""
    *colours, white = (np.array([x / y, 1, (1 - x - y) / y]) for x, y in _PRIMARIES[primaries])
    columns = np.stack(colours, axis=1)
    matrix: Floats = columns * np.linalg.solve(columns, white)
    x, y = _D65
    cones = _BRADFORD @ np.stack([white, np.array([x / y, 1, (1 - x - y) / y])], axis=1)
    adapted: Floats = np.linalg.inv(_BRADFORD) @ np.diag(cones[:, 1] / cones[:, 0]) @ _BRADFORD @ matrix
    return adapted


def _linear(pixels: Pixels, white: int, codes: ColorCodes) -> Floats:
    """Return the light of pixels (h, w) or (h, w, 3) as (h, w, 3), 1 being the white of the result."""
    values = pixels / white
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    if codes.transfer == _PQ:
        return pq_to_nits(values) / _WHITE_NITS
    if codes.transfer == _HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
        y = np.maximum(scene @ _HLG_Y, 1e-9)[..., None]
        return np.asarray(scene * y ** (_HLG_GAMMA - 1) * (_HLG_PEAK_NITS / _WHITE_NITS))
    if codes.transfer in _GAMMAS:
        return np.asarray(values ** _GAMMAS[codes.transfer])
    return srgb_decode(values)


_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def pq_to_nits(values: NDArray[Any]) -> Floats:
    """Return the luminance, in cd/m2, of values 0..1 in perceptual quantization (SMPTE ST 2084)."""
    power = values ** (1 / _M2)
    return np.asarray(10000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1))


def nits_to_pq(nits: NDArray[Any]) -> Floats:
    """Return luminance in cd/m2 in perceptual quantization, 0..1."""
    power = (nits / 10000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _tone_mapped(linear: Floats, peak: float) -> Floats:
    """Return light whose luminance is at most `peak` as light of at most 1 (BT.2390, section 5.4.1)."""
    y = np.maximum(linear @ Y_WEIGHTS, 1e-9)
    most = float(nits_to_pq(np.array(peak * _WHITE_NITS)))
    target = float(nits_to_pq(np.array(_WHITE_NITS))) / most
    knee = 1.5 * target - 0.5
    e = np.minimum(nits_to_pq(y * _WHITE_NITS) / most, 1)
    t = np.maximum((e - knee) / (1 - knee), 0)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * target
    mapped = pq_to_nits(np.where(e < knee, e, spline) * most) / _WHITE_NITS
    return linear * (mapped / y)[..., None]
