"""Four plausible colourings of a photo to choose from, as options.

A network's distribution read at a lower temperature gives bolder guesses; every other installed network has an opinion
of its own; and nobody knows how vivid and how warm a colour photograph of the scene would have been.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from flask_babel import gettext as _

from colorizers.recipe import TEMPERATURES, Options
from colorizers.weights.registry import ModelSpec
from service.domain.labels import network_title

COUNT = 4
# Of the network's own temperature; and where it has none, the one of Zhang et al. 2016, section 2.3.
_COOLED, _COOLED_MEAN = 0.6, 0.38
_LIVELY = 1.15
_WARM, _WARM_VIVIDNESS = 0.45, 1.1
_CALM, _CALM_WARMTH = 0.7, -0.3


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
    yield Colouring(_("Livelier"), replace(own, temperature=_lower(spec), saturation=_LIVELY))
    for other in others:
        yield Colouring(network_title(other.title), Options(other.name, base.hints if other.accepts_hints else ()))
    yield Colouring(_("Warmer"), replace(own, warmth=_WARM, saturation=_WARM_VIVIDNESS))
    yield Colouring(_("Calmer"), replace(own, warmth=_CALM_WARMTH, saturation=_CALM))


def _lower(spec: ModelSpec) -> float | None:
    """Return a temperature at which the network makes up its mind more often; far below, colours break into patches."""
    if not spec.has_distribution:
        return None
    return max(TEMPERATURES[0], round(_COOLED * spec.temperature, 2)) if spec.temperature else _COOLED_MEAN
