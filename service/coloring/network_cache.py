"""LRU cache of loaded networks. Imports torch."""

import logging
from collections import OrderedDict
from dataclasses import dataclass

import torch

from colorizers.colorizer import Colorizer
from colorizers.weights.registry import ModelSpec, find_spec, weights_path
from service.domain.model_choice import choose_model
from service.settings import Settings

# The published networks take some 150 MB of memory each.
_MOST_LOADED = 3

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Loaded:
    spec: ModelSpec
    changed_at: float
    colorizer: Colorizer


class Networks:
    """The networks of one worker."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()

    def get(self, name: str | None = None) -> Colorizer:
        """Return the network `name`, or the default one; reload it if its file has changed. Raises `ColorizerError`."""
        spec = find_spec(name, self._settings.model_dir) if name else choose_model(self._settings)
        path = weights_path(spec, self._settings.model_dir)
        changed_at = path.stat().st_mtime if path.exists() else 0.0
        known = self._loaded.pop(spec.name, None)
        if known is None or (known.spec, known.changed_at) != (spec, changed_at):
            known = _Loaded(spec, changed_at, self._load(spec))
        self._loaded[spec.name] = known
        while len(self._loaded) > _MOST_LOADED:
            self._loaded.popitem(last=False)
        return known.colorizer

    def _load(self, spec: ModelSpec) -> Colorizer:
        use_gpu = {"cpu": False, "gpu": True, "auto": _has_gpu()}[self._settings.device]
        colorizer = Colorizer.from_name(spec.name, model_dir=self._settings.model_dir, use_gpu=use_gpu)
        _log.info("using %s on %s", colorizer.spec.title, colorizer.device)
        return colorizer


def _has_gpu() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()
