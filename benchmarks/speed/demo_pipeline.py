"""Reference pipeline: the published demo, step by step as its authors wrote it.

skimage turns the whole picture to Lab and back in double precision; the network runs as published, SIGGRAPH17 with its
decoder's tail computed twice. The result is rounded to 8 bits and saved as JPEG, as the application does.
"""

import warnings
from io import BytesIO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from colorizers.recipe import QUALITY
from colorizers.siggraph17 import SIGGRAPHGenerator
from colorizers.util import postprocess_tens, preprocess_img


def decode(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels (h, w, 3) of a JPEG file, as `load_img` of the published package does."""
    pixels = np.asarray(Image.open(BytesIO(data)))
    return np.tile(pixels[:, :, None], 3) if pixels.ndim == 2 else pixels


def forward(network: nn.Module, L: Tensor) -> Tensor:
    """Return ab (1, 2, 256, 256) for L (1, 1, 256, 256), computed as published."""
    with torch.inference_mode():
        if isinstance(network, SIGGRAPHGenerator):
            features = network.features(L)
            network.regress(features)
            return network.regress(features)
        ab: Tensor = network(L)
        return ab


def to_8_bits(rgb: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return RGB 0..1 as levels."""
    levels: NDArray[np.uint8] = np.rint(255 * rgb).astype(np.uint8)
    return levels


def colorize(data: bytes, network: nn.Module) -> NDArray[np.uint8]:
    """Return the coloured pixels (h, w, 3) of a picture file."""
    L, small_L = preprocess_img(decode(data))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Conversion from CIE-LAB")
        return to_8_bits(postprocess_tens(L, forward(network, small_L)))


def pipeline(data: bytes, network: nn.Module) -> bytes:
    """Return the coloured JPEG file of a picture file."""
    file = BytesIO()
    Image.fromarray(colorize(data, network)).save(file, "JPEG", quality=QUALITY, subsampling=0)
    return file.getvalue()
