"""What the result page of a finished photo shows beside the pictures. Needs a request, for the language."""

import json
import time
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from flask import request, url_for
from flask_babel import format_decimal, format_timedelta, ngettext
from flask_babel import gettext as _

from colorizers.recipe import Options
from colorizers.weights.registry import ModelSpec, known_specs, weights_path
from service.context.app_context import AppContext
from service.domain.job import Job, Outcome
from service.domain.labels import format_title, learnt_from, network_title
from service.jobs.retention import kept_until_s
from service.pages.job_view import JobView, view_job
from service.pages.presets import Colouring, colourings
from service.settings import Settings
from service.usecases.sharing import shows_original
from service.usecases.submit import MOST_IDS
from service.usecases.variants import versions_of

# What browsers decode by themselves; of other files they see the views only.
_SHOWN_BY_BROWSERS = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/avif"}


@dataclass(frozen=True)
class Grays:
    """How many of `pixels` gray values are changed: in an exact file, and if it is another number, in the one offered.

    Numbers as texts in the reader's language.
    """

    exact: str
    pixels: str
    in_file: str | None


@dataclass(frozen=True)
class Kept:
    """One colouring of the same original."""

    id: str
    label: str
    view: str | None


@dataclass(frozen=True)
class Studio:
    """The result page of one photo: `addresses` of its files by name, `options` as fields of forms have them.

    `source` is the id of the photo that it is a version of.
    """

    job: JobView
    addresses: dict[str, str]
    file: dict[str, str]
    grays: Grays | None
    had_colour: bool
    learnt_from: str | None
    expires_in: str
    overlay: bool = False
    hints: bool = False
    options: dict[str, Any] | None = None
    networks: tuple[ModelSpec, ...] = ()
    kept: tuple[Kept, ...] = ()
    kept_url: str = ""
    choices: tuple[Colouring, ...] = ()
    share_url: str = ""
    source: str | None = None


def studio_of(job: Job, parts: AppContext) -> Studio | None:
    """Return what its owner's page shows of `job`, None while it is not done."""
    outcome = job.outcome
    if outcome is None or job.status != "done":
        return None
    networks = tuple(installed(parts.settings))
    spec = known_specs(parts.settings.model_dir).get(outcome.model)
    others = [network for network in networks if network.name != outcome.model]
    versions = versions_of(job, parts.owners.of(request), parts)
    return Studio(
        **_seen(job, outcome, url_for("api.read", job_id=job.id), parts),
        overlay=outcome.has_distribution,
        hints=outcome.accepts_hints,
        options=_fields(job, outcome),
        networks=tuple(replace(network, title=network_title(network.title)) for network in networks),
        kept=tuple(_kept(one) for one in versions),
        kept_url=url_for("pages.show", ids=",".join(one.id for one in versions[-MOST_IDS:])),
        choices=tuple(colourings(spec, others, job.options)) if spec else (),
        share_url=url_for("results.shared", token=job.share_token, _external=True),
        source=job.source,
    )


def shared_of(job: Job, token: str, parts: AppContext) -> Studio:
    """Return what the page behind a shared link shows of a finished `job`: the same, but nothing to change it by."""
    assert job.outcome is not None
    seen = _seen(job, job.outcome, url_for("results.shared", token=token), parts)
    if not shows_original(job):
        seen["addresses"] |= _full_size({"result": job.outcome.mimetype}, seen["addresses"])
    return Studio(**seen)


def installed(settings: Settings) -> list[ModelSpec]:
    """Return the networks whose weights are there."""
    specs = known_specs(settings.model_dir).values()
    return [spec for spec in specs if weights_path(spec, settings.model_dir).is_file()]


def _seen(job: Job, outcome: Outcome, base: str, parts: AppContext) -> dict[str, Any]:
    seconds = kept_until_s(job, parts.settings.expire_hours) - time.time()
    spec = known_specs(parts.settings.model_dir).get(outcome.model)
    return {
        "job": view_job(job, parts.jobs),
        "addresses": _addresses(job, outcome, base),
        "file": _file(job, outcome),
        "grays": _grays(outcome),
        "had_colour": outcome.was_colour,
        "learnt_from": learnt_from(spec.trained_on) if spec else None,
        "expires_in": format_timedelta(timedelta(seconds=max(seconds, 60)), granularity="minute", threshold=1),
    }


def _file(job: Job, outcome: Outcome) -> dict[str, str]:
    format_ = outcome.format or outcome.suffix.removeprefix(".")
    recipe_name = f"{PurePosixPath(job.name).stem}.recipe.json"
    return {"format": format_, "kind": format_title(format_), "recipe_name": recipe_name}


def _addresses(job: Job, outcome: Outcome, base: str) -> dict[str, str]:
    names = ("original", "result", "original-view", "result-view", "ab", "uncertainty", "suggestions", "recipe")
    found = {name.replace("-", "_"): f"{base}/{name}" for name in names}
    return {**found, "self": base, **_full_size({"original": job.mimetype, "result": outcome.mimetype}, found)}


def _full_size(mimetypes: dict[str, str], addresses: dict[str, str]) -> dict[str, str]:
    """Return which file pages enlarge, and its address: the first one that browsers show, empty without any."""
    full = next((name for name, mimetype in mimetypes.items() if mimetype in _SHOWN_BY_BROWSERS), "")
    return {"full": addresses.get(full, ""), "full_is": full}


def _grays(outcome: Outcome) -> Grays | None:
    if outcome.pixels is None or outcome.changed_grays_exact is None:
        return None
    exact, in_file = outcome.changed_grays_exact, outcome.changed_grays_file
    differs = in_file is not None and in_file != exact
    return Grays(format_decimal(exact), format_decimal(outcome.pixels), format_decimal(in_file) if differs else None)


def _fields(job: Job, outcome: Outcome) -> dict[str, Any]:
    options: Options = job.options
    return {
        "model": outcome.model,
        "temperature": "" if options.temperature is None else options.temperature,
        "saturation": options.saturation,
        "warmth": options.warmth,
        "hints": json.dumps([asdict(hint) for hint in options.hints]),
    }


def _kept(job: Job) -> Kept:
    view = url_for("api.result_view", job_id=job.id) if job.outcome else None
    return Kept(job.id, _label(job), view)


def _label(job: Job) -> str:
    """Return in what a colouring differs from others of the same original."""
    options = job.options
    details = [
        network_title(job.outcome.model_title) if job.outcome else "",
        ngettext("%(num)s place", "%(num)s places", len(options.hints)) if options.hints else "",
        _("vividness %(percent)s %%", percent=round(100 * options.saturation)) if options.saturation != 1 else "",
        _("warmth %(value)s", value=f"{100 * options.warmth:+.0f}") if options.warmth else "",
        _("temperature %(value)s", value=options.temperature) if options.temperature is not None else "",
    ]
    return ", ".join(detail for detail in details if detail)
