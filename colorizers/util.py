"""Helper functions of the published package: loading, resizing, and conversion between RGB and Lab tensors.

They behave as the authors' scripts expect, with skimage's color conversion. The application itself uses `Colorizer`,
which keeps luminance and file properties.
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

from colorizers.photo.photo import open_photo
from colorizers.photo.photo_data import rgb8

PLAIN_MODES = ("RGB", "L")


def load_img(img_path: str | PathLike[str] | BinaryIO) -> NDArray[np.uint8]:
    """Read a picture file as upright RGB uint8 (h, w, 3).

    Plain RGB and grayscale files give Pillow's pixels. Every other kind (alpha, CMYK, palette, 1 bit, 16 bit, HEIC ...)
    is read as in the application; alpha is dropped, 16 bits are rounded to 8. Raises a `PhotoError` or Pillow's
    `OSError` where the file cannot be read.
    """
    data = Path(img_path).read_bytes() if isinstance(img_path, str | PathLike) else img_path.read()
    plain = _plain_pixels(data)
    if plain is None:
        return rgb8(open_photo(data))
    return plain if plain.ndim == 3 else np.tile(plain[:, :, None], 3)


def resize_img(img: NDArray[np.uint8], HW: tuple[int, int] = (256, 256), resample: int = 3) -> NDArray[np.uint8]:
    """Resize `img`, uint8 (h, w, 3) or (h, w), to height and width `HW` by Pillow (`resample` 3: bicubic)."""
    return np.asarray(Image.fromarray(img).resize((HW[1], HW[0]), resample=Image.Resampling(resample)))


def preprocess_img(
    img_rgb_orig: NDArray[np.uint8], HW: tuple[int, int] = (256, 256), resample: int = 3
) -> tuple[Tensor, Tensor]:
    """Return L (1, 1, h, w) of RGB uint8 (h, w, 3) and L (1, 1, *HW) of it resized, both float32 in 0..100."""
    img_rgb_rs = resize_img(img_rgb_orig, HW=HW, resample=resample)
    return _l_tensor(img_rgb_orig), _l_tensor(img_rgb_rs)


def postprocess_tens(tens_orig_l: Tensor, out_ab: Tensor, mode: str = "bilinear") -> NDArray[np.floating]:
    """Return RGB in 0..1, (h, w, 3), of L (1, 1, h, w) and raw ab (1, 2, h', w'), which is resized to the size of L.

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
    """Alias of `preprocess_img`."""
    return preprocess_img(img_orig, HW, resample)


def Lab2rgb_numpy(L_orig: Tensor, out_ab: Tensor) -> NDArray[np.floating]:
    """Alias of `postprocess_tens` with bilinear interpolation."""
    return postprocess_tens(L_orig, out_ab)


def _plain_pixels(data: bytes) -> NDArray[np.uint8] | None:
    """Return the upright pixels of an 8-bit RGB or grayscale file, or None for other files."""
    try:
        image = Image.open(BytesIO(data))
    except UnidentifiedImageError:
        return None
    with image:
        return np.asarray(ImageOps.exif_transpose(image)) if image.mode in PLAIN_MODES else None


def _l_tensor(rgb: NDArray[np.uint8]) -> Tensor:
    """Return L (1, 1, h, w) in 0..100, float32, of RGB uint8 (h, w, 3)."""
    return torch.Tensor(color.rgb2lab(rgb)[:, :, 0])[None, None, :, :]
