"""The photographs to try the application with: names, titles in the reader's language, credits; sent like any other."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString
from werkzeug.datastructures import FileStorage

from service.context.app_context import parts
from service.domain.problems import ProblemError
from service.settings import ROOT
from service.usecases.enqueue import Origin
from service.usecases.submit import submit_files
from service.web.photo_request import PhotoRequest

FOLDER = ROOT / "static" / "examples"

blueprint = Blueprint("examples", __name__)


@dataclass(frozen=True)
class Example:
    """One photograph in the public domain, in `static/examples/<name>.webp`; a thumbnail is `<name>-small.webp`."""

    name: str
    title: LazyString
    credit: LazyString

    @property
    def file(self) -> Path:
        """The photograph as it is sent."""
        return FOLDER / f"{self.name}.webp"


EXAMPLES = (
    Example(
        "buffalo-1908",
        _("Buffalo, New York, about 1908"),
        _("Detroit Publishing Company, Library of Congress"),
    ),
    Example(
        "nipomo-1936",
        _("Nipomo, California, 1936"),
        _("Dorothea Lange, Farm Security Administration, Library of Congress"),
    ),
    Example(
        "snake-river-1942",
        _("The Snake River, Wyoming, 1942"),
        _("Ansel Adams, National Park Service, National Archives"),
    ),
    Example(
        "dallas-1936",
        _("Dallas, South Dakota, 1936"),
        _("Sloan, United States Department of Agriculture"),
    ),
)


@blueprint.post("/examples")
def try_one() -> ResponseReturnValue:
    """Send the example that the form names as if its reader had uploaded it, and lead to its result."""
    name = request.form.get("example", "")
    example = next((one for one in EXAMPLES if one.name == name), None)
    if example is None:
        abort(404)
    (submission,) = submit_files([_received(example)], Origin(parts().owners.of(request)), parts())
    if submission.job is None:
        assert submission.problem
        raise ProblemError(submission.problem)
    return redirect(url_for("pages.show", ids=submission.job.id), 303)


def _received(example: Example) -> FileStorage:
    upload = cast(PhotoRequest, request).receive()
    upload.write(example.file.read_bytes())
    upload.seek(0)
    return FileStorage(upload, example.file.name)  # type: ignore[arg-type]
