"""Jobs that are made from a photo that is there: versions, previews and renders.

A version colours the photo once more, as a photo of its own. A preview is the network's prediction for the photo's
small picture under other hints; a render is the prediction that there is, as another file. Both belong to the photo.
"""

from dataclasses import replace

from colorizers.errors import ColorizerError
from colorizers.recipe import Options
from service.context.app_context import AppContext
from service.domain.job import AT_ONCE, SINGLE, Job, Kind, NewJob, new_job_id
from service.domain.model_choice import check_usable
from service.domain.options import check_result_size
from service.domain.problems import JobNotFoundError
from service.jobs.retention import oldest_kept
from service.logging_setup import REQUEST_ID
from service.usecases.enqueue import Origin, enqueue


class NotDoneError(ColorizerError):
    """The photo has not been coloured yet, or could not be: there is nothing to make anything of."""

    code = "not_done"


def make_version(photo: Job, options: Options, parts: AppContext, origin: Origin | None = None) -> Job:
    """Queue the original of `photo` once more with `options`, for the same owner.

    It expires with that photo. Raises `QueueFullError`, and what `check_usable` and `check_result_size` do;
    `JobNotFoundError` where the photo is deleted meanwhile.
    """
    check_usable(options, parts.settings)
    check_result_size(photo.width, photo.height, options)
    version = _new(photo, "colorization", options, SINGLE)
    version = replace(version, source=origin_of(photo))
    try:
        parts.files.copy(photo.id, "original", version.id)
    except FileNotFoundError as error:
        parts.files.remove(version.id)
        raise JobNotFoundError("There is no photo with that id any more.") from error
    return enqueue([version], parts, origin)[version.id]


def make_preview(photo: Job, options: Options, parts: AppContext) -> Job:
    """Queue a look at `photo` with other hints, temperature, network or colours; without a model, with its own.

    Raises `NotDoneError`, `QueueFullError`, and what `check_usable` does.
    """
    used = _outcome_model(photo)
    options = replace(options, model=options.model or used)
    check_usable(options, parts.settings)
    return _child(photo, "preview", options, parts)


def make_render(photo: Job, options: Options, parts: AppContext) -> Job:
    """Queue `photo` as another file: other vividness, format or size, from the colours that there are.

    What only a network could answer to (`model`, `hints`, `temperature`) stays as it was. Raises `NotDoneError`,
    `QueueFullError`, and what `check_result_size` does.
    """
    _outcome_model(photo)
    check_result_size(photo.width, photo.height, options)
    before = photo.options
    options = replace(options, model=before.model, hints=before.hints, temperature=before.temperature)
    return _child(photo, "render", options, parts)


def versions_of(photo: Job, viewer: str | None, parts: AppContext) -> list[Job]:
    """Return all colourings of the original of `photo`, itself included, the earliest first."""
    return parts.jobs.versions(origin_of(photo), viewer, oldest_kept(parts.settings.expire_hours))


def origin_of(photo: Job) -> str:
    """Return the id of the photo that was sent, which all its versions name."""
    return photo.source or photo.id


def _outcome_model(photo: Job) -> str:
    if photo.kind != "colorization" or photo.outcome is None:
        raise NotDoneError("This photo has not been coloured; wait until it is done.")
    return photo.outcome.model


def _child(photo: Job, kind: Kind, options: Options, parts: AppContext) -> Job:
    child = replace(_new(photo, kind, options, AT_ONCE), parent=photo.id)
    parts.files.make_room(child.id)
    return enqueue([child], parts)[child.id]


def _new(photo: Job, kind: Kind, options: Options, priority: int) -> NewJob:
    size = photo.width, photo.height
    whose = photo.owner, REQUEST_ID.get()
    new = NewJob(new_job_id(), photo.name, photo.mimetype, *size, *whose, kind, options, priority)
    return replace(new, kept_since=photo.kept_since)
