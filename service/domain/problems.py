"""Errors as problems with an HTTP status, and their texts in the reader's language.

English detail comes from the error itself, which knows most; other languages get a sentence by code and data. Problems
that are the server's fault (5xx) tell a reader nothing about the machine: the log does.
"""

import errno
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from werkzeug.exceptions import ClientDisconnected, HTTPException

from colorizers.errors import ColorizerError
from service.domain.job import Failure

# What may well be over soon: a database that is locked or away, a disk that is full or that nobody may write to.
_DATABASE_ERRORS = (OperationalError, InterfaceError, NoConnectionError)
_DISK_ERRORS = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ESTALE, errno.EMFILE, errno.ENFILE),
}
_RETRY_AFTER_S = 10

TEXTS: dict[str, tuple[Any, Any]] = {
    "no_file": (_("No photo was sent"), _("Choose at least one photo; the form field is called “photo”.")),
    "upload_too_large": (_("The file is too large"), _("A photo may have at most %(limit)s MB.")),
    "too_many_files": (_("Too many photos at once"), _("Send at most %(limit)s photos at a time.")),
    "too_many_ids": (_("Too many photos at once"), _("Name at most %(limit)s photos at a time.")),
    "not_a_picture": (
        _("This is not a photo"),
        _("The file is not a picture, or of a kind that is not supported. JPEG, PNG, TIFF, WebP, HEIC and AVIF are."),
    ),
    "undecodable": (
        _("The picture cannot be read"),
        _("The file begins like a picture, but it is damaged, incomplete or of a kind that is not supported."),
    ),
    "unsupported_samples": (
        _("The picture cannot be read"),
        _("Its pixels are of a kind that is not supported, or whose meaning is not agreed on: %(kind)s."),
    ),
    "camera_raw": (
        _("This is a camera raw file"),
        _("It holds what the camera's sensor recorded. Develop it with a raw converter, and bring what that makes."),
    ),
    "too_many_pixels": (
        _("The picture has too many pixels"),
        _("It has %(megapixels)s megapixels; at most %(limit)s are accepted."),
    ),
    "too_many_frames": (
        _("The picture has too many pages"),
        _("It has more pages or frames than the %(limit)s that are accepted."),
    ),
    "too_much_metadata": (
        _("The picture carries too much data"),
        _("Beside its pixels it has more data than the %(limit_mb)s MB that are accepted. Save it without them."),
    ),
    "too_slow": (
        _("The picture takes too long to read"),
        _("The file is built in such a way that reading it takes longer than a photo of its size may."),
    ),
    "decoders_busy": (
        _("Too many files at once"),
        _("This server is reading as many files as it can. Please try again in %(retry_after_s)s seconds."),
    ),
    "no_such_page": (_("No such page"), _("The file has %(pages)s pages only.")),
    "out_of_memory": (
        _("The picture needs too much memory"),
        _("This server has not enough memory for a picture of that size. Try a smaller one."),
    ),
    "queue_full": (
        _("Too many photos are waiting"),
        _("This server has as much to do as it accepts. Please try again in about %(retry_after_s)s seconds."),
    ),
    "storage_unavailable": (
        _("The photos are out of reach"),
        _("The place where photos are kept is full or does not answer. Please try again in a while."),
    ),
    "worker_lost": (
        _("The picture could not be coloured"),
        _("It stopped the program that colours photos several times, so it was given up."),
    ),
    "weights_missing": (
        _("No colours today"),
        _("The network's weights are missing on this server. Its log says where they belong."),
    ),
    "weights_corrupt": (
        _("No colours today"),
        _("The network's weights on this server are damaged. Its log says which file it is."),
    ),
    "unknown_model": (
        _("No colours today"),
        _("This server is set to a network that it does not have. Its log names those that it has."),
    ),
    "broken_prediction": (
        _("No colours today"),
        _("The network's answer made no sense: its weights or this machine's arithmetic are broken."),
    ),
    "not_found": (_("Nothing here"), _("There is no such page or photo, or it is no longer kept.")),
    "cross_site": (
        _("Not from another site"),
        _("The page of another site asked for this. Go to this server's own page and try there."),
    ),
    "form_token": (
        _("This page is out of date"),
        _("Reload the page and try again; nothing has been changed."),
    ),
    "key_required": (_("A key is needed"), _("Programs need one of this server's keys to use it.")),
    "too_many_requests": (
        _("Too many requests"),
        _("You have sent more requests than this server takes. Please try again in %(retry_after_s)s seconds."),
    ),
    "method_not_allowed": (_("Not in this way"), _("This address does not answer that kind of request.")),
    "request_too_large": (
        _("Too much at once"),
        _("The upload is larger than this server accepts. Send fewer photos."),
    ),
    "form_too_large": (
        _("The form is too large"),
        _("Beside its photos it may have %(most_fields)s fields, with %(most_kb)s kB of text in all."),
    ),
    "incomplete_request": (
        _("The request broke off"),
        _("Less of it arrived than was announced, or it was damaged on the way. Please send it again."),
    ),
    "invalid_host": (
        _("There is no such server"),
        _("The request does not say by a valid name which server it is meant for."),
    ),
    "too_large_for_format": (
        _("Too large for this kind of file"),
        _("%(format)s holds at most %(limit_px)s pixels a side. Choose PNG or TIFF, or a smaller size."),
    ),
    "bad_request": (_("The request cannot be understood"), _("Reload the page and try again.")),
    "not_done": (_("Not done yet"), _("This photo has not been coloured; wait until it is done.")),
    "not_failed": (_("Nothing to try again"), _("This photo has not failed.")),
    "invalid_value": (_("A value cannot be used"), _("The value of “%(field)s” cannot be used.")),
    "hints_not_accepted": (
        _("This network takes no hints"),
        _("The network colours without hints. Choose another one, or leave the hints out."),
    ),
    "temperature_not_supported": (
        _("This network knows no temperature"),
        _("The network names one colour for each place, so there is nothing to vary. Leave the temperature out."),
    ),
    "key_reused": (_("Another request had this key"), _("The key of the request has been used for another one.")),
    "too_many_streams": (
        _("Too many are watching"),
        _("This server reports to as many as it can. Ask for the photo itself now and then."),
    ),
    "internal_error": (
        _("Something went wrong here"),
        _("It is the program's fault, not yours. The server's log has the details under number %(request_id)s."),
    ),
}

_TELL = _("Please tell whoever runs this server.")
# What to do next, where the text does not say it.
ADVICE: dict[str, Any] = {
    "not_a_picture": _("Choose another file, or save this one as JPEG or PNG first."),
    "undecodable": _("Open it in another program, save it anew as JPEG, PNG or TIFF, and bring that."),
    "unsupported_samples": _("Open it in another program, save it anew as JPEG, PNG or TIFF, and bring that."),
    "too_many_pixels": _("Save it smaller and bring that."),
    "too_slow": _("Open it in another program, save it anew as JPEG, PNG or TIFF, and bring that."),
    "upload_too_large": _("Save it smaller and bring that."),
    "too_many_frames": _("Save the page you want as a file of its own."),
    "worker_lost": _("Try again; if it fails once more, save it smaller and bring that."),
    "weights_missing": _TELL,
    "weights_corrupt": _TELL,
    "unknown_model": _TELL,
    "broken_prediction": _TELL,
    "internal_error": _("Try again; if it happens again, tell whoever runs this server that number."),
}

_CODES = {
    400: "no_file incomplete_request invalid_host",
    401: "key_required",
    403: "cross_site form_token",
    404: "no_such_page not_found",
    409: "not_done not_failed other_weights",
    413: "form_too_large too_many_files upload_too_large",
    415: "not_a_picture",
    422: (
        "camera_raw hints_not_accepted invalid_hint invalid_recipe invalid_temperature invalid_value key_reused "
        "out_of_memory temperature_not_supported too_large_for_format too_many_frames too_many_ids too_many_pixels "
        "too_much_metadata too_slow undecodable unsupported_samples"
    ),
    429: "too_many_requests",
    503: (
        "decoders_busy download_failed queue_full storage_unavailable too_many_streams unknown_model weights_corrupt "
        "weights_missing"
    ),
}
_STATUSES = {code: status for status, codes in _CODES.items() for code in codes.split()}


class NoFileError(ColorizerError):
    """The request holds no photo."""

    code = "no_file"


class UploadTooLargeError(ColorizerError):
    """The file has more bytes than the limit. Data: `limit` in megabytes."""

    code = "upload_too_large"


class TooManyFilesError(ColorizerError):
    """The request holds more files than the limit. Data: `limit`."""

    code = "too_many_files"


class TooManyIdsError(ColorizerError):
    """The request names more photos than the limit. Data: `limit`."""

    code = "too_many_ids"


class IncompleteRequestError(ColorizerError):
    """The request ends before it should, or is damaged."""

    code = "incomplete_request"


class InvalidHostError(ColorizerError):
    """The request names no server that there could be."""

    code = "invalid_host"


class QueueFullError(ColorizerError):
    """As many photos are waiting as may. Data: `retry_after_s`, when some of them will have been done."""

    code = "queue_full"


class TooManyStreamsError(ColorizerError):
    """As many event streams are open as may be. Data: `retry_after_s`."""

    code = "too_many_streams"


class NotFailedError(ColorizerError):
    """The photo has not failed: there is nothing to try again."""

    code = "not_failed"


class CrossSiteError(ColorizerError):
    """A page of another site made the browser send the request."""

    code = "cross_site"


class FormTokenError(ColorizerError):
    """The request of a browser that has our cookie lacks the token of our pages."""

    code = "form_token"


class KeyRequiredError(ColorizerError):
    """The request of a program lacks a valid key."""

    code = "key_required"


class TooManyRequestsError(ColorizerError):
    """The client has sent more requests than it may. Data: `retry_after_s`."""

    code = "too_many_requests"


class JobNotFoundError(ColorizerError):
    """No job has that id."""

    code = "not_found"


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong: a code for programs, an HTTP status, English detail, data for translations."""

    code: str
    status: int
    message: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The short title in the reader's language."""
        return str(TEXTS[self.code][0]) if self.code in TEXTS else HTTPStatus(self.status).phrase

    @property
    def text(self) -> str:
        """One or two sentences in the reader's language: what is wrong, and what to do."""
        said = self._said()
        return f"{said}{_gap()}{ADVICE[self.code]}" if self.code in ADVICE else said

    def _said(self) -> str:
        if self.code not in TEXTS or (_reads_english() and self.message and self.status < 500):
            return self.message
        return str(TEXTS[self.code][1]) % self.data

    def as_json(self) -> dict[str, Any]:
        """Return the members of an RFC 9457 problem document."""
        standard = {"title": self.title, "status": self.status, "detail": self.text}
        return {**self.data, "type": f"urn:photo-colorizer:problem:{self.code}", **standard, "code": self.code}


def _reads_english() -> bool:
    return str(get_locale() or "en").startswith("en")


def _gap() -> str:
    """Return what stands between two sentences."""
    return " " if _reads_english() else ""


def status_of(code: str) -> int:
    """Return the HTTP status of errors with `code`, 500 unless the table has another one."""
    return _STATUSES.get(code, 500)


class ProblemError(Exception):
    """Ends a request with `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


_HTTP_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}


def problem_of(error: Exception | Failure) -> Problem:
    """Return the problem that `error` is; whatever nobody expected becomes `internal_error`."""
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, Failure):
        return Problem(error.code, error.status, error.message, error.data)
    if isinstance(error, ColorizerError):
        return Problem(error.code, status_of(error.code), error.message, error.data)
    if isinstance(error, _DATABASE_ERRORS) or (isinstance(error, OSError) and error.errno in _DISK_ERRORS):
        return Problem("storage_unavailable", 503, "", {"retry_after_s": _RETRY_AFTER_S})
    if isinstance(error, ClientDisconnected):
        return Problem("incomplete_request", 400, "")
    if isinstance(error, HTTPException) and error.code and error.code >= 400:
        code = _HTTP_CODES.get(error.code, HTTPStatus(error.code).name.lower())
        return Problem(code, error.code, "" if code in TEXTS else error.description or "")
    return Problem("internal_error", 500, "")
