"""The published package's helpers: pictures in, L tensors out; L and ab tensors in, RGB arrays out.

They do what the authors' scripts expect of them, skimage's colour conversion included. The application itself goes
through `Colorizer`, which keeps luminance and file properties.
"""

from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from skimage import color
from torch import Tensor

from colorizers.photo import open_photo, rgb8

PLAIN_MODES = ("RGB", "L")


def load_img(img_path: str | PathLike[str] | BinaryIO) -> NDArray[np.uint8]:
    """Return the picture at `img_path` as upright RGB uint8 (h, w, 3).

    Plain RGB and grayscale files give the pixels that Pillow gives. Every other kind (alpha, CMYK, palette, 1 bit, 16
    bit, HEIC ...) is read as the application reads it; alpha is left out, 16 bit are rounded to 8. Raises a
    `PhotoError` or Pillow's `OSError` where that cannot be done.
    """
    data = Path(img_path).read_bytes() if isinstance(img_path, str | PathLike) else img_path.read()
    plain = _plain_pixels(data)
    if plain is None:
        return rgb8(open_photo(data))
    return plain if plain.ndim == 3 else np.tile(plain[:, :, None], 3)


def resize_img(img: NDArray[np.uint8], HW: tuple[int, int] = (256, 256), resample: int = 3) -> NDArray[np.uint8]:
    """Return `img`, uint8 (h, w, 3) or (h, w), resized to height and width `HW` by Pillow (`resample` 3: bicubic)."""
    return np.asarray(Image.fromarray(img).resize((HW[1], HW[0]), resample=Image.Resampling(resample)))


def preprocess_img(
    img_rgb_orig: NDArray[np.uint8], HW: tuple[int, int] = (256, 256), resample: int = 3
) -> tuple[Tensor, Tensor]:
    """Return L (1, 1, h, w) of RGB uint8 (h, w, 3) and L (1, 1, *HW) of it resized, both float32 in 0..100."""
    img_rgb_rs = resize_img(img_rgb_orig, HW=HW, resample=resample)
    return _l_tensor(img_rgb_orig), _l_tensor(img_rgb_rs)


def postprocess_tens(tens_orig_l: Tensor, out_ab: Tensor, mode: str = "bilinear") -> NDArray[np.floating]:
    """Return RGB in 0..1, (h, w, 3), of L (1, 1, h, w) and raw ab (1, 2, h', w'), which is first brought to L's size.

    `mode` is that of `torch.nn.functional.interpolate`. Colours outside sRGB are clipped, as in the published package.
    """
    size = tens_orig_l.shape[2:]
    if out_ab.shape[2:] != size:
        out_ab = F.interpolate(out_ab, size=size, mode=mode)
    lab = torch.cat((tens_orig_l, out_ab), dim=1)
    rgb: NDArray[np.floating] = color.lab2rgb(lab.detach().cpu().numpy()[0].transpose((1, 2, 0)))
    return rgb


def rgb2L_tensor(
    img_orig: NDArray[np.uint8], HW: tuple[int, int] = (256, 256), resample: int = 3
) -> tuple[Tensor, Tensor]:
    """Return (L_orig, L_small) of RGB uint8 (h, w, 3), as `preprocess_img` does."""
    return preprocess_img(img_orig, HW, resample)


def Lab2rgb_numpy(L_orig: Tensor, out_ab: Tensor) -> NDArray[np.floating]:
    """Return RGB in 0..1, (h, w, 3), of L (1, 1, h, w) and raw ab (1, 2, h', w'), as `postprocess_tens` does."""
    return postprocess_tens(L_orig, out_ab)


def _plain_pixels(data: bytes) -> NDArray[np.uint8] | None:
    """Return the upright pixels of an 8-bit RGB or grayscale file, None for every other kind of file."""
    try:
        image = Image.open(BytesIO(data))
    except UnidentifiedImageError:
        return None
    with image:
        return np.asarray(ImageOps.exif_transpose(image)) if image.mode in PLAIN_MODES else None


def _l_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    """Return L (1, 1, h, w) in 0..100, float32, of RGB uint8 (h, w, 3)."""
    return torch.Tensor(color.rgb2lab(rgb)[:, :, 0])[None, None, :, :]
