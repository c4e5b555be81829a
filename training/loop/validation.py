"""Quick validation during training, at the training size: PSNR, chroma, loss and a contact sheet.

`python -m training evaluate` measures at full size.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from colorizers.networks.half_precision import ColorNetwork
from colorizers.networks.torch_lab import lab_to_rgb, rgb_to_lab
from training.evaluation.contact_sheet import contact_sheet
from training.recipes.base import Recipe

_CELL_PX = 160
_BATCH = 16


@torch.no_grad()
def validate(recipe: Recipe, network: nn.Module, photos: Sequence[Tensor], device: torch.device) -> dict[str, float]:
    """Return mean PSNR in dB, that of gray pictures, and chroma over true chroma for RGB uint8 (3, h, w) photos."""
    network.eval()
    rows = []
    for photo in photos:
        rgb = photo[None].to(device).float() / 255
        lab = rgb_to_lab(rgb)
        ab = recipe.predict_ab(cast(ColorNetwork, network), rgb)
        psnr, gray = (
            -10 * ((lab_to_rgb(torch.cat([lab[:, :1], x], 1)) - rgb) ** 2).mean().clamp_min(1e-10).log10()
            for x in (ab, torch.zeros_like(ab))
        )
        rows.append(torch.stack([psnr, gray, ab.norm(dim=1).mean(), lab[:, 1:].norm(dim=1).mean()]))
    psnr, gray, chroma, true = torch.stack(rows).mean(0).tolist()
    return {"psnr": psnr, "gray_psnr": gray, "chroma_ratio": chroma / max(true, 1e-6)}


@torch.no_grad()
def validation_loss(recipe: Recipe, network: nn.Module, photos: Sequence[Tensor], device: torch.device) -> float:
    """Return the recipe's mean loss over RGB uint8 (3, h, w) photos of equal size."""
    network.eval()
    total = 0.0
    for start in range(0, len(photos), _BATCH):
        rgb = torch.stack(list(photos[start : start + _BATCH])).to(device).float() / 255
        total += float(recipe.losses(network, rgb)["loss"]) * len(rgb)
    return total / len(photos)


@torch.no_grad()
def sheet_of(recipe: Recipe, network: nn.Module, photos: Sequence[Tensor], device: torch.device) -> Image.Image:
    """Return a contact sheet of RGB uint8 (3, h, w) photos: gray, colored, original."""
    network.eval()
    rows = []
    for photo in photos:
        rgb = photo[None].to(device).float() / 255
        L = rgb_to_lab(rgb)[:, :1]
        ab = recipe.predict_ab(cast(ColorNetwork, network), rgb)
        gray, colored = (lab_to_rgb(torch.cat([L, x], 1)) for x in (torch.zeros_like(ab), ab))
        rows.append([_to_array(picture) for picture in (gray, colored, rgb)])
    return contact_sheet(rows, ("gray", recipe.name, "truth"), _CELL_PX)


def _to_array(rgb: Tensor) -> NDArray[np.uint8]:
    """Convert RGB (1, 3, h, w) in 0..1 to uint8 (h, w, 3)."""
    return (rgb[0] * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
