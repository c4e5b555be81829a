"""Colorization of black-and-white photographs by neural networks.

Public names are loaded when they are first used (PEP 562), so that the parts that need no torch work without it.
`from colorizers import *` gives all names of the package that the authors of the published networks released, so that
scripts written for theirs run unchanged.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from colorizers.version import __version__ as __version__

if TYPE_CHECKING:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from PIL import Image
    from skimage import color
    from torch import nn

    from colorizers import base_color, util
    from colorizers.base_color import BaseColor
    from colorizers.colorizer import Colorizer
    from colorizers.eccv16 import ECCVGenerator, eccv16
    from colorizers.errors import ColorizerError
    from colorizers.output.encode import write as write
    from colorizers.photo.photo import open_photo
    from colorizers.photo.photo_data import Photo
    from colorizers.prediction.hints import Hint as Hint
    from colorizers.rendering.render import Rendering as Rendering
    from colorizers.siggraph17 import SIGGRAPHGenerator, siggraph17
    from colorizers.util import (
        Lab2rgb_numpy,
        load_img,
        postprocess_tens,
        preprocess_img,
        resize_img,
        rgb2L_tensor,
    )
    from colorizers.weights.registry import ModelSpec

__all__ = [
    "BaseColor",
    "Colorizer",
    "ColorizerError",
    "ECCVGenerator",
    "F",
    "Image",
    "Lab2rgb_numpy",
    "ModelSpec",
    "Photo",
    "SIGGRAPHGenerator",
    "base_color",
    "color",
    "eccv16",
    "load_img",
    "nn",
    "np",
    "open_photo",
    "postprocess_tens",
    "preprocess_img",
    "resize_img",
    "rgb2L_tensor",
    "siggraph17",
    "torch",
    "util",
]

_MODULES = {
    "F": "torch.nn.functional",
    "Image": "PIL.Image",
    "base_color": "colorizers.base_color",
    "color": "skimage.color",
    "nn": "torch.nn",
    "np": "numpy",
    "torch": "torch",
    "util": "colorizers.util",
}
_HOMES = {
    "BaseColor": "base_color",
    "Colorizer": "colorizer",
    "ColorizerError": "errors",
    "ECCVGenerator": "eccv16",
    "Hint": "prediction.hints",
    "Lab2rgb_numpy": "util",
    "ModelSpec": "weights.registry",
    "Photo": "photo.photo",
    "Rendering": "rendering.render",
    "SIGGRAPHGenerator": "siggraph17",
    "eccv16": "eccv16",
    "load_img": "util",
    "open_photo": "photo.photo",
    "postprocess_tens": "util",
    "preprocess_img": "util",
    "resize_img": "util",
    "rgb2L_tensor": "util",
    "siggraph17": "siggraph17",
    "write": "output.encode",
}


class _Package(ModuleType):
    """This package, whose attributes `eccv16` and `siggraph17` are the functions and not the modules of that name."""

    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds every loaded submodule to its package and would replace the function.
        if isinstance(value, ModuleType) and _HOMES.get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    """Return the public name `name`, loading what it needs; raises `AttributeError` where there is none."""
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_HOMES})


sys.modules[__name__].__class__ = _Package
