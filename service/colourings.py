"""The network that coloured a photo in, four plausible colourings of that photo to choose from out, as options.

A network's distribution read at several temperatures gives from the calm mean of all it thinks possible to the boldest
of its guesses; every other installed network has an opinion of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from flask_babel import gettext as _

from colorizers.registry import ModelSpec
from service.options import Options

COUNT = 4
_CALM, _LIVELY, _BOLD = 1.0, 0.38, 0.15
_NEAR = 0.8
_MORE_VIVID, _WARM, _COOL = 1.35, 0.5, -0.4


@dataclass(frozen=True)
class Colouring:
    """One of them: what to call it, and the options that make it."""

    label: str
    options: Options


def colourings(spec: ModelSpec, others: list[ModelSpec], base: Options) -> list[Colouring]:
    """Return `COUNT` colourings by `spec` and by `others`, the networks installed beside it; `base` has the hints."""
    return list(islice(_all(spec, others, base), COUNT))


def _all(spec: ModelSpec, others: list[ModelSpec], base: Options) -> Iterator[Colouring]:
    hints = base.hints if spec.accepts_hints else ()
    own = Options(model=spec.name, hints=hints)
    yield Colouring(_("As the network sees it"), own)
    steps = list(_temperatures(spec))
    for label, temperature in steps[: max(1, COUNT - 1 - len(others))]:
        yield Colouring(label, Options(model=spec.name, hints=hints, temperature=temperature))
    for other in others:
        yield Colouring(other.title, Options(model=other.name, hints=hints if other.accepts_hints else ()))
    yield Colouring(_("Warmer"), Options(model=spec.name, hints=hints, warmth=_WARM))
    yield Colouring(_("Cooler"), Options(model=spec.name, hints=hints, warmth=_COOL))
    yield Colouring(_("More vivid"), Options(model=spec.name, hints=hints, saturation=_MORE_VIVID))


def _temperatures(spec: ModelSpec) -> Iterator[tuple[str, float]]:
    """Yield what differs visibly from the network's own temperature."""
    if not spec.has_distribution:
        return
    own = spec.temperature or _LIVELY
    for label, temperature in ((_("Livelier"), _LIVELY), (_("Bold"), _BOLD), (_("Calm"), _CALM)):
        if temperature < _NEAR * own or temperature > own / _NEAR:
            yield label, temperature
