"""Synthetic groups of people: an augmentation that draws rows of small figures into training pictures.

Small people in front of a large scene are rare in training sets, and a network that has not seen any gives them the
color of the scene; in old photographs they are common. A figure here is a face over a cloak, made from pictures of
faces and of clothes, which is enough to learn the difference from foliage.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from colorizers.networks.torch_lab import rgb_to_lab
from training.data.samples import Sample

_PIECE_PX = 64
# Regions of a face where skin shows, as (top, bottom, left, right): nose, mouth, cheeks. Masks and hands cover them.
_SKIN_REGIONS = ((0.35, 0.55, 0.35, 0.65), (0.62, 0.82, 0.38, 0.62), (0.45, 0.6, 0.2, 0.4), (0.45, 0.6, 0.6, 0.8))
# Range of skin under common light, in raw ab units.
_SKIN_A, _SKIN_B = (4.0, 30.0), (5.0, 40.0)


@dataclass(frozen=True)
class People:
    """The material of figures: `faces` and `clothes` (n, 3, 64, 64), RGB in 0..1."""

    faces: Tensor
    clothes: Tensor

    @classmethod
    def among(
        cls, samples: Sequence[Sample], faces_named: str, clothes_named: str, device: torch.device
    ) -> "People | None":
        """Load the pictures with these words in their names; None without any face or any clothes."""
        faces, clothes = (_load_pieces(samples, word) for word in (faces_named, clothes_named))
        faces = faces[shows_skin(faces)]
        if len(faces) == 0 or len(clothes) == 0:
            return None
        return cls(faces.to(device), clothes.to(device))


def _load_pieces(samples: Sequence[Sample], word: str) -> Tensor:
    size = (_PIECE_PX, _PIECE_PX)
    pictures = [sample.open().resize(size, Image.Resampling.BICUBIC) for sample in samples if word in sample.name]
    if not pictures:
        return torch.empty(0, 3, *size)
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2).float() / 255


def shows_skin(faces: Tensor) -> Tensor:
    """Return which of `faces` (n, 3, h, w), RGB in 0..1, have the color of skin on nose, mouth and cheeks."""
    ab = rgb_to_lab(faces)[:, 1:]
    height, width = faces.shape[2:]
    shown = torch.ones(len(faces), dtype=torch.bool, device=faces.device)
    for top, bottom, left, right in _SKIN_REGIONS:
        part = ab[:, :, int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        a, b = part.mean((2, 3)).unbind(1)
        shown &= (a > _SKIN_A[0]) & (a < _SKIN_A[1]) & (b > _SKIN_B[0]) & (b < _SKIN_B[1])
    return shown


def add_groups(rgb: Tensor, people: People, share: float) -> Tensor:
    """Draw a group of people into a `share` of the pictures `rgb` (n, 3, h, w) in 0..1; returns a copy."""
    result = rgb.clone()
    for index in torch.nonzero(torch.rand(len(rgb)) < share).flatten().tolist():
        _draw_group(result[index], people)
    return result.clamp_(0, 1)


def _draw_group(picture: Tensor, people: People) -> None:
    """Draw one to four rows of figures into `picture` (3, h, w) in place, from back to front."""
    height, width = picture.shape[1:]
    head = math.exp(_between(math.log(6), math.log(max(0.16 * height, 7))))
    rows = int(torch.randint(1, 5 if head <= 0.1 * height else 3, (1,)))
    top = max(_between(0.1, 0.7) * height - rows * head, 0.02 * height)
    left, right = _between(0, 0.3) * width, _between(0.7, 1) * width
    if _happens(0.5):
        picture *= _between(0.4, 1)
    for _ in range(rows):
        step = head * _between(1.6, 2.8)
        middle = left + _between(0, step)
        while middle < right:
            if _happens(0.9):
                place = (top + _between(-0.25, 0.25) * head, middle + _between(-0.2, 0.2) * head)
                _draw_figure(picture, people, *place, head * _between(0.88, 1.12))
            middle += step
        top += head * _between(1.4, 2.8)


def _draw_figure(picture: Tensor, people: People, top: float, middle: float, head: float) -> None:
    """Draw a person whose head is `head` px high, starts at row `top` and is centered on column `middle`."""
    height, width = max(8, round(head * _between(2.5, 5.5))), max(6, round(head * _between(1.9, 2.5)))
    cloak = _random_garment(people.clothes, height, width)
    _paste(picture, cloak, _cloak_mask(height, width, picture.device), top + 0.82 * head, middle)
    if _happens(0.5):
        height, width = max(2, round(head * _between(0.3, 0.7))), max(2, round(head * _between(0.25, 0.5)))
        y, x = _pixel_grid(height, width, picture.device)
        shirt = picture.new_full((3, height, width), _between(0.6, 0.95))
        _paste(picture, shirt, ((1 - x.abs() - 0.45 * (y + 1)) * 2).clamp(0, 1), top + 0.9 * head, middle)
    height, width = max(4, round(head)), max(3, round(0.76 * head))
    _paste(picture, _random_face(people.faces, height, width), _oval_mask(height, width, picture.device), top, middle)
    if _happens(0.6):
        height, width = max(2, round(height * _between(0.35, 0.6))), max(3, round(width * _between(1, 1.5)))
        brown = picture.new_tensor([1.15, 1, 0.8])[:, None, None] * _between(0.03, 0.3)
        hair = brown.expand(3, height, width)
        _paste(picture, hair, _oval_mask(height, width, picture.device), top - 0.45 * height, middle)


def _random_garment(clothes: Tensor, height: int, width: int) -> Tensor:
    """Return a garment (3, height, width) with the pattern of a random picture, mostly dark and nearly gray."""
    cloth = clothes[int(torch.randint(0, len(clothes), (1,)))]
    inner = slice(int(0.3 * cloth.shape[1]), int(0.7 * cloth.shape[1]))
    cloth = F.interpolate(cloth[None, :, inner, inner], size=(height, width), mode="bilinear")[0]
    gray = cloth.mean(0, keepdim=True)
    cloth = (gray + (cloth - gray) * _between(0, 0.8) ** 1.5) / gray.mean().clamp_min(0.05)
    tint = cloth.new_tensor([_between(0.98, 1.1), 1, _between(0.9, 1.08)])[:, None, None]
    lighter = (0.2, 0.55) if _happens(0.6) else (0.6, 0.95)
    level = _between(*((0.04, 0.22) if _happens(0.6) else lighter))
    rough = torch.randn(1, 1, 6, 5, device=cloth.device)
    folds = 1 + 0.25 * F.interpolate(rough, size=(height, width), mode="bicubic")[0]
    paler: Tensor = (1 + 0.6 * (cloth - 1)) * tint * level * folds.clamp(0.4, 1.8)
    return paler.clamp(0.01, 1)


def _random_face(faces: Tensor, height: int, width: int) -> Tensor:
    """Return a random face (3, height, width), as bright as faces in old photographs."""
    face = faces[int(torch.randint(0, len(faces), (1,)))]
    if _happens(0.5):
        face = face.flip(2)
    face = F.interpolate(face[None, :, 2:-2, 8:-8], size=(height, width), mode="bilinear", antialias=True)[0]
    brightest = float(face.amax(0).quantile(0.9))
    return (face * min(_between(0.4, 0.72) / max(float(face.mean()), 0.1), 1.02 / max(brightest, 0.1))).clamp(0, 1)


def _cloak_mask(height: int, width: int, device: torch.device) -> Tensor:
    """Return a mask (height, width) in 0..1 that is narrow at the shoulders and straight below."""
    y, x = _pixel_grid(height, width, device)
    half = 0.62 + 0.38 * ((y + 1) / 0.7).clamp(0, 1) ** 0.6
    return ((half - x.abs()) * width / 3).clamp(0, 1) * ((y + 1) * height / 2).clamp(0, 1)


def _oval_mask(height: int, width: int, device: torch.device) -> Tensor:
    """Return a mask (height, width) in 0..1 of an ellipse with a soft edge."""
    y, x = _pixel_grid(height, width, device)
    return ((1.05 - (y**2 + x**2).sqrt()) * max(2.0, height / 4)).clamp(0, 1)


def _pixel_grid(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return y and x (height, width) of the pixel centers, from -1 to 1."""
    y, x = ((torch.arange(side, device=device) + 0.5) / side * 2 - 1 for side in (height, width))
    return y[:, None].expand(height, width), x[None].expand(height, width)


def _paste(picture: Tensor, piece: Tensor, mask: Tensor, top: float, middle: float) -> None:
    """Blend `piece` (3, h, w) into `picture` by `mask` (h, w) in 0..1; what lies outside the picture is dropped."""
    height, width = mask.shape
    first, left = round(top), round(middle - width / 2)
    rows = slice(max(first, 0), max(0, min(first + height, picture.shape[1])))
    columns = slice(max(left, 0), max(0, min(left + width, picture.shape[2])))
    own_rows = slice(rows.start - first, rows.stop - first)
    own_columns = slice(columns.start - left, columns.stop - left)
    part = picture[:, rows, columns]
    if part.numel():
        part += mask[own_rows, own_columns] * (piece[:, own_rows, own_columns] - part)


def _between(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(1))


def _happens(probability: float) -> bool:
    return _between(0, 1) < probability
