"""Resizing of pictures by Pillow, 16 bits included.

Channels are taken one at a time: of a picture in colour Pillow keeps another copy, of four bytes a pixel.
"""

from dataclasses import replace

import numpy as np
from PIL import Image

from colorizers.colorspace.lab import Pixels, eight_bits
from colorizers.metadata import exif, xmp
from colorizers.metadata.places import Move
from colorizers.photo.photo_data import Photo


def resized(pixels: Pixels, size: tuple[int, int], filter_: Image.Resampling) -> Pixels:
    """Return `pixels`, (h, w) or (h, w, 3), uint8 or uint16, at `size` (width, height) in pixels."""
    if pixels.ndim == 3:
        channels = (resized(pixels[..., channel], size, filter_) for channel in range(3))
        return np.stack(list(channels), axis=-1)
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, filter_))


def fitted(photo: Photo, size_px: int | None = None, bits: int | None = None) -> Photo:
    """Return `photo` as its result is to be: its long side `size_px`, at most what it is, its depth `bits`, 8 or 16.

    The photo itself is made smaller (Lanczos), and the colour pass then works on that: so the gray levels of a smaller
    result are those of the original resized in the same way. None leaves the size or the depth as they are.
    """
    if bits is not None:
        photo = replace(
            photo,
            pixels=_of_depth(photo.pixels, bits),
            alpha=None if photo.alpha is None else _of_depth(photo.alpha, bits),
        )
    long_px = max(photo.width, photo.height)
    if size_px is None or size_px >= long_px:
        return photo
    size = max(1, round(photo.width * size_px / long_px)), max(1, round(photo.height * size_px / long_px))
    move = Move(1, (photo.width, photo.height), size)
    return replace(
        photo,
        pixels=resized(photo.pixels, size, Image.Resampling.LANCZOS),
        alpha=None if photo.alpha is None else resized(photo.alpha, size, Image.Resampling.LANCZOS),
        exif=exif.with_places_moved(exif.for_upright_copy(photo.exif, *size) or b"", move) if photo.exif else None,
        xmp=xmp.with_places_moved(photo.xmp, move) if photo.xmp else None,
    )


def _of_depth(samples: Pixels, bits: int) -> Pixels:
    if bits == 8:
        return eight_bits(samples)
    return samples if samples.dtype == np.uint16 else samples.astype(np.uint16) * np.uint16(257)
